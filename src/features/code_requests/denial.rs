use crate::kit::web::form::several_lines;

/// Longest reason of a denial, as the database has it.
const REASON_CHARACTERS: usize = 1_000;

/// What stands in the letter of a denial, where one is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Why, in the member's own words; may be empty.
    pub reason: String,
}

impl Denial {
    /// With a reason as typed.
    ///
    /// # Errors
    /// What the member has to mend.
    pub fn because(typed: &str) -> Result<Self, String> {
        let reason = several_lines(typed);
        let characters = reason.chars().count();
        if characters > REASON_CHARACTERS {
            return Err(format!("Shorten it to 1,000 characters; it has {characters}."));
        }
        Ok(Self { reason })
    }
}
