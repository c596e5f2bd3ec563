//! Merchants: tenants, one affiliate program each.

mod model;
mod slug;

pub use self::model::{CreateMerchantError, Created, NewMerchant, Owner, any_exists, create};
