//! What owners read about personal data.

pub(crate) const ENTER_EMAIL: &str = "Enter an email, such as name@example.com.";
pub(crate) const CONFIRM_EMAIL: &str = "Enter the same email as above.";
pub(crate) const NO_DATA: &str = "No data is stored about this person.";
pub(crate) const YOURSELF: &str = "You can’t erase yourself. Ask another owner.";
pub(crate) const LAST_OWNER: &str =
    "This person is the only owner. Make another member an owner first.";

pub(super) fn days_out_of_range(min: i32, max: i32) -> String {
    format!("Enter a number of days from {min} to {max}.")
}
