//! Account > Settings > Shopify.

mod cancellations;
mod connection;
mod credentials;
mod discounts;
mod discounts_form;
mod page;
mod secret;

use diesel::{PgConnection, QueryResult};
use serde::Deserialize;

pub use self::cancellations::{cancellations, set_cancellations};
pub use self::connection::{connect, disconnect, show, test};
pub use self::credentials::{credentials, replace_credentials};
pub use self::discounts::{discounts, set_discounts};
pub use self::secret::{remove_previous_secret, replace_secret, secret};
use crate::stores::{Platform, Store, WebhookSecret};
use crate::web::form::FormErrors;

/// The address of this page.
const HERE: &str = "/settings/shopify";

/// Nothing but the proof that the form is ours.
#[derive(Deserialize)]
pub struct NoFields {}

fn parse_secret(field: &str, typed: &str, errors: &mut FormErrors) -> Option<WebhookSecret> {
    let parsed = WebhookSecret::parse(typed);
    parsed.map_err(|refusal| errors.add(field, refusal.to_string())).ok()
}

fn find_connected(conn: &mut PgConnection, merchant_id: i64, store_id: i64) -> QueryResult<Store> {
    let store = Store::find(conn, merchant_id, store_id)?;
    let is_ours = store.is_connected() && store.platform == Platform::Shopify;
    if is_ours { Ok(store) } else { Err(diesel::result::Error::NotFound) }
}
