//! Affiliate registration: the public application page, the application's contents, and the effects
//! of approval and denial.

mod account;
mod applicant;
mod application;
mod decide;
mod emails;
mod forms;
pub(crate) mod handlers;
mod limits;
mod settings;
mod text;

pub(crate) use account::{PortalInvitation, accept};
pub use application::sweep;
pub use decide::decide;
pub(crate) use decide::{DecisionOutcome, send_invitation, undo};
pub(crate) use limits::RegistrationLimits;
pub(crate) use settings::allows_code_requests;
pub use settings::{CodeRequirement, CustomField, FieldKind, Registration, load, save};
