mod settings;
mod sweep;

pub use self::settings::{Period, Periods, load, save};
pub use self::sweep::{overdue, sweep};
