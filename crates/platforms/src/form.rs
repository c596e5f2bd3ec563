//! Forms as data: the fields of a platform's store settings. Pages render them, so there's no HTML
//! here. Text has three marks: `**strong**`, `` `code` `` and `[a link](https://example.com)`.

mod numbers;
mod text;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Fields and their former names, which pages opened before an upgrade and scripts still send.
const FORMER: [(&str, &str); 2] = [("address", "api_path"), ("creates_codes", "creates")];

/// The typed values by field name. It has no `Debug`, because it contains secrets.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Typed(BTreeMap<String, String>);

impl Typed {
    /// The value as typed, or an empty string.
    pub fn text(&self, name: &str) -> &str {
        let former = FORMER.iter().find(|(is, _)| *is == name);
        let typed = self.0.get(name).or_else(|| self.0.get(former?.1));
        typed.map_or("", String::as_str)
    }

    /// The value without surrounding spaces, or `None` if it's empty.
    pub fn filled(&self, name: &str) -> Option<&str> {
        Some(self.text(name).trim()).filter(|typed| !typed.is_empty())
    }

    pub fn is_ticked(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    /// The value to show in a rejected form. Secrets are never shown again.
    pub fn shown(&self, field: &Field) -> &str {
        if field.is_secret { "" } else { self.text(field.name) }
    }

    /// Whether a value that isn't among the field's options was sent.
    fn is_unknown_choice(&self, field: &Field) -> bool {
        let (Control::Radios(options) | Control::Select(options)) = field.control else {
            return false;
        };
        let typed = self.text(field.name);
        !typed.is_empty() && options.iter().all(|(value, _)| *value != typed)
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    pub(crate) fn tick(&mut self, name: &str, is_ticked: bool) {
        self.set(name, if is_ticked { "true" } else { "" });
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Typed {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(typed: I) -> Self {
        Self(typed.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// Field names (empty for the whole form), each with the error and how to fix it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<(&'static str, String)>);

impl FieldErrors {
    pub(crate) fn add(&mut self, field: &'static str, how_to_fix: impl Into<String>) {
        self.0.push((field, how_to_fix.into()));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An error for each choice that isn't among the field's options.
    pub fn of_unknown_choices(parts: &[FormPart], typed: &Typed) -> Self {
        let fields = parts.iter().flat_map(FormPart::fields);
        let unknown = fields.filter(|field| typed.is_unknown_choice(field));
        Self(unknown.map(|field| (field.name, text::CHOOSE_OPTION.to_owned())).collect())
    }

    /// The errors of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether this field has an error.
    pub fn has(&self, field: &str) -> bool {
        self.0.iter().any(|(name, _)| *name == field)
    }
}

impl IntoIterator for FieldErrors {
    type Item = (&'static str, String);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A value and its label.
pub type SelectOption = (&'static str, &'static str);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// One line. `max` is the maximum number of characters, or empty. `mode` is HTML's `inputmode`.
    Text {
        max: &'static str,
        mode: &'static str,
        is_code: bool,
    },
    Password,
    TextArea,
    /// A number with its unit: `%` or a currency.
    Money {
        unit: &'static str,
    },
    CheckBox,
    Radios(&'static [SelectOption]),
    Select(&'static [SelectOption]),
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub hint: Cow<'static, str>,
    pub is_required: bool,
    /// Shown beside the label of an optional field.
    pub note: &'static str,
    /// Whether the value is never shown again.
    pub is_secret: bool,
    pub control: Control,
    /// Whether the field has any effect with the other typed values.
    applies: fn(&Typed) -> bool,
}

impl Field {
    fn new(name: &'static str, label: &'static str, control: Control) -> Self {
        Self {
            name,
            label,
            hint: Cow::Borrowed(""),
            is_required: true,
            note: "optional",
            is_secret: false,
            control,
            applies: |_| true,
        }
    }

    pub(crate) fn text(name: &'static str, label: &'static str, max: &'static str) -> Self {
        Self::new(name, label, Control::Text { max, mode: "", is_code: false })
    }

    /// One line for a machine-readable value.
    pub(crate) fn code(name: &'static str, label: &'static str, max: &'static str) -> Self {
        Self::new(name, label, Control::Text { max, mode: "", is_code: true })
    }

    pub(crate) fn password(name: &'static str, label: &'static str) -> Self {
        Self::new(name, label, Control::Password).secret()
    }

    pub(crate) fn textarea(name: &'static str, label: &'static str) -> Self {
        Self::new(name, label, Control::TextArea)
    }

    pub(crate) fn money(name: &'static str, label: &'static str, unit: &'static str) -> Self {
        Self::new(name, label, Control::Money { unit })
    }

    pub(crate) fn checkbox(name: &'static str, label: &'static str) -> Self {
        Self::new(name, label, Control::CheckBox)
    }

    pub(crate) fn radios(
        name: &'static str,
        label: &'static str,
        choices: &'static [SelectOption],
    ) -> Self {
        Self::new(name, label, Control::Radios(choices))
    }

    pub(crate) fn select(
        name: &'static str,
        label: &'static str,
        choices: &'static [SelectOption],
    ) -> Self {
        Self::new(name, label, Control::Select(choices))
    }

    pub(crate) fn hint(self, hint: impl Into<Cow<'static, str>>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    pub(crate) fn optional(self) -> Self {
        Self { is_required: false, ..self }
    }

    /// Makes it optional; `note` explains when it's required.
    pub(crate) fn needed(self, note: &'static str) -> Self {
        Self { is_required: false, note, ..self }
    }

    pub(crate) fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }

    pub(crate) fn keyboard(self, mode: &'static str) -> Self {
        let control = match self.control {
            Control::Text { max, is_code, .. } => Control::Text { max, mode, is_code },
            other => other,
        };
        Self { control, ..self }
    }

    pub(crate) fn applies(self, applies: fn(&Typed) -> bool) -> Self {
        Self { applies, ..self }
    }

    /// The value as users read it; empty or "No" if the field doesn't apply.
    pub fn value_in_words(&self, typed: &Typed) -> String {
        let applies = (self.applies)(typed);
        let value = typed.text(self.name);
        match self.control {
            Control::CheckBox => {
                if applies && typed.is_ticked(self.name) { "Yes" } else { "No" }.to_owned()
            }
            _ if !applies => String::new(),
            Control::Radios(choices) | Control::Select(choices) => {
                let choice = choices.iter().find(|(name, _)| *name == value);
                choice.map_or(value, |(_, label)| label).to_owned()
            }
            _ => value.to_owned(),
        }
    }
}

/// Parts of a form, from top to bottom.
#[derive(Clone, Debug)]
pub enum FormPart {
    Field(Field),
    Text(&'static str),
    /// A paragraph in small print.
    Hint(&'static str),
    /// A shared label of the next fields.
    Label(&'static str),
    /// Steps to do elsewhere first.
    Steps(Vec<Cow<'static, str>>),
    /// Fields under a legend.
    Group {
        legend: &'static str,
        help: Option<Help>,
        fields: Vec<Field>,
    },
    /// Rarely used fields, collapsed.
    More {
        summary: &'static str,
        fields: Vec<Field>,
    },
}

/// Steps that can be expanded.
#[derive(Clone, Copy, Debug)]
pub struct Help {
    pub summary: &'static str,
    pub steps: &'static [&'static str],
}

impl FormPart {
    pub fn fields(&self) -> &[Field] {
        match self {
            Self::Field(field) => std::slice::from_ref(field),
            Self::Group { fields, .. } | Self::More { fields, .. } => fields,
            Self::Text(_) | Self::Hint(_) | Self::Label(_) | Self::Steps(_) => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_comes_back() {
        let typed: Typed = [("token", "t0ken"), ("name", " Ana ")].into_iter().collect();
        assert_eq!(typed.shown(&Field::password("token", "Token")), "");
        assert_eq!(typed.shown(&Field::text("name", "Name", "")), " Ana ");
        assert_eq!(typed.filled("name"), Some("Ana"));
    }

    #[test]
    fn a_value_reads_as_on_the_page() {
        const KINDS: &[SelectOption] = &[("percent", "A percentage")];
        let typed: Typed =
            [("kind", "percent"), ("each", "true"), ("amount", "5")].into_iter().collect();
        let never: fn(&Typed) -> bool = |_| false;
        for (field, expected) in [
            (Field::radios("kind", "Kind", KINDS), "A percentage"),
            (Field::checkbox("each", "Each"), "Yes"),
            (Field::checkbox("each", "Each").applies(never), "No"),
            (Field::text("amount", "Amount", ""), "5"),
            (Field::text("amount", "Amount", "").applies(never), ""),
        ] {
            assert_eq!(field.value_in_words(&typed), expected, "{field:?}");
        }
    }

    #[test]
    fn a_field_is_read_by_its_former_name_too() {
        let old: Typed =
            [("api_path", "https://api.example"), ("creates", "yes")].into_iter().collect();
        assert_eq!(
            (old.text("address"), old.text("creates_codes")),
            ("https://api.example", "yes")
        );
        let new: Typed = [("address", "a"), ("api_path", "b")].into_iter().collect();
        assert_eq!((new.text("address"), new.text("secret")), ("a", ""));
    }
}
