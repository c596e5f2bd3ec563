//! Handlers, by action.

mod access;
mod feature;
mod list;
mod people;
mod show;
mod view;

pub(crate) use self::access::set_access;
pub(in crate::features::support) use self::feature::reason_error;
pub(crate) use self::feature::set_exclusions;
pub(crate) use self::list::index;
pub(crate) use self::people::{end_sessions, end_sessions_of_affiliate, resend_invitation};
pub(crate) use self::show::show;
pub(in crate::features::support) use self::show::{FeatureForm, ReasonForm};
pub(crate) use self::view::{begin_view, end_view};
