//! Facts with dates: what was in force when. An order is judged by the second it was placed in, so a
//! fact that changes ends one period and begins the next, and nothing of the past is overwritten.
//!
//! Every dated table has the same shape: the columns that say what the fact is of, `valid_from`
//! (included, a whole second), `valid_until` (excluded; null while it lasts), and the columns of the
//! value. [`dated!`] names them, [`change`] and [`hold_from`] write them, and [`history`] decides
//! which periods there are. A constraint of each table forbids periods that overlap.

mod history;
mod table;

pub use self::history::{Period, at, at_or_first, second};
pub use self::table::{Changed, Dated, begin, change, hold_from};
pub(crate) use self::table::{dated, in_force_or_first};
