use crate::kit::web::form::several_lines;

/// The maximum length of a denial reason, as in the database.
const REASON_CHARACTERS: usize = 1_000;

/// The content of a denial email, if one is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// As the member typed it; may be empty.
    pub reason: String,
}

impl Denial {
    /// Checks a typed reason. Fails with its length in characters if it's too long.
    pub(crate) fn because(typed: &str) -> Result<Self, usize> {
        let reason = several_lines(typed);
        let characters = reason.chars().count();
        if characters > REASON_CHARACTERS {
            return Err(characters);
        }
        Ok(Self { reason })
    }
}
