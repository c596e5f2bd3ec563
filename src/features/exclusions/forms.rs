use chrono_tz::Tz;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::exclusion::{Dates, Exclusion};
use super::look_alike::Pattern;
use super::model::{NewExclusion, SaveError};
use super::text;
use crate::features::availability::ExclusionScope;
use crate::kit::web::display_time::read_day;
use crate::kit::web::form::FormErrors;
use crate::kit::web::version::{Edits, Labeled, Version, chosen};

/// The labels of the scopes.
pub(super) const SCOPES: [(&str, &str); 2] = [
    (ExclusionScope::Claims.as_str(), text::CLAIMS),
    (ExclusionScope::ClaimsAndOrders.as_str(), text::CLAIMS_AND_ORDERS),
];
/// The maximum length of a description, in characters.
pub(crate) const MAX_NOTE: usize = 500;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ExclusionForm {
    /// The code or pattern.
    pub(crate) code: String,
    /// The description.
    pub(crate) note: String,
    /// The name of an [`ExclusionScope`]; empty for claims.
    pub(crate) scope: String,
    /// The first day, or empty.
    pub(crate) starts_on: String,
    /// The last day, or empty.
    pub(crate) ends_on: String,
    /// The key of a pattern that the user confirmed although affiliates have matching codes.
    #[serde(skip_serializing)]
    pub(crate) seen: String,
    /// The version of the data that the form showed.
    #[serde(skip_serializing)]
    pub(crate) version: Version,
}

impl ExclusionForm {
    /// The form for an existing exclusion.
    pub(crate) fn of(exclusion: &Exclusion) -> Self {
        let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string());
        Self {
            code: exclusion.value.clone(),
            note: exclusion.note.clone(),
            scope: exclusion.scope.as_str().to_owned(),
            starts_on: day(exclusion.starts_on).unwrap_or_default(),
            ends_on: day(exclusion.ends_on).unwrap_or_default(),
            seen: String::new(),
            version: Version::default(),
        }
        .versioned()
    }

    /// Adds the version of the data it shows.
    fn versioned(self) -> Self {
        let version = Version::of(&self);
        Self { version, ..self }
    }

    /// The selected scope; claims by default.
    pub(crate) fn scope_name(&self) -> &str {
        if self.scope.is_empty() { ExclusionScope::Claims.as_str() } else { &self.scope }
    }

    /// The data of an exclusion, or all errors.
    pub(crate) fn read(&self, tz: Tz) -> Result<NewExclusion, FormErrors> {
        let mut errors = FormErrors::new();
        let pattern = Pattern::parse(&self.code);
        if let Err(error) = &pattern {
            errors.add("code", error.to_string());
        }
        let note = self.note.trim();
        if note.chars().count() > MAX_NOTE {
            errors.add("note", text::note_too_long(MAX_NOTE));
        }
        let mut day = |field: &str, typed: &str| {
            let read = read_day(typed);
            if read.is_none() && !typed.trim().is_empty() {
                errors.add(field, text::ENTER_DATE);
            }
            read
        };
        let (starts_on, ends_on) =
            (day("starts_on", &self.starts_on), day("ends_on", &self.ends_on));
        if starts_on.zip(ends_on).is_some_and(|(first, last)| last < first) {
            errors.add("ends_on", text::ENDS_BEFORE_START);
        }
        let scope = ExclusionScope::parse(self.scope_name());
        if scope.is_none() {
            errors.add("scope", text::CHOOSE_SCOPE);
        }
        match (pattern, scope) {
            (Ok(pattern), Some(scope)) if errors.is_empty() => Ok(NewExclusion {
                pattern,
                note: note.to_owned(),
                scope,
                dates: Dates::new(starts_on, ends_on, tz),
            }),
            _ => Err(errors),
        }
    }
}

impl Edits for ExclusionForm {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, _conn: &mut PgConnection, _merchant_id: i64) -> QueryResult<Labeled> {
        Ok(vec![
            ("Coupon code or pattern", self.code.clone()),
            ("Description", self.note.clone()),
            ("First day", self.starts_on.clone()),
            ("Last day", self.ends_on.clone()),
            ("Applied to", chosen(SCOPES, self.scope_name())),
        ])
    }
}

/// The errors for a rejected exclusion.
pub(crate) fn refusal(error: SaveError) -> QueryResult<FormErrors> {
    match error {
        SaveError::Database(error) => Err(error),
        error => Ok(FormErrors::one("code", error.to_string())),
    }
}
