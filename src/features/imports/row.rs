use diesel::prelude::*;

use super::text;
use crate::features::triggers::{Reach, TriggerKind, TriggerValue};
use crate::kit::db::schema::import_rows;
use crate::kit::db::text_enum;
use crate::kit::web::spreadsheet::code;

text_enum! {
    /// Why a row was skipped, where the reason is stored as a code.
    pub enum Problem {
        /// It has more cells than the header, so the columns of its cells are unknown.
        MoreCells = "more_cells", "More cells than the header";
        /// Its code looks changed by a spreadsheet, and no one confirmed it.
        LooksChanged = "looks_changed", "May have been changed by a spreadsheet";
        /// Only an existing code can have this format, but the row asks for a new one.
        ExistingOnly = "existing_only", "Must already be in your store";
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = import_rows)]
pub struct ImportRow {
    /// The line on which it starts.
    pub line: i32,
    /// The affiliate ID from a column with only IDs.
    pub named_id: String,
    /// The email from a column with only emails.
    pub named_email: String,
    /// The affiliate ID, email or name from a column that may contain any of them.
    pub affiliate: String,
    /// As in the file.
    pub kind: String,
    /// The code, email or SKU, as in the file.
    pub value: String,
    /// Why the row is invalid independent of the program's data, or why it was skipped.
    pub problem: Option<Problem>,
    /// Why it was rejected when the import was saved, if `problem` doesn't say it.
    pub refusal: Option<String>,
}

impl ImportRow {
    /// The texts that identify the affiliate, the most reliable first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        [&self.named_id, &self.named_email, &self.affiliate]
            .into_iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    /// Why it was skipped.
    pub(crate) fn reason(&self) -> Option<String> {
        let problem = self.problem.map(|problem| match problem {
            Problem::MoreCells => text::MORE_CELLS.to_owned(),
            Problem::LooksChanged => {
                code(&self.value).1.map(|change| change.words()).unwrap_or_default()
            }
            Problem::ExistingOnly => {
                let (code, kind) = (code(&self.value).0, TriggerKind::CouponCode);
                let error = TriggerValue::parse(kind, &code, Reach::Stores);
                error.err().as_ref().map(text::existing_only).unwrap_or_default()
            }
        });
        problem.or_else(|| self.refusal.clone())
    }
}
