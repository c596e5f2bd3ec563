//! Manage > Conversions, and the conversions of one affiliate.

mod change;
mod list;
mod query;

pub use self::change::{overrule, set_status, undo};
pub use self::list::{ConversionList, export, index, of_affiliate};
pub use self::query::ListQuery;
