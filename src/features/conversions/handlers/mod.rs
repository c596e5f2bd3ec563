//! Manage > Conversions, and the conversions of one affiliate.

mod change;
mod list;

pub(crate) use self::change::set_status;
pub(crate) use self::change::{overrule, undo};
pub(crate) use self::list::{export, index, of_affiliate};
