//! Renders forms whose fields a platform declares.

use askama::Template;
use askama::filters::HtmlSafe;
use vouch_platforms::form::{Control, Field, FormPart, Typed};

use super::form::FormErrors;
use super::marked::Marked;

/// The parts of a form, with the typed values.
#[derive(Template)]
#[template(path = "components/described_form.html")]
pub(crate) struct DescribedForm<'a> {
    pub(crate) parts: &'a [FormPart],
    pub(crate) typed: &'a Typed,
    pub(crate) errors: &'a FormErrors,
}

impl DescribedForm<'_> {
    fn has_errors(&self, fields: &[Field]) -> bool {
        fields.iter().any(|field| !self.errors.of(field.name).is_empty())
    }
}

// Askama's templates escape their own values.
impl HtmlSafe for DescribedForm<'_> {}

#[derive(Template)]
#[template(path = "components/described_field.html")]
struct DescribedField<'a> {
    field: &'a Field,
    typed: &'a Typed,
    errors: &'a FormErrors,
}

impl HtmlSafe for DescribedField<'_> {}
