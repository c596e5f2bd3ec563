//! Forms that a platform describes.

use askama::Template;
use askama::filters::HtmlSafe;
use vouch_platforms::form::{Control, Field, Part, Typed};

use super::form::FormErrors;
use super::marked::Marked;

/// The parts of a form, with what was typed.
#[derive(Template)]
#[template(path = "components/described_form.html")]
pub(crate) struct DescribedForm<'a> {
    pub parts: &'a [Part],
    pub typed: &'a Typed,
    pub errors: &'a FormErrors,
}

impl DescribedForm<'_> {
    fn has_errors(&self, fields: &[Field]) -> bool {
        fields.iter().any(|field| !self.errors.of(field.name).is_empty())
    }
}

// The templates escape what needs it.
impl HtmlSafe for DescribedForm<'_> {}

/// One of its fields.
#[derive(Template)]
#[template(path = "components/described_field.html")]
struct DescribedField<'a> {
    field: &'a Field,
    typed: &'a Typed,
    errors: &'a FormErrors,
}

impl HtmlSafe for DescribedField<'_> {}
