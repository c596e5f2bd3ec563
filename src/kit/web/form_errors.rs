use validator::ValidateEmail;

use vouch_core::name::{Name, NameError};
use vouch_platforms::form::FieldErrors;

/// The errors of a form: (field, sentence), in the order of the form.
#[derive(Clone, Debug, Default)]
pub struct FormErrors(Vec<(String, String)>);

impl FormErrors {
    pub fn new() -> Self {
        Self::default()
    }

    /// A single error, next to `field`.
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        let mut errors = Self::new();
        errors.add(field, message);
        errors
    }

    /// Adds an error next to `field`. The sentence says how to fix it.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push((field.to_owned(), message.into()));
    }

    /// Whether there are no errors.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The errors of one field.
    pub(crate) fn of(&self, field: &str) -> Vec<&str> {
        self.0.iter().filter(|(f, _)| f == field).map(|(_, m)| m.as_str()).collect()
    }

    /// All errors, for the summary at the top.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, message)| (field.as_str(), message.as_str()))
    }

    /// Checks a new [`Name`]. `missing` is the sentence for an empty one.
    pub(crate) fn check_name(&mut self, field: &str, typed: &str, missing: &str) {
        match Name::read(typed) {
            Ok(_) => {}
            Err(NameError::Missing) => self.add(field, missing),
            Err(error) => self.add(field, error.to_string()),
        }
    }

    /// Checks a changed [`Name`]. The unchanged `current` is accepted, because it may be older than
    /// the rules.
    pub(crate) fn check_changed_name(
        &mut self,
        field: &str,
        typed: &str,
        current: &str,
        missing: &str,
    ) {
        if typed.trim() != current {
            self.check_name(field, typed, missing);
        }
    }

    pub(crate) fn check_email(&mut self, field: &str, typed: &str) {
        if !typed.trim().validate_email() || typed.trim().chars().count() > 254 {
            self.add(field, "Enter an email, such as name@example.com.");
        }
    }

    /// `Ok` without errors; otherwise fails with itself.
    pub(crate) fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl Extend<(&'static str, String)> for FormErrors {
    fn extend<T: IntoIterator<Item = (&'static str, String)>>(&mut self, errors: T) {
        self.0.extend(errors.into_iter().map(|(field, message)| (field.to_owned(), message)));
    }
}

impl From<FieldErrors> for FormErrors {
    fn from(found: FieldErrors) -> Self {
        let mut errors = Self::new();
        errors.extend(found);
        errors
    }
}

impl From<validator::ValidationErrors> for FormErrors {
    /// Converts the errors of `validator`. Every rule has its own `message`.
    fn from(found: validator::ValidationErrors) -> Self {
        let mut errors = Self::new();
        let mut fields: Vec<_> = found.field_errors().into_iter().collect();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        for (field, failures) in fields {
            for failure in failures {
                let message = failure.message.as_deref().unwrap_or("Enter a different value.");
                errors.add(&field, message);
            }
        }
        errors
    }
}
