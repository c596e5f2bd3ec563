use std::fmt;

use serde::{Deserialize, Serialize};
use vouch_core::money::MoneyError;

/// The longest quoted value, in characters.
const MAX_QUOTED: usize = 60;

/// Why a signed message can't be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadError {
    /// The path in the JSON, for example `line_items[3].price`; empty for the whole message.
    pub path: String,
    pub problem: PayloadProblem,
}

/// A problem of a message or of a value in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PayloadProblem {
    UnknownTopic {
        topic: String,
    },
    Missing,
    NotAQuantity,
    Negative,
    NotAnAmount {
        value: String,
    },
    TooLarge,
    NotACurrency {
        value: String,
    },
    TooMany {
        count: usize,
        limit: usize,
    },
    /// Too many fields don't have their documented format.
    Undocumented,
    IncompleteJson,
    /// Something follows the JSON.
    TrailingData,
    Invalid {
        /// The parser's message.
        detail: String,
    },
}

impl PayloadProblem {
    pub(crate) fn unknown_topic(topic: &str) -> Self {
        Self::UnknownTopic { topic: quoted(topic) }
    }

    pub(crate) fn of_amount(value: &str, error: MoneyError) -> Self {
        match error {
            MoneyError::TooLarge => Self::TooLarge,
            MoneyError::NotANumber | MoneyError::TooPrecise(_) => {
                Self::NotAnAmount { value: quoted(value) }
            }
        }
    }

    pub(crate) fn not_a_currency(value: &str) -> Self {
        Self::NotACurrency { value: quoted(value) }
    }

    pub(crate) fn invalid(detail: &str) -> Self {
        Self::Invalid { detail: storable(detail) }
    }
}

impl PayloadError {
    pub fn new(path: impl Into<String>, problem: PayloadProblem) -> Self {
        Self { path: storable(&path.into()), problem }
    }
}

fn quoted(value: &str) -> String {
    storable(&value.chars().take(MAX_QUOTED).collect::<String>())
}

/// PostgreSQL can't store U+0000.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

impl std::error::Error for PayloadError {}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, problem } = self;
        if path.is_empty() {
            write!(f, "We couldn’t process this webhook. {problem}")
        } else {
            write!(f, "We couldn’t process “{path}” in this webhook. {problem}")
        }
    }
}

impl fmt::Display for PayloadProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTopic { topic } => write!(f, "Vouch doesn’t support the topic “{topic}”."),
            Self::Missing => f.write_str("The value is missing."),
            Self::NotAQuantity => f.write_str("The quantity isn’t valid."),
            Self::Negative => f.write_str("The amount can’t be negative."),
            Self::NotAnAmount { value } => write!(f, "“{value}” isn’t a valid amount."),
            Self::TooLarge => f.write_str("The amount is too large."),
            Self::NotACurrency { value } => write!(
                f,
                "“{value}” isn’t a currency code. Change the currency in your store and save the \
                 order again."
            ),
            Self::TooMany { count, limit } => {
                write!(f, "The list has {count} entries. The limit is {limit}.")
            }
            Self::Undocumented => f.write_str("Too many fields have an unexpected format."),
            Self::IncompleteJson => f.write_str("The body isn’t complete JSON."),
            Self::TrailingData => f.write_str("The body has extra data after the JSON."),
            Self::Invalid { detail } => write!(f, "The value isn’t valid ({detail})."),
        }
    }
}
