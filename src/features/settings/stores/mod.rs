//! Account > Settings: the stores of one platform. Providers define how platforms differ.

mod access;
mod cancellations;
mod connection;
mod credentials;
mod discounts;
mod discounts_form;
mod page;
mod secret;
mod text;

pub(crate) use self::access::check_access;
pub(crate) use self::cancellations::{cancellations, set_cancellations};
pub(crate) use self::connection::{connect, connect_apart, disconnect, show};
pub(crate) use self::credentials::{credentials, new_credentials, replace_credentials};
pub(crate) use self::discounts::{discounts, moved_discounts, set_discounts};
pub(crate) use self::secret::{remove_previous_secret, replace_secret, secret};
use crate::features::auth::pages::MerchantPage;
use crate::features::stores::Store;
use crate::kit::audit::SubjectKind;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::web::platform_path::OfStore;
use crate::kit::web::version::Record;

/// The connected store in the path.
async fn find(db: &Db, page: &MerchantPage, of: OfStore) -> AppResult<Store> {
    let merchant_id = page.merchant_id();
    db.merchant(merchant_id, move |conn| {
        Store::find_connected(conn, merchant_id, of.provider.platform(), of.store_id)
    })
    .await
}

/// The store as an edited record. `action` is the name of the change in the audit log.
fn record(store: &Store, action: &'static str) -> Record {
    let (kind, id) = (SubjectKind::Store, Some(store.id));
    Record { merchant_id: store.merchant_id, kind, id, action: Some(action) }
}
