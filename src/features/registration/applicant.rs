use crate::features::applications::Answer;

/// What somebody applies with, checked by the form.
#[derive(Clone, Debug)]
pub struct Applicant {
    /// What they are called.
    pub name: String,
    /// As typed.
    pub email: String,
    /// As typed; empty for none.
    pub code: String,
    /// Further fields.
    pub answers: Vec<Answer>,
}
