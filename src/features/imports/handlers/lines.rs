//! Shows a row, and how the file was parsed, on an import's page.

use crate::features::imports::columns::label;
use crate::features::imports::parse::kind_of;
use crate::features::imports::{CheckedRow, ImportRow, RowStatus, text};
use crate::kit::db::text_enum;
use crate::kit::web::spreadsheet::{self, ParseSummary};

text_enum! {
    /// What becomes of a row.
    pub(crate) enum LineResult {
        New = "new", "Can be created";
        /// Only possible as a code that the stores already have.
        Existing = "existing", "Must already be in your store";
        Changed = "changed", "May have been changed by a spreadsheet";
        Excluded = "excluded", "Excluded";
        Known = "known", "Already exists";
        Refused = "refused", "Can’t be created";
        Skipped = "skipped", "Skipped";
    }
}

impl LineResult {
    fn of(checked: &CheckedRow) -> Self {
        match checked.status {
            _ if checked.is_changed() => Self::Changed,
            RowStatus::Fine if checked.existing_only().is_some() => Self::Existing,
            RowStatus::Fine => Self::New,
            RowStatus::Excluded(..) => Self::Excluded,
            RowStatus::Known(_) => Self::Known,
            RowStatus::Refused(_) => Self::Refused,
        }
    }

    /// The tone of its badge.
    pub(crate) fn tone(self) -> &'static str {
        match self {
            Self::New => "good",
            Self::Existing | Self::Changed | Self::Excluded => "wait",
            Self::Known => "off",
            Self::Refused | Self::Skipped => "bad",
        }
    }
}

/// A row of the table.
pub(super) struct ImportLine<'a> {
    pub(crate) row: &'a ImportRow,
    pub(crate) value: String,
    pub(crate) affiliate: Option<&'a str>,
    pub(crate) result: LineResult,
    pub(crate) reason: String,
}

impl<'a> ImportLine<'a> {
    pub(super) fn of(checked: &'a CheckedRow) -> Self {
        let (row, value) = (&checked.row, checked.text.clone());
        let (result, affiliate) = (LineResult::of(checked), checked.affiliate());
        let mut line = Self { row, value, affiliate, result, reason: String::new() };
        line.reason = match checked.reason_beside_badge() {
            None if line.cell().is_some() => text::UNQUOTED.to_owned(),
            reason => reason.unwrap_or_default(),
        };
        line
    }

    pub(super) fn skipped(row: &'a ImportRow) -> Self {
        let reason = row.reason().unwrap_or_default();
        let value = spreadsheet::value(&row.value);
        Self { row, value, affiliate: None, result: LineResult::Skipped, reason }
    }

    /// The cell, if it differs from the value.
    pub(super) fn cell(&self) -> Option<&str> {
        let cell = self.row.value.as_str();
        (spreadsheet::as_typed(cell) != self.value).then_some(cell)
    }

    pub(super) fn named(&self) -> &str {
        self.row.names().next().unwrap_or_default()
    }

    pub(super) fn kind(&self) -> &str {
        kind_of(&self.row.kind).map_or(&self.row.kind, |kind| kind.label())
    }
}

/// Describes how a file was parsed.
pub(super) struct ReadingView(pub ParseSummary);

impl ReadingView {
    /// Such as `Affiliate ID (“AFFILIATE_ID”), Code (“TRIGGER”)`.
    pub(super) fn used(&self) -> String {
        let one = |field: &str, name: &str| {
            let label = label(field);
            if label == name { label.to_owned() } else { format!("{label} (“{name}”)") }
        };
        let used: Vec<String> =
            self.0.used.iter().map(|used| one(&used.field, &used.name)).collect();
        used.join(", ")
    }

    pub(super) fn unused(&self) -> String {
        self.0.unused.join(", ")
    }

    pub(super) fn is_guess(&self) -> bool {
        self.0.encoding.is_guess()
    }
}
