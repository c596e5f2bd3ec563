use std::fmt;

use serde::{Deserialize, Serialize};

/// Why an attempt to send an email failed. `detail` is what the mail server or a library said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub(super) enum EmailProblem {
    /// No connection to the mail server.
    Unreachable {
        detail: String,
    },
    /// A later attempt may succeed.
    NotAccepted {
        detail: String,
    },
    /// No attempt will succeed.
    Rejected {
        detail: String,
    },
    /// The recipient or a header isn't valid.
    Malformed {
        detail: String,
    },
    /// Its link was encrypted with another key.
    LinkUnreadable,
    TooOld,
    OwnFault,
    /// This version doesn't know what it says.
    UnknownContent,
}

impl fmt::Display for EmailProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { detail } => {
                write!(f, "Vouch couldn’t reach the mail server ({detail}).")
            }
            Self::NotAccepted { detail } => {
                write!(f, "The mail server didn’t accept the email yet ({detail}).")
            }
            Self::Rejected { detail } => {
                write!(f, "The mail server rejected the email ({detail}).")
            }
            Self::Malformed { detail } => write!(f, "The email isn’t valid ({detail})."),
            Self::LinkUnreadable => f.write_str("The secret key can’t decrypt the email’s link."),
            Self::TooOld => f.write_str("The email couldn’t be sent within 2 days."),
            Self::OwnFault => f.write_str("Vouch had an internal error. See the server’s log."),
            Self::UnknownContent => f.write_str("A newer version of Vouch created this email."),
        }
    }
}
