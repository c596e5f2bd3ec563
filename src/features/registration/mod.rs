//! How somebody becomes an affiliate: the page on which one applies, what an application has to
//! say, and what approval and denial bring about.

mod account;
mod application;
mod decide;
mod forms;
/// The pages.
pub mod handlers;
mod letters;
mod limits;
mod settings;
mod wish;

pub use account::{Invitation, accept};
pub use application::{Applied, Confirmed, apply, confirm, sweep};
pub use decide::{Decided, decide, send_invitation, undo};
pub use limits::Limits;
pub use settings::{
    CodeWish, Field, FieldKind, MOST_FIELDS, Registration, Shown, allows_further_codes, load,
    merchant_of, save,
};
pub use wish::Wish;
