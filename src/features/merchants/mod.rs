//! Merchants: tenants with one affiliate program each.

pub mod choices;
mod model;
mod rules;
mod slug;

pub use self::model::{
    CreateMerchantError, Created, NewMerchant, Owner, any_exists, create, general, rename,
};
pub use self::rules::{DatedRules, change_rules, rules_history};
