//! Ends access and gives it back: of a person, of support staff, of a whole merchant.
//!
//! Each act ends the sessions and revokes the API keys it's about in the same transaction, and leaves a
//! row in the log of the instance and in the audit log of every merchant it touches. The reason, and where
//! the act came from, stand in the log of the instance alone: a merchant reads what changed for it, and
//! not why support did it, which can be about support's own staff. Everything here
//! runs within `Scope::Instance`, for the command line and the pages of support staff alike. What
//! was revoked stays revoked when access is given back.

mod by;
mod log;
mod merchant;
mod user;

use vouch_core::name::is_invisible;

pub use self::by::AccessChange;
use self::by::tell;
use self::log::note;
pub use self::log::{InstanceEntry, note_revealed, of_subject};
pub use self::merchant::{close, reopen};
pub use self::user::{add_support, disable, enable, remove_support};

/// The most characters of a reason.
const MAX_REASON_CHARS: usize = 500;

/// Why a reason is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReasonError {
    /// Longer than the logs show.
    #[error("Enter {MAX_REASON_CHARS} characters or fewer.")]
    TooLong,
    /// A line end, a direction mark or another character that can't be seen.
    #[error("The reason contains a character that can’t be seen. Type it without copying.")]
    Invisible,
}

/// A reason as typed on a page or at the command line, outer space cut: one line. May be empty.
///
/// # Errors
/// [`ReasonError`]
pub fn read_reason(typed: &str) -> Result<String, ReasonError> {
    let reason = typed.trim();
    if reason.chars().count() > MAX_REASON_CHARS {
        return Err(ReasonError::TooLong);
    }
    if reason.chars().any(is_invisible) {
        return Err(ReasonError::Invisible);
    }
    Ok(reason.to_owned())
}

/// What an act ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndedAccess {
    /// Sessions.
    pub sessions: usize,
    /// API keys.
    pub keys: usize,
}

impl EndedAccess {
    /// A sentence.
    pub fn words(self) -> String {
        let count = |number: usize, one: &str| match number {
            1 => format!("1 {one}"),
            number => format!("{number} {one}s"),
        };
        let (sessions, keys) = (count(self.sessions, "session"), count(self.keys, "API key"));
        format!("Ended {sessions} and revoked {keys}.")
    }
}
