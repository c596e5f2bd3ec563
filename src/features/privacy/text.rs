//! What owners read about personal data.

pub(crate) const ENTER_EMAIL: &str = "Enter an email, such as name@example.com.";
pub(crate) const NO_DATA: &str = "No data was found for this person.";
pub(crate) const YOURSELF: &str = "You can’t erase yourself. Ask another owner.";
pub(crate) const LAST_OWNER: &str =
    "This person is the only owner. Make another member an owner first.";

pub(super) fn days_out_of_range(min: i32, max: i32) -> String {
    format!("Enter a number of days from {min} to {max}.")
}

pub(crate) fn confirm_email(email: &str) -> String {
    format!("Enter {email} to confirm.")
}
