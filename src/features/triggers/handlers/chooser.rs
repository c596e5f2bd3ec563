use diesel::prelude::*;

use crate::features::affiliates::{self, Affiliate};
use crate::features::triggers::forms::{UNKNOWN_AFFILIATE, chosen};
use crate::kit::web::form::FormErrors;

/// As many are listed at once; who does not find theirs types more of it.
const OFFERED: usize = 12;

/// The field in which an affiliate is found among many: by typing, and without JavaScript by its
/// Find button, which lists what was found below.
#[derive(Clone, Debug, Default)]
pub struct Chooser {
    /// The key of the one that is chosen, or empty.
    pub id: String,
    /// The words in the field.
    pub shown: String,
    /// What was found for the words, to choose from.
    pub found: Vec<Affiliate>,
}

/// What a form says about its affiliate.
#[derive(Clone, Debug)]
pub struct PickerState {
    /// The keys that were sent.
    pub ids: Vec<String>,
    /// The words in the field.
    pub words: String,
    /// Whether the Find button was pressed.
    pub find: bool,
}

/// What became of it.
pub enum Answer {
    /// This one is meant.
    Chosen(Affiliate, Chooser),
    /// None is yet; whoever only pressed Find has made no mistake.
    Open(Chooser, FormErrors),
}

impl PickerState {
    /// Finds out which affiliate of the merchant is meant.
    pub fn answer(self, conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Answer> {
        if self.find {
            return self.open(conn, merchant_id, None);
        }
        let id = match chosen(&self.ids) {
            Ok(id) => id,
            Err(reason) => return self.open(conn, merchant_id, Some(reason)),
        };
        match Affiliate::find(conn, merchant_id, id).optional()? {
            Some(affiliate) => {
                let shown = affiliate.name.clone();
                let chooser = Chooser { id: id.to_string(), shown, found: Vec::new() };
                Ok(Answer::Chosen(affiliate, chooser))
            }
            None => self.open(conn, merchant_id, Some(UNKNOWN_AFFILIATE)),
        }
    }

    fn open(
        self,
        conn: &mut PgConnection,
        merchant_id: i64,
        reason: Option<&str>,
    ) -> QueryResult<Answer> {
        let words = self.words.trim().to_owned();
        let found = if self.find || !words.is_empty() {
            affiliates::choices(conn, merchant_id, &words, OFFERED)?
        } else {
            Vec::new()
        };
        let mut errors = FormErrors::new();
        if found.is_empty() && !words.is_empty() {
            errors.add("affiliate_id", format!("No affiliate is found by “{words}”."));
        } else if let Some(reason) = reason {
            errors.add("affiliate_id", reason);
        }
        Ok(Answer::Open(Chooser { id: String::new(), shown: words, found }, errors))
    }
}
