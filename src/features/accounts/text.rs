//! What support staff and operators read about accounts.

pub(crate) const INVISIBLE_CHARACTER: &str = "The reason contains a hidden character. Retype it.";

pub(super) fn reason_too_long(max: usize) -> String {
    format!("Enter {max} characters or fewer.")
}
