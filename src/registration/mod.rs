//! How somebody becomes an affiliate: the page on which one applies, what an application has to
//! say, and what approval and denial bring about.

mod account;
mod application;
mod decide;
mod forms;
mod further;
/// The pages.
pub mod handlers;
mod letters;
mod limits;
mod settings;

pub use account::{Invitation, accept};
pub use application::{
    Answer, Application, Applied, Confirmed, Wish, apply, confirm, of_affiliate, sweep,
};
pub use decide::{Decided, Denial, decide, send_invitation, undo};
pub use further::{DecidedCodes, ReversedCodes, approve_codes, deny_codes, reverse_codes};
pub use limits::Limits;
pub use settings::{
    CodeWish, Field, FieldKind, MOST_FIELDS, Registration, Shown, allows_further_codes, load,
    merchant_of, save,
};
