//! Checks every row of an import, with a few queries for all of them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::parse::{Affiliates, ParsedRow};
use super::row::ImportRow;
use super::text;
use crate::features::availability::{Excluded, Unavailable, check_all};
use crate::features::triggers::{
    NewTrigger, TriggerKind, TriggerValue, ValueError, unavailable_text,
};
use crate::kit::web::spreadsheet::{self, SpreadsheetChange};

/// The result for a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowStatus {
    /// It can become a trigger.
    Fine,
    /// It can become a trigger only if a member overrides this exclusion; with the reason.
    Excluded(Excluded, String),
    /// The affiliate already has it; with the reason.
    Known(String),
    /// It can't become a trigger; with the reason.
    Refused(String),
}

/// A row with its result.
#[derive(Clone, Debug)]
pub(crate) struct CheckedRow {
    /// As in the file.
    pub(crate) row: ImportRow,
    /// The value, without the characters that spreadsheets add around it.
    pub(crate) text: String,
    pub(crate) status: RowStatus,
    change: Option<SpreadsheetChange>,
    meant: Option<ParsedRow>,
}

impl CheckedRow {
    fn wanted(&self) -> Option<&TriggerValue> {
        self.meant.as_ref().map(|meant| &meant.value)
    }

    /// The trigger to create, if it can be created.
    pub(crate) fn new_trigger(&self) -> Option<NewTrigger<'_>> {
        let meant = self.meant.as_ref()?;
        let excluded = match &self.status {
            RowStatus::Refused(_) | RowStatus::Known(_) => return None,
            RowStatus::Fine => None,
            RowStatus::Excluded(excluded, _) => Some(excluded),
        };
        Some(NewTrigger {
            affiliate_id: meant.affiliate_id,
            affiliate: &meant.affiliate,
            value: &meant.value,
            excluded,
        })
    }

    /// Whether a member must confirm the value, because a spreadsheet seems to have changed it.
    pub(crate) fn is_changed(&self) -> bool {
        self.change.is_some() && matches!(self.status, RowStatus::Fine | RowStatus::Excluded(..))
    }

    /// The rule for new codes that it breaks, if it can only be a code that already exists in the
    /// stores.
    pub(super) fn existing_only(&self) -> Option<&ValueError> {
        let can_be_created = matches!(self.status, RowStatus::Fine | RowStatus::Excluded(..));
        self.meant.as_ref()?.existing_only.as_ref().filter(|_| can_be_created)
    }

    /// The name of the affiliate, if known.
    pub(crate) fn affiliate(&self) -> Option<&str> {
        self.meant.as_ref().map(|meant| meant.affiliate.as_str())
    }

    /// Why it isn't created, or needs a decision.
    pub(crate) fn reason(&self) -> Option<String> {
        self.reason_with(SpreadsheetChange::words)
    }

    /// [`CheckedRow::reason`] for use next to the badge for changed values.
    pub(super) fn reason_beside_badge(&self) -> Option<String> {
        self.reason_with(|change| change.explanation().to_owned())
    }

    fn reason_with(&self, words: fn(SpreadsheetChange) -> String) -> Option<String> {
        let change = self.change.filter(|_| self.is_changed()).map(words);
        let status = match &self.status {
            RowStatus::Fine => None,
            RowStatus::Excluded(_, why) => Some(why.clone()),
            RowStatus::Known(why) | RowStatus::Refused(why) => Some(why.clone()),
        };
        let existing = self.existing_only().map(text::existing_only);
        let all: Vec<String> = change.into_iter().chain(existing).chain(status).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }
}

/// How many rows a member decides on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ImportCounts {
    pub(crate) fine: usize,
    /// Excluded, but neither `existing` nor `changed`.
    pub(crate) excluded: usize,
    /// Only possible as codes that already exist in the stores, and not `changed`.
    pub(crate) existing: usize,
    /// Apparently changed by a spreadsheet.
    pub(crate) changed: usize,
}

impl ImportCounts {
    pub(crate) fn of(checked: &[CheckedRow]) -> Self {
        let mut counts = Self::default();
        for one in checked {
            match &one.status {
                _ if one.is_changed() => counts.changed += 1,
                _ if one.existing_only().is_some() => counts.existing += 1,
                RowStatus::Fine => counts.fine += 1,
                RowStatus::Excluded(..) => counts.excluded += 1,
                RowStatus::Known(_) | RowStatus::Refused(_) => {}
            }
        }
        counts
    }
}

/// Checks every row against the current data.
pub(crate) fn check(
    conn: &mut PgConnection,
    merchant_id: i64,
    rows: Vec<ImportRow>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<CheckedRow>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let affiliates = Affiliates::load(conn, merchant_id, &rows)?;
    let mut checked: Vec<CheckedRow> =
        rows.into_iter().map(|row| first_verdict(&affiliates, row)).collect();
    let wanted: Vec<&TriggerValue> = checked.iter().filter_map(CheckedRow::wanted).collect();
    let answers = check_all(conn, merchant_id, &wanted, now)?;
    let meant = checked.iter_mut().filter(|one| one.meant.is_some());
    meant.zip(answers).for_each(|(one, answer)| one.status = status(one, answer));
    refuse_repeated(&mut checked);
    Ok(checked)
}

fn first_verdict(affiliates: &Affiliates, row: ImportRow) -> CheckedRow {
    let text = spreadsheet::value(&row.value);
    let (meant, change) = affiliates.read(&row);
    match meant {
        Ok(meant) => CheckedRow { row, text, status: RowStatus::Fine, change, meant: Some(meant) },
        Err(why) => CheckedRow { row, text, status: RowStatus::Refused(why), change, meant: None },
    }
}

/// The result for a row, given whether its value is available.
fn status(one: &CheckedRow, answer: Result<(), Unavailable>) -> RowStatus {
    let (Some(meant), Err(why)) = (&one.meant, answer) else { return RowStatus::Fine };
    let words = unavailable_text(&one.text, &why, meant.affiliate_id);
    match why {
        Unavailable::Held(held)
            if held.affiliate_id == meant.affiliate_id && !held.is_retired() =>
        {
            RowStatus::Known(words)
        }
        Unavailable::Excluded(excluded) => RowStatus::Excluded(excluded, words),
        _ => RowStatus::Refused(words),
    }
}

/// Rejects repeated rows. Of rows with the same value, the first counts.
fn refuse_repeated(checked: &mut [CheckedRow]) {
    let mut seen: HashMap<(TriggerKind, &str), i32> = HashMap::with_capacity(checked.len());
    for CheckedRow { row, status, meant, .. } in checked {
        let (Some(meant), RowStatus::Fine | RowStatus::Excluded(..)) = (meant, &status) else {
            continue;
        };
        let first = *seen.entry(meant.value.id()).or_insert(row.line);
        if first != row.line {
            *status = RowStatus::Refused(text::repeated(first));
        }
    }
}
