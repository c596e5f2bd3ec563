mod settings;
mod sweep;

pub(crate) use self::settings::{Period, load};
pub use self::settings::{Periods, save};
pub use self::sweep::{overdue, sweep};
