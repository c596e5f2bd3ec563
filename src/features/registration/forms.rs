use std::collections::HashMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::applicant::Applicant;
use super::settings::{CodeRequirement, CustomField, FieldKind, MAX_FIELDS, Registration};
use super::text;
use crate::features::applications::FieldAnswer;
use crate::features::availability;
use crate::features::offers;
use crate::kit::web::form::FormErrors;
use crate::kit::web::version::{Edits, Labeled, Version, chosen, ticked};

/// The label for no separate offer.
pub(super) const DEFAULT_OFFER: &str = "Default offer";
/// The maximum lengths of a merchant's texts, as in the database.
const TEXT_CHARACTERS: usize = 2_000;
const TERMS_CHARACTERS: usize = 20_000;
const LABEL_CHARACTERS: usize = 200;
/// The maximum lengths of an applicant's answers.
const LINE_CHARACTERS: usize = 300;
const LINES_CHARACTERS: usize = 2_000;

/// The form on **Affiliate Registration**.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SettingsForm {
    /// "true" or empty.
    pub(crate) is_open: String,
    #[serde(alias = "code_wish")]
    pub(crate) code_requirement: String,
    /// Empty for the default offer.
    pub(crate) offer_id: String,
    /// "member" or "itself".
    pub(crate) approval: String,
    pub(crate) intro: String,
    pub(crate) terms_text: String,
    pub(crate) thanks: String,
    /// One per custom field, and one for a new field; empty if there's none.
    pub(crate) field_label: Vec<String>,
    pub(crate) field_kind: Vec<String>,
    /// The indexes of the required fields.
    pub(crate) field_required: Vec<usize>,
    /// "true" or empty.
    #[serde(alias = "further_codes")]
    pub(crate) allows_code_requests: String,
    /// Whether only the preview is requested.
    #[serde(skip_serializing)]
    pub(crate) preview: String,
    /// The version that the form showed.
    #[serde(skip_serializing)]
    pub(crate) version: Version,
}

/// The choices for who approves applications.
pub(super) const APPROVALS: [(&str, &str); 2] =
    [("member", text::REVIEW_EACH), ("itself", text::APPROVE_AUTOMATICALLY)];

/// A custom field in the form.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldRow {
    pub(crate) label: String,
    pub(crate) kind: String,
    pub(crate) required: bool,
}

impl SettingsForm {
    pub(crate) fn of(registration: &Registration) -> Self {
        let fields = &registration.fields;
        let required = fields.iter().enumerate().filter(|(_, field)| field.required);
        Self {
            is_open: tick(registration.is_open),
            code_requirement: registration.code_requirement.as_str().to_owned(),
            offer_id: registration.offer_id.map(|id| id.to_string()).unwrap_or_default(),
            approval: if registration.approves_automatically { "itself" } else { "member" }
                .to_owned(),
            intro: registration.intro.clone(),
            terms_text: registration.terms.clone(),
            thanks: registration.thanks.clone(),
            field_label: fields.iter().map(|field| field.label.clone()).collect(),
            field_kind: fields.iter().map(|field| field.kind.as_str().to_owned()).collect(),
            field_required: required.map(|(at, _)| at).collect(),
            allows_code_requests: tick(registration.allows_code_requests),
            preview: String::new(),
            version: Version::default(),
        }
        .versioned()
    }

    /// Sets the version of the shown values.
    fn versioned(self) -> Self {
        let version = Version::of(&self);
        Self { version, ..self }
    }

    /// The custom fields as rows, and an empty row to add another.
    pub(crate) fn rows(&self) -> Vec<FieldRow> {
        let mut rows: Vec<FieldRow> = self
            .field_label
            .iter()
            .enumerate()
            .map(|(at, label)| FieldRow {
                label: label.clone(),
                kind: self.field_kind.get(at).cloned().unwrap_or_default(),
                required: self.field_required.contains(&at),
            })
            .collect();
        let ends_empty = rows.last().is_some_and(|row| row.label.trim().is_empty());
        if rows.len() < MAX_FIELDS && !ends_empty {
            rows.push(FieldRow::default());
        }
        rows
    }

    /// The custom fields, one per line.
    fn fields_in_words(&self) -> String {
        let rows = self.rows().into_iter().filter(|row| !row.label.trim().is_empty());
        let line = |row: FieldRow| {
            let kind = FieldKind::parse(&row.kind).unwrap_or_default().label();
            let required = if row.required { ", required" } else { "" };
            format!("{}: {kind}{required}", row.label.trim())
        };
        rows.map(line).collect::<Vec<_>>().join("\n")
    }

    /// The settings without the invalid parts, for the preview.
    pub(crate) fn lenient(&self) -> Registration {
        let fields = self.rows().into_iter().filter(|row| !row.label.trim().is_empty());
        let field = |row: FieldRow| CustomField {
            label: row.label.trim().to_owned(),
            kind: FieldKind::parse(&row.kind).unwrap_or_default(),
            required: row.required,
        };
        Registration {
            is_open: !self.is_open.is_empty(),
            code_requirement: CodeRequirement::parse(&self.code_requirement).unwrap_or_default(),
            offer_id: self.offer_id.parse().ok(),
            approves_automatically: self.approval == "itself",
            intro: self.intro.trim().to_owned(),
            terms: self.terms_text.trim().to_owned(),
            thanks: self.thanks.trim().to_owned(),
            fields: fields.take(MAX_FIELDS).map(field).collect(),
            allows_code_requests: !self.allows_code_requests.is_empty(),
        }
    }

    /// The settings; `offers` are the choices. Fails with all errors.
    pub(crate) fn read(&self, offers: &[(String, String)]) -> Result<Registration, FormErrors> {
        let mut errors = FormErrors::new();
        if CodeRequirement::parse(&self.code_requirement).is_none() {
            errors.add("code_requirement", text::CHOOSE_CODE_REQUIREMENT);
        }
        if !self.offer_id.is_empty() && !offers.iter().any(|(id, _)| *id == self.offer_id) {
            errors.add("offer_id", text::CHOOSE_OFFER);
        }
        if APPROVALS.iter().all(|(approval, _)| *approval != self.approval) {
            errors.add("approval", text::CHOOSE_APPROVAL);
        }
        for (field, text, most) in [
            ("intro", &self.intro, TEXT_CHARACTERS),
            ("terms_text", &self.terms_text, TERMS_CHARACTERS),
            ("thanks", &self.thanks, TEXT_CHARACTERS),
        ] {
            let characters = text.trim().chars().count();
            if characters > most {
                errors.add(field, text::too_long(most, characters));
            }
        }
        for (at, row) in self.rows().iter().enumerate() {
            if row.label.trim().chars().count() > LABEL_CHARACTERS {
                errors.add(&format!("field_label_{at}"), text::LABEL_TOO_LONG);
            } else if !row.label.trim().is_empty() && FieldKind::parse(&row.kind).is_none() {
                errors.add(&format!("field_kind_{at}"), text::CHOOSE_FIELD_TYPE);
            }
        }
        if self.field_label.iter().filter(|label| !label.trim().is_empty()).count() > MAX_FIELDS {
            errors.add("field_label_0", text::too_many_fields(MAX_FIELDS));
        }
        errors.into_result()?;
        Ok(self.lenient())
    }
}

impl Edits for SettingsForm {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Labeled> {
        let code_requirements = CodeRequirement::ALL
            .iter()
            .map(|requirement| (requirement.as_str(), requirement.label()));
        let mut offers = offers::all_options(conn, merchant_id)?;
        offers.push((String::new(), DEFAULT_OFFER.to_owned()));
        Ok(vec![
            ("Accept applications", ticked(!self.is_open.is_empty())),
            ("Preferred coupon code", chosen(code_requirements, &self.code_requirement)),
            ("Offer for applicants", chosen(offers, &self.offer_id)),
            ("Approval", chosen(APPROVALS, &self.approval)),
            ("Text above the form", self.intro.clone()),
            ("Terms", self.terms_text.clone()),
            ("Text after email confirmation", self.thanks.clone()),
            ("Additional fields", self.fields_in_words()),
            ("Let affiliates request codes", ticked(!self.allows_code_requests.is_empty())),
        ])
    }
}

/// The form value of a checkbox.
fn tick(is_ticked: bool) -> String {
    if is_ticked { "true".to_owned() } else { String::new() }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ApplicationForm {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) code: String,
    /// A suggested code chosen instead of the typed one.
    pub(crate) instead: String,
    /// "true" if the terms are accepted.
    pub(crate) terms: String,
    /// A honeypot: people can't see this field, but bots fill it in.
    pub(crate) fax_extension: String,
    /// `answer_0` and so on. All values are text, because flattening requires it.
    #[serde(flatten)]
    pub(crate) rest: HashMap<String, String>,
}

impl ApplicationForm {
    /// Whether a bot sent it.
    pub(crate) fn is_by_a_program(&self) -> bool {
        !self.fax_extension.is_empty()
    }

    /// The requested code.
    pub(crate) fn wanted_code(&self) -> &str {
        availability::requested(&self.instead, &self.code)
    }

    /// The answer to the custom field at that index.
    pub(crate) fn answer(&self, at: usize) -> &str {
        self.rest.get(&format!("answer_{at}")).map_or("", |answer| answer.trim())
    }

    /// The applicant's data. The database decides whether the code is available. Fails with all
    /// errors.
    pub(crate) fn read(&self, registration: &Registration) -> Result<Applicant, FormErrors> {
        let mut errors = FormErrors::new();
        errors.check_name("name", &self.name, text::ENTER_NAME);
        errors.check_email("email", &self.email);
        let code = match registration.code_requirement {
            CodeRequirement::No => "",
            CodeRequirement::Optional | CodeRequirement::Required => self.wanted_code(),
        };
        if code.is_empty() && registration.code_requirement == CodeRequirement::Required {
            errors.add("code", text::ENTER_CODE);
        }
        let mut answers = Vec::new();
        for (at, field) in registration.fields.iter().enumerate() {
            let answer = self.answer(at);
            if let Some(reason) = refusal(field, answer) {
                errors.add(&format!("answer_{at}"), reason);
            }
            let ticked = field.kind == FieldKind::Tick && !answer.is_empty();
            let answer = if ticked { "Yes" } else { answer };
            answers.push(FieldAnswer { label: field.label.clone(), answer: answer.to_owned() });
        }
        if !registration.terms.is_empty() && self.terms.is_empty() {
            errors.add("terms", text::AGREE_TO_TERMS);
        }
        errors.into_result()?;
        Ok(Applicant {
            name: self.name.trim().to_owned(),
            email: self.email.trim().to_owned(),
            code: code.to_owned(),
            answers,
        })
    }
}

/// Why an answer is invalid.
fn refusal(field: &CustomField, answer: &str) -> Option<String> {
    if answer.is_empty() {
        let is_box = field.kind == FieldKind::Tick;
        let missing = if is_box { text::SELECT_BOX } else { text::ANSWER_QUESTION };
        return field.required.then(|| missing.to_owned());
    }
    let most = match field.kind {
        FieldKind::Lines => LINES_CHARACTERS,
        _ => LINE_CHARACTERS,
    };
    if answer.chars().count() > most {
        return Some(text::answer_too_long(most));
    }
    let is_address = ["https://", "http://"]
        .iter()
        .any(|scheme| answer.len() > scheme.len() && answer.to_lowercase().starts_with(scheme));
    if field.kind == FieldKind::Link && (!is_address || answer.chars().any(char::is_whitespace)) {
        return Some(text::ENTER_URL.to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration() -> Registration {
        let field =
            |label: &str, kind, required| CustomField { label: label.to_owned(), kind, required };
        Registration {
            terms: "Be kind.".to_owned(),
            fields: vec![
                field("Your page", FieldKind::Link, true),
                field("About you", FieldKind::Lines, false),
                field("I am of age", FieldKind::Tick, true),
            ],
            ..Registration::default()
        }
    }

    fn filled(answers: &[(&str, &str)]) -> ApplicationForm {
        ApplicationForm {
            name: " Nia ".to_owned(),
            email: "nia@example.com".to_owned(),
            code: "NIA10".to_owned(),
            terms: "true".to_owned(),
            rest: answers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..ApplicationForm::default()
        }
    }

    #[test]
    fn an_application_is_read_with_its_further_fields() {
        let form = filled(&[("answer_0", "https://nia.example"), ("answer_2", "true")]);
        let applicant = form.read(&registration()).unwrap();
        assert_eq!((applicant.name.as_str(), applicant.code.as_str()), ("Nia", "NIA10"));
        let answers: Vec<&str> = applicant.answers.iter().map(|one| one.answer.as_str()).collect();
        assert_eq!(answers, ["https://nia.example", "", "Yes"]);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let mut form = filled(&[("answer_0", "nia.example"), ("answer_1", &"x".repeat(2_001))]);
        form.terms.clear();
        form.code.clear();
        form.email = "nia".to_owned();
        let errors = form.read(&registration()).unwrap_err();
        let fields: Vec<&str> = errors.all().map(|(field, _)| field).collect();
        assert_eq!(fields, ["email", "code", "answer_0", "answer_1", "answer_2", "terms"]);
    }

    #[test]
    fn a_code_is_asked_for_as_the_merchant_wants() {
        let mut open =
            Registration { code_requirement: CodeRequirement::Optional, ..Registration::default() };
        let mut form = filled(&[]);
        form.code.clear();
        assert_eq!(form.read(&open).unwrap().code, "");
        form.code = "NIA10".to_owned();
        form.instead = "NIA-2".to_owned();
        assert_eq!(form.read(&open).unwrap().code, "NIA-2");
        open.code_requirement = CodeRequirement::No;
        assert_eq!(form.read(&open).unwrap().code, "");
    }

    #[test]
    fn rows_end_with_an_empty_one_until_there_are_enough() {
        let mut form = SettingsForm::of(&registration());
        assert_eq!(form.rows().len(), 4);
        assert_eq!(form.lenient().fields, registration().fields);
        form.field_label = vec!["x".to_owned(); MAX_FIELDS];
        assert_eq!(form.rows().len(), MAX_FIELDS);
    }
}
