//! Manage > Conversions, and the conversions of one affiliate.

mod change;
mod list;

pub use self::change::{overrule, set_status, undo};
pub use self::list::{export, index, of_affiliate};
