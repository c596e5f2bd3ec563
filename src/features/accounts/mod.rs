//! Ends and restores access: of a person, of support staff, of a whole merchant.
//!
//! Each action ends the affected sessions and revokes the affected API keys in the same
//! transaction. It writes a row to the instance log and to the audit log of every affected
//! merchant. The reason and the actor's IP address are only in the instance log. A merchant learns
//! what changed but not why support did it, because that can concern support's own staff.
//! Everything here runs within `Scope::Instance`, for the command line and for the support pages.
//! Revoked keys stay revoked when access is restored.

mod by;
mod ended_access;
mod log;
mod merchant;
mod text;
mod user;

use vouch_core::name::is_invisible;

pub use self::by::AccessChange;
use self::by::tell;
pub use self::ended_access::EndedAccess;
use self::log::note;
pub use self::log::note_revealed;
pub(crate) use self::log::{InstanceEntry, of_subject};
pub use self::merchant::{close, reopen};
pub(crate) use self::user::{add_support, remove_support};
pub use self::user::{disable, enable};

/// The maximum length of a reason, in characters.
const MAX_REASON_CHARS: usize = 500;

/// Why a reason is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReasonError {
    /// Longer than the logs can show.
    #[error("{}", text::reason_too_long(MAX_REASON_CHARS))]
    TooLong,
    /// It has a line end, a direction mark or another invisible character.
    #[error("{}", text::INVISIBLE_CHARACTER)]
    Invisible,
}

/// Parses a one-line reason from a page or the command line and trims it. It may be empty.
pub(crate) fn read_reason(typed: &str) -> Result<String, ReasonError> {
    let reason = typed.trim();
    if reason.chars().count() > MAX_REASON_CHARS {
        return Err(ReasonError::TooLong);
    }
    if reason.chars().any(is_invisible) {
        return Err(ReasonError::Invisible);
    }
    Ok(reason.to_owned())
}
