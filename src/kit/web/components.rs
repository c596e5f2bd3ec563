//! Components of pages that are compiled once. A macro of `templates/macros` is compiled into every page for each
//! of its calls, so one that is long only names one of these.

use askama::Template;
use askama::filters::HtmlSafe;

use super::form::FormErrors;

/// Components with their templates and fields. Fields are references because a macro passes all its arguments so.
macro_rules! components {
    ($($(#[$meta:meta])* $name:ident($path:literal) { $($field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(Template)]
        #[template(path = $path)]
        pub struct $name<'a> {
            $(pub $field: &'a $type,)*
        }
        // Its template escapes what needs it.
        impl HtmlSafe for $name<'_> {}
    )*};
}

components! {
    /// Everything that is wrong with a form, with links to the fields.
    ErrorSummary("components/error_summary.html") { errors: FormErrors }
    /// One line of text.
    Text("components/text.html") {
        name: str, label: str, value: str, errors: FormErrors, hint: str, required: bool, kind: str,
        autocomplete: str, mono: bool, maxlength: str, inputmode: str, note: str,
    }
    /// A password; what was typed never comes back.
    Password("components/password.html") {
        name: str, label: str, errors: FormErrors, autocomplete: str, hint: str, required: bool,
        note: str,
    }
    /// A file to upload.
    File("components/file.html") { name: str, label: str, accept: str, errors: FormErrors, hint: str }
    /// Several lines of text.
    TextArea("components/textarea.html") {
        name: str, label: str, value: str, errors: FormErrors, hint: str, required: bool, rows: u8,
    }
    /// One check box.
    CheckBox("components/checkbox.html") {
        name: str, label: str, checked: bool, errors: FormErrors, hint: str, value: str,
    }
    /// The beginning of a group of choices.
    FieldSetStart("components/fieldset.html") { name: str, label: str, errors: FormErrors, hint: str }
    /// The beginning of a choice from a list.
    SelectStart("components/select.html") {
        name: str, label: str, errors: FormErrors, hint: str, required: bool, blank: str,
    }
    /// Finds one among many by typing.
    ComboBox("components/combobox.html") {
        name: str, label: str, value: str, shown: str, url: str, errors: FormErrors, hint: str,
    }
    /// An amount or a percentage, with its unit.
    MoneyField("components/money.html") {
        name: str, label: str, value: str, unit: str, errors: FormErrors, hint: str, required: bool,
        note: str,
    }
    /// A day.
    DateField("components/date.html") {
        name: str, label: str, value: str, errors: FormErrors, hint: str, required: bool,
    }
    /// The end of a form.
    Submit("components/submit.html") { label: str, cancel: str }
    /// The search field on top of a list.
    Search("components/search.html") { name: str, label: str, value: str, placeholder: str }
    /// A day as a filter on top of a list.
    DayFilter("components/day_filter.html") { name: str, label: str, value: str }
    /// An email address that breaks after its @ or before a dot.
    EmailAddress("components/email.html") { address: str }
    /// One figure.
    Figure("components/figure.html") {
        label: str, value: str, href: str, change: str, better: bool, note: str,
    }
    /// The links to other pages of a list.
    Pagination("components/pagination.html") { first: str, previous: str, next: str, shown: str }
    /// A code, address or key with a copy button.
    CodePill("components/code.html") { value: str }
    /// The header cell of a column that sorts.
    SortHeader("components/sort.html") { label: str, href: str, direction: str, end: bool }
    /// A form with one button.
    PostButton("components/post.html") { action: str, label: str, style: str, confirm: str, csrf: str }
    /// A filter that is on.
    Chip("components/chip.html") { label: str, remove: str }
    /// An amount.
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

/// What is the same in the head of every page.
#[derive(Template)]
#[template(path = "components/head.html")]
pub struct Head {}
impl HtmlSafe for Head {}
