//! Handlers, by action.

mod access;
mod feature;
mod list;
mod people;
mod show;
mod view;

pub use self::access::set_access;
pub(in crate::features::support) use self::feature::reason_error;
pub use self::feature::set_exclusions;
pub use self::list::index;
pub use self::people::{end_sessions, end_sessions_of_affiliate, resend_invitation};
pub use self::show::show;
pub(in crate::features::support) use self::show::{FeatureForm, ReasonForm};
pub use self::view::{begin_view, end_view};
