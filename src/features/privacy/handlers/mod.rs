mod people;
mod settings;

pub use self::people::{erase, export, search};
pub use self::settings::{complete, set_retention, show};
