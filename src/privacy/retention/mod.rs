mod settings;
mod sweep;

pub use self::settings::{Instance, Period, Periods, load, save};
pub use self::sweep::{overdue, sweep};
