use crate::features::applications::FieldAnswer;

/// An applicant's data after the form has validated it.
#[derive(Clone, Debug)]
pub(crate) struct Applicant {
    pub(crate) name: String,
    /// As typed.
    pub(crate) email: String,
    /// As typed; empty if none is requested.
    pub(crate) code: String,
    /// Answers to the custom fields.
    pub(crate) answers: Vec<FieldAnswer>,
}
