mod change;
mod counted_form;
mod export;
mod show;
mod words;

pub use self::change::{create, repair, set_counted_codes};
pub use self::export::export;
pub use self::show::show;
