//! Account > Settings > Shopify.

mod cancellations;
mod connection;
mod credentials;
mod discounts;
mod discounts_form;
mod page;
mod secret;

pub use self::cancellations::{cancellations, set_cancellations};
pub use self::connection::{connect, show};
pub use self::credentials::{credentials, replace_credentials};
pub use self::discounts::{discounts, set_discounts};
pub use self::secret::{remove_previous_secret, replace_secret, secret};
use crate::features::stores::WebhookSecret;
use crate::kit::web::form::FormErrors;

/// The address of this page.
const HERE: &str = "/settings/shopify";

fn parse_secret(field: &str, typed: &str, errors: &mut FormErrors) -> Option<WebhookSecret> {
    let parsed = WebhookSecret::parse(typed);
    parsed.map_err(|refusal| errors.add(field, refusal.to_string())).ok()
}
