//! Checks with the store whether it accepts Vouch's credentials, and what they allow.

use actix_web::HttpResponse;
use actix_web::web::Data;
use vouch_core::money::Currency;
use vouch_platforms::{CallError, StoreAccess, provider};

use super::find;
use super::text;
use crate::features::auth::pages::MerchantPage;
use crate::features::store_workers::Tools;
use crate::features::stores::{self, Store, StoreCall, StoreCalls};
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::platform_path::OfStore;
use crate::kit::web::see_other;

/// Calls the store, on a thread where calls can block. It saves the result and returns a message about
/// it. An error from the store is also a result.
pub(super) async fn checked(
    call: StoreCall,
    db: &Data<Db>,
    config: &Data<Config>,
    store: Store,
) -> AppResult<(FlashKind, String)> {
    let tools = Tools::new(config, Db::clone(db));
    let (asked, now) = (store.clone(), clock::now());
    let answer = call.run(move || tools.client(&asked, now)?.access()).await?;
    let (kind, words) = in_words(&store, &answer);
    db.merchant(store.merchant_id, move |conn| match answer {
        Ok(access) => {
            stores::note_answered(conn, &store, &access.store_name, now)?;
            stores::jobs::wake_jobs(conn, store.merchant_id, store.id, now)
        }
        Err(CallError::Denied(problem)) => stores::note_denied(conn, &store, &problem, now),
        // Other errors don't show whether the credentials work.
        Err(_) => Ok(()),
    })
    .await?;
    Ok((kind, words))
}

/// `POST /settings/{platform}/{store_id}/access`: checks what the store's credentials allow.
pub(crate) async fn check_access(
    of: OfStore,
    db: Data<Db>,
    config: Data<Config>,
    calls: Data<StoreCalls>,
    page: MerchantPage,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let store = find(&db, &page, of).await?;
    let back = store.settings_url();
    let call = calls.begin(page.merchant_id())?;
    let (kind, words) = checked(call, &db, &config, store).await?;
    page.leave(kind, words)?;
    Ok(see_other(&back))
}

fn in_words(store: &Store, answer: &Result<StoreAccess, CallError>) -> (FlashKind, String) {
    match answer {
        Ok(access) => {
            let name = if access.store_name.is_empty() { &store.name } else { &access.store_name };
            if access.missing.is_empty() {
                if let Some((own, theirs)) = other_currency(store, access) {
                    let words = text::other_currency(name, own, &theirs);
                    return (FlashKind::Warning, words);
                }
                return (FlashKind::Success, text::connection_works(name));
            }
            (FlashKind::Warning, text::missing_access(name, access))
        }
        Err(CallError::Throttled { .. }) => (FlashKind::Warning, text::THROTTLED.into()),
        Err(error) => (FlashKind::Warning, text::test_failed(&error.to_string())),
    }
}

/// The currency of a store's discount rules and the store's own, if they differ. The store would take
/// amounts in its own currency.
fn other_currency(store: &Store, access: &StoreAccess) -> Option<(Currency, String)> {
    let rules = store.discount_rules.as_ref().filter(|_| store.creates_codes)?;
    let own = provider(store.platform)?.settings().discounts().fixed_currency(rules)?;
    let theirs = access.currency.as_ref().filter(|code| *code != own.code())?;
    Some((own, theirs.clone()))
}
