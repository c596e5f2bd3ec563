//! Merchants: tenants with one affiliate program each.

pub(crate) mod choices;
mod model;
mod rules;
mod slug;
mod text;

pub(crate) use self::model::{CreateMerchantError, GeneralSettings, any_exists};
pub use self::model::{CreatedMerchant, NewMerchant, Owner, create};
pub(crate) use self::rules::DatedRules;
pub use self::rules::{change_rules, rules_history};
