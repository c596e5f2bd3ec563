use crate::features::applications::Answer;

/// An applicant's data after the form has validated it.
#[derive(Clone, Debug)]
pub struct Applicant {
    pub name: String,
    /// As typed.
    pub email: String,
    /// As typed; empty if none is requested.
    pub code: String,
    /// Answers to the custom fields.
    pub answers: Vec<Answer>,
}
