//! Handlers, by action.

mod feature;
mod list;
mod people;
mod show;

pub use self::feature::set_exclusions;
pub use self::list::index;
pub use self::people::end_sessions;
pub use self::show::show;
