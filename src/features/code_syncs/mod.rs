//! Code sync compares the codes of Vouch and the stores, daily and on demand, without changing
//! anything in the store.

mod findings;
pub(crate) mod handlers;
mod limits;
mod model;
mod repair;
mod run;
mod text;

pub(crate) use self::findings::{BY_CODE, page, rows};
pub(crate) use self::findings::{Difference, DifferenceFilter, DifferenceRow, Show};
pub(crate) use self::limits::counted_codes;
pub use self::limits::{CountedCodes, set_counted_codes};
pub use self::model::{CodeSync, SyncRequest, ask};
pub(crate) use self::repair::{RepairError, repair};
pub(crate) use self::run::run;
