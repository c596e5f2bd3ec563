//! Page components that are compiled once. Askama compiles a macro of `templates/macros` into every
//! page for each call, so long macros use one of these instead.

use askama::Template;
use askama::filters::HtmlSafe;

use super::form::FormErrors;

/// Declares components with their templates and fields. Fields are references, because a macro
/// passes all its arguments by reference.
macro_rules! components {
    ($($(#[$meta:meta])* $name:ident($path:literal) { $($field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(Template)]
        #[template(path = $path)]
        pub struct $name<'a> {
            $(pub $field: &'a $type,)*
        }
        // Askama's template escapes its own values.
        impl HtmlSafe for $name<'_> {}
    )*};
}

components! {
    /// All errors of a form, with links to the fields.
    ErrorSummary("components/error_summary.html") { errors: FormErrors }
    /// A single-line text field.
    Text("components/text.html") {
        name: str, label: str, value: str, errors: FormErrors, hint: str, required: bool, kind: str,
        autocomplete: str, mono: bool, maxlength: str, inputmode: str, note: str,
    }
    /// A password field. Its value is never shown again.
    Password("components/password.html") {
        name: str, label: str, errors: FormErrors, autocomplete: str, hint: str, required: bool,
        note: str,
    }
    File("components/file.html") { name: str, label: str, accept: str, errors: FormErrors, hint: str }
    /// A multi-line text field.
    TextArea("components/textarea.html") {
        name: str, label: str, value: str, errors: FormErrors, hint: str, required: bool, rows: u8,
    }
    CheckBox("components/checkbox.html") {
        name: str, label: str, checked: bool, errors: FormErrors, hint: str, value: str,
    }
    /// The start of a group of choices.
    FieldSetStart("components/fieldset.html") { name: str, label: str, errors: FormErrors, hint: str }
    /// The start of a select field.
    SelectStart("components/select.html") {
        name: str, label: str, errors: FormErrors, hint: str, required: bool, blank: str,
    }
    /// A field that searches a long list while typing.
    ComboBox("components/combobox.html") {
        name: str, label: str, value: str, shown: str, url: str, errors: FormErrors, hint: str,
    }
    /// An amount or a percentage, with its unit.
    MoneyField("components/money.html") {
        name: str, label: str, value: str, unit: str, errors: FormErrors, hint: str, required: bool,
        note: str,
    }
    DateField("components/date.html") {
        name: str, label: str, value: str, errors: FormErrors, hint: str, required: bool,
    }
    /// The buttons at the end of a form.
    Submit("components/submit.html") { label: str, cancel: str }
    /// The search field above a list.
    Search("components/search.html") { name: str, label: str, value: str, placeholder: str }
    /// A date filter above a list.
    DayFilter("components/day_filter.html") { name: str, label: str, value: str }
    /// An email that can wrap after its @ or before a dot.
    EmailAddress("components/email.html") { address: str }
    /// A number with its label.
    Figure("components/figure.html") {
        label: str, value: str, href: str, change: str, better: bool, note: str,
    }
    /// A code, URL or key with a copy button.
    CodePill("components/code.html") { value: str }
    /// A form with a single button.
    PostButton("components/post.html") { action: str, label: str, style: str, confirm: str, csrf: str }
    MoneyText("components/money_text.html") { amount: str }
}

/// One choice of a group.
#[derive(Template)]
#[template(path = "components/radio.html")]
pub struct Radio<'a> {
    pub name: &'a str,
    pub key: &'a str,
    pub words: &'a str,
    pub checked: bool,
}
impl HtmlSafe for Radio<'_> {}

/// The part of `<head>` that all pages share.
#[derive(Template)]
#[template(path = "components/head.html")]
pub struct PageHead {}
impl HtmlSafe for PageHead {}
