use diesel::prelude::*;

use crate::features::triggers::{Reach, TriggerKind, TriggerValue, ValueError};
use crate::kit::db::schema::import_rows;
use crate::kit::db::text_enum;
use crate::kit::web::spreadsheet::code;

text_enum! {
    /// Why a row was left out, where that is kept as a code.
    pub enum Problem {
        /// It has more cells than the header, so that nobody knows which is which.
        MoreCells = "more_cells", "More cells than the header";
        /// Its code looks changed by a spreadsheet, and nobody confirmed it.
        LooksChanged = "looks_changed", "Changed by a spreadsheet";
        /// Only a code that the stores have already can be like it, and it was to be a new one.
        ExistingOnly = "existing_only", "Only in Vouch";
    }
}

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = import_rows)]
pub struct Row {
    /// The line it begins on.
    pub line: i32,
    /// The affiliate ID, where a column has only that.
    pub named_id: String,
    /// The affiliate's email address, where a column has only that.
    pub named_email: String,
    /// The affiliate ID, email address or name, where a column has any of them.
    pub affiliate: String,
    /// The type, as in the file.
    pub kind: String,
    /// The code, address or SKU, as in the file.
    pub value: String,
    /// What is wrong with it whatever the program has, or why it was left out.
    pub problem: Option<Problem>,
    /// Why it was refused when the file was saved, where `problem` doesn't say it.
    pub refusal: Option<String>,
}

impl Row {
    /// What names the affiliate, the surest first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.named_id, &self.named_email, &self.affiliate]
            .into_iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    /// Why it was left out.
    pub fn reason(&self) -> Option<String> {
        let problem = self.problem.map(|problem| match problem {
            Problem::MoreCells => {
                "It has more cells than the header. Put quotation marks around a \
                                   value with a comma."
                    .to_owned()
            }
            Problem::LooksChanged => {
                code(&self.value).1.map(|change| change.words()).unwrap_or_default()
            }
            Problem::ExistingOnly => {
                let (code, kind) = (code(&self.value).0, TriggerKind::CouponCode);
                let error = TriggerValue::parse(kind, &code, Reach::Stores);
                error.err().as_ref().map(existing_only_words).unwrap_or_default()
            }
        });
        problem.or_else(|| self.refusal.clone())
    }
}

/// Why a code can't be a new one, and what to do where the stores have it.
pub(super) fn existing_only_words(error: &ValueError) -> String {
    format!("{error} If your store already has this code, choose Only in Vouch.")
}
