//! Ends access and gives it back: of a person, of support staff, of a whole merchant.
//!
//! Each act ends the sessions and revokes the API keys it's about in the same transaction, and leaves a
//! row in the log of the instance and in the audit log of every merchant it touches. The reason, and where
//! the act came from, stand in the log of the instance alone: a merchant reads what changed for it, and
//! not why support did it, which can be about support's own staff. Everything here
//! runs within `Scope::Installation`, for the command line and the pages of support staff alike. What
//! was revoked stays revoked when access is given back.

mod log;
mod merchant;
mod user;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::prelude::*;
use vouch_core::name::is_invisible;

use self::log::note;
pub use self::log::{InstanceEntry, note_revealed, of_subject};
pub use self::merchant::{close, reopen};
pub use self::user::{add_support, disable, enable, remove_support};
use crate::kit::audit::{Act, Actor, ActorKind, record};

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

/// Who ends access or gives it back, and why.
#[derive(Clone, Debug)]
pub struct By {
    kind: ActorKind,
    user_id: Option<i64>,
    name: String,
    came_from: Option<String>,
    /// In their own words; may be empty.
    reason: String,
    now: DateTime<Utc>,
}

impl By {
    /// A person at the server's command line.
    pub fn command_line(reason: &str, now: DateTime<Utc>) -> Self {
        Self {
            kind: ActorKind::System,
            user_id: None,
            name: "Command line".to_owned(),
            came_from: None,
            reason: reason.trim().to_owned(),
            now,
        }
    }

    /// Support staff. Which merchant the actor is of doesn't matter.
    pub fn support(actor: &Actor, reason: &str) -> Self {
        Self {
            kind: actor.kind,
            user_id: actor.user_id,
            name: actor.name.clone(),
            came_from: actor.came_from.clone(),
            reason: reason.trim().to_owned(),
            now: actor.now,
        }
    }

    /// The same, within one merchant, who isn't told where support staff sit.
    fn within(&self, merchant_id: i64) -> Actor {
        Actor {
            merchant_id,
            kind: self.kind,
            user_id: self.user_id,
            name: self.name.clone(),
            came_from: None,
            now: self.now,
        }
    }
}

/// What an act ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Sessions.
    pub sessions: usize,
    /// API keys.
    pub keys: usize,
}

impl Ended {
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

/// Writes an act into the audit log of a merchant, without the reason.
fn tell(
    conn: &mut PgConnection,
    by: &By,
    merchant_id: i64,
    action: &str,
    (subject_kind, subject_id): (&str, i64),
    summary: String,
) -> QueryResult<()> {
    let act = Act {
        action,
        subject_kind,
        subject_id: Some(subject_id),
        summary,
        before: None,
        after: None,
    };
    record(conn, &by.within(merchant_id), act)
}
