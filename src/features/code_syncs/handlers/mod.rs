mod change;
mod counted_form;
mod export;
mod show;
mod words;

pub(crate) use self::change::set_counted_codes;
pub(crate) use self::change::{create, repair};
pub(crate) use self::export::export;
pub(crate) use self::show::show;
