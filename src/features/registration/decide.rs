//! Approval and denial of affiliates, and their effects.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::{account, emails};
use crate::features::affiliates::{self, Affiliate, AffiliateStatus};
use crate::features::auth::Merchant;
use crate::features::availability::lock_codes_exclusive;
use crate::features::code_requests::{self, Denial};
use crate::kit::audit::Actor;
use crate::kit::db::schema::applications;
use crate::kit::secrets::Encryptor;

/// The result of a decision.
#[derive(Debug, Default)]
pub struct DecisionOutcome {
    /// The affiliates that changed, as they were before.
    pub changed: Vec<Affiliate>,
    /// Codes that became triggers.
    pub codes: Vec<String>,
    /// Codes that were released for a while and belong to someone else now: (affiliate, code).
    pub lost: Vec<(String, String)>,
}

/// Changes the status of affiliates. An affiliate who becomes active gets the requested code and,
/// if they applied, an email. A denied affiliate loses the requested code, and gets an email if
/// `denial` is set. If two members decide at once, the second finds nothing left to do.
pub fn decide(
    conn: &mut PgConnection,
    actor: &Actor,
    encryptor: &Encryptor,
    affiliate_ids: &[i64],
    status: AffiliateStatus,
    denial: Option<&Denial>,
) -> QueryResult<DecisionOutcome> {
    lock_codes_exclusive(conn, actor.merchant_id)?;
    decide_held(conn, actor, encryptor, affiliate_ids, status, denial)
}

/// [`decide`] for callers that hold [`lock_codes_exclusive`].
pub(super) fn decide_held(
    conn: &mut PgConnection,
    actor: &Actor,
    encryptor: &Encryptor,
    affiliate_ids: &[i64],
    status: AffiliateStatus,
    denial: Option<&Denial>,
) -> QueryResult<DecisionOutcome> {
    let changed = affiliates::change_status(conn, actor, affiliate_ids, status)?;
    let mut decided = DecisionOutcome::default();
    let merchant = Merchant::find(conn, actor.merchant_id)?;
    for affiliate in &changed {
        match status {
            AffiliateStatus::Active => {
                let revive = affiliate.status == AffiliateStatus::Denied;
                let approved = code_requests::approve(conn, actor, affiliate.id, revive)?;
                if let Some(application_id) = welcome_once(conn, actor, affiliate.id)? {
                    tracing::debug!(application_id, "application_approved");
                    let token = account::invite(conn, actor, affiliate)?;
                    emails::welcome(
                        conn,
                        &merchant,
                        encryptor,
                        affiliate,
                        &approved.codes,
                        &token,
                    )?;
                }
                decided.codes.extend(approved.codes);
                let lost = approved.lost.into_iter().map(|code| (affiliate.name.clone(), code));
                decided.lost.extend(lost);
            }
            AffiliateStatus::Denied => {
                code_requests::deny(conn, actor, affiliate.id)?;
                if let Some(denial) = denial {
                    emails::denied(conn, &merchant, affiliate, denial)?;
                }
            }
            AffiliateStatus::Pending => code_requests::reopen(conn, actor, affiliate.id)?,
            // The requested codes stay pending with them.
            AffiliateStatus::Disabled => {}
        }
    }
    decided.changed = changed;
    Ok(decided)
}

/// Returns an affiliate's application if they weren't welcomed yet, and marks them as welcomed.
fn welcome_once(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
) -> QueryResult<Option<i64>> {
    let unwelcomed = applications::table
        .filter(applications::merchant_id.eq(actor.merchant_id))
        .filter(applications::affiliate_id.eq(affiliate_id))
        .filter(applications::welcomed_at.is_null());
    diesel::update(unwelcomed)
        .set(applications::welcomed_at.eq(actor.now))
        .returning(applications::id)
        .get_result(conn)
        .optional()
}

/// Undoes a status change made at `since`. Codes that were denied with it are reserved again,
/// unless someone else has them. Triggers that it created remain.
pub(crate) fn undo(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_ids: &[i64],
    since: DateTime<Utc>,
) -> QueryResult<Vec<Affiliate>> {
    lock_codes_exclusive(conn, actor.merchant_id)?;
    let undone = affiliates::undo_status(conn, actor, affiliate_ids, since)?;
    for affiliate in undone.iter().filter(|one| one.status == AffiliateStatus::Denied) {
        code_requests::reopen_denied_at(conn, actor, affiliate.id, since)?;
    }
    Ok(undone)
}

/// Sends an affiliate a new link to an account. The previous link ends.
pub(crate) fn send_invitation(
    conn: &mut PgConnection,
    actor: &Actor,
    encryptor: &Encryptor,
    affiliate: &Affiliate,
) -> QueryResult<()> {
    let merchant = Merchant::find(conn, actor.merchant_id)?;
    let token = account::invite(conn, actor, affiliate)?;
    emails::invitation(conn, &merchant, encryptor, affiliate, &token)
}
