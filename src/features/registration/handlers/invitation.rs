use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use crate::features::affiliates::{Affiliate, AffiliateStatus, has_account};
use crate::features::auth::pages::MerchantPage;
use crate::features::registration;
use crate::features::registration::text;
use crate::kit::db::Db;
use crate::kit::email;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::urls;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::see_other;

/// `POST /affiliates/{affiliate_id}/invitation`: sends the account link to an affiliate without an account.
pub(crate) async fn invite(
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    limits: Data<email::EmailLimits>,
    page: MerchantPage,
    affiliate_id: Path<i64>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (actor, id) = (page.actor(), *affiliate_id);
    let (affiliate, sent) = db
        .merchant(actor.merchant_id, move |conn| -> AppResult<_> {
            let affiliate = Affiliate::find(conn, actor.merchant_id, id)?;
            let fits = affiliate.status == AffiliateStatus::Active
                && !has_account(conn, actor.merchant_id, id)?;
            if fits {
                limits.take(actor.merchant_id, &affiliate.email)?;
                registration::send_invitation(conn, &actor, &encryptor, &affiliate)?;
            }
            Ok((affiliate, fits))
        })
        .await?;
    if sent {
        page.done(text::invitation_sent(&affiliate.email, page.sends_email()))?;
    } else {
        page.leave(FlashKind::Info, text::invitation_not_sent(&affiliate.name))?;
    }
    Ok(see_other(&urls::affiliate(id)))
}
