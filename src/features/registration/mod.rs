//! Affiliate registration: the public application page, the application's contents, and the effects
//! of approval and denial.

mod account;
mod applicant;
mod application;
mod decide;
mod emails;
mod forms;
pub mod handlers;
mod limits;
mod settings;

pub use account::{Invitation, accept};
pub use applicant::Applicant;
pub use application::{Applied, Confirmed, apply, confirm, sweep};
pub use decide::{Decided, decide, send_invitation, undo};
pub use limits::Limits;
pub use settings::{
    CodeRequirement, Field, FieldKind, MAX_FIELDS, Registration, Shown, allows_code_requests, load,
    merchant_of, save,
};
