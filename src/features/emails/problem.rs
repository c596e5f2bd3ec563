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
                write!(f, "The mail server couldn’t be reached ({detail}).")
            }
            Self::NotAccepted { detail } => {
                write!(f, "The mail server didn’t accept it yet ({detail}).")
            }
            Self::Rejected { detail } => write!(f, "The mail server rejected it ({detail})."),
            Self::Malformed { detail } => write!(f, "It isn’t a valid email ({detail})."),
            Self::LinkUnreadable => f.write_str("The secret key can’t decrypt its link."),
            Self::TooOld => f.write_str("It couldn’t be sent within 2 days."),
            Self::OwnFault => f.write_str("Vouch failed. See the log."),
            Self::UnknownContent => f.write_str("It was written by a newer version of Vouch."),
        }
    }
}
