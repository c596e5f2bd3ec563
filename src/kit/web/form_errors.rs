use validator::ValidateEmail;

use vouch_core::name::{Name, NameError};
use vouch_platforms::form::FieldErrors;

/// What was wrong with a form: (field, sentence) in the order of the form.
#[derive(Clone, Debug, Default)]
pub struct FormErrors(Vec<(String, String)>);

impl FormErrors {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One error, beside `field`.
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        let mut errors = Self::new();
        errors.add(field, message);
        errors
    }

    /// Adds an error beside `field`. The sentence says how to mend it.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push((field.to_owned(), message.into()));
    }

    /// Whether the form is fine.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sentences beside one field.
    pub fn of(&self, field: &str) -> Vec<&str> {
        self.0.iter().filter(|(f, _)| f == field).map(|(_, m)| m.as_str()).collect()
    }

    /// Everything, for the summary on top.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, message)| (field.as_str(), message.as_str()))
    }

    /// A new [`Name`]. `missing` is the sentence for none.
    pub fn check_name(&mut self, field: &str, typed: &str, missing: &str) {
        match Name::read(typed) {
            Ok(_) => {}
            Err(NameError::Missing) => self.add(field, missing),
            Err(error) => self.add(field, error.to_string()),
        }
    }

    /// A [`Name`] in the place of `current`, which may stay although it's older than the rules.
    pub fn check_changed_name(&mut self, field: &str, typed: &str, current: &str, missing: &str) {
        if typed.trim() != current {
            self.check_name(field, typed, missing);
        }
    }

    /// An e-mail address.
    pub fn check_email(&mut self, field: &str, typed: &str) {
        if !typed.trim().validate_email() || typed.trim().chars().count() > 254 {
            self.add(field, "Enter an e-mail address, such as name@example.com.");
        }
    }

    /// `Ok` when the form is fine.
    ///
    /// # Errors
    /// Itself, when it is not.
    pub fn into_result(self) -> Result<(), Self> {
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
    /// Takes over what `validator` found; every rule carries its own `message`.
    fn from(found: validator::ValidationErrors) -> Self {
        let mut errors = Self::new();
        let mut fields: Vec<_> = found.field_errors().into_iter().collect();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        for (field, failures) in fields {
            for failure in failures {
                let message = failure.message.as_deref().unwrap_or("Please check this field.");
                errors.add(&field, message);
            }
        }
        errors
    }
}
