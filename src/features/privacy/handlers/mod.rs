mod people;
mod settings;

pub(crate) use self::people::{erase, export, search};
pub(crate) use self::settings::{complete, set_retention, show};
