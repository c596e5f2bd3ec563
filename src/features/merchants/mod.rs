//! Merchants: tenants, one affiliate program each.

/// What a merchant can choose from in forms.
pub mod choices;
mod model;
mod rules;
mod slug;

pub use self::model::{
    CreateMerchantError, Created, NewMerchant, Owner, any_exists, create, general, rename,
};
pub use self::rules::{DatedRules, change_rules, rules_history};
