//! Dated facts: which value was active at which time. Attribution uses the values at the second
//! when an order was placed. So a change ends one period and starts the next, and nothing in the
//! past is overwritten.
//!
//! Every dated table has the same shape: key columns, `valid_from` (inclusive, a whole second),
//! `valid_until` (exclusive; null while it lasts), and value columns. [`dated!`] declares the
//! columns, [`change`] and [`hold_from`] write them, and [`history`] computes the periods. A
//! constraint of each table forbids overlapping periods.

mod history;
mod table;

pub use self::history::second;
pub(crate) use self::history::{Period, at, at_or_first};
pub(crate) use self::table::{Dated, DatedChange, begin, change, hold_from};
pub(crate) use self::table::{dated, in_force_or_first};
