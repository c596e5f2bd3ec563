use diesel::prelude::*;

use crate::features::affiliates::{self, Affiliate};
use crate::features::triggers::forms::chosen;
use crate::features::triggers::text;
use crate::kit::web::form::FormErrors;

/// How many affiliates are listed at once. Typing more narrows them down.
const OFFERED: usize = 12;

/// The field to find an affiliate among many by typing. Without JavaScript, its Find button lists
/// the matches below.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chooser {
    /// The ID of the chosen affiliate, or empty.
    pub(crate) id: String,
    /// The text in the field.
    pub(crate) shown: String,
    /// The affiliates that match the text.
    pub(crate) found: Vec<Affiliate>,
}

/// The affiliate field as submitted.
#[derive(Clone, Debug)]
pub(crate) struct PickerState {
    /// The submitted IDs.
    pub(crate) ids: Vec<String>,
    /// The text in the field.
    pub(crate) words: String,
    /// Whether the Find button was pressed.
    pub(crate) find: bool,
}

/// The result of the affiliate field.
pub(crate) enum AffiliateChoice {
    Chosen(Affiliate, Chooser),
    /// No affiliate is chosen yet. Pressing only Find is no error.
    Open(Chooser, FormErrors),
}

impl PickerState {
    /// Determines which affiliate of the merchant was chosen.
    pub(crate) fn answer(
        self,
        conn: &mut PgConnection,
        merchant_id: i64,
    ) -> QueryResult<AffiliateChoice> {
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
                Ok(AffiliateChoice::Chosen(affiliate, chooser))
            }
            None => self.open(conn, merchant_id, Some(text::UNKNOWN_AFFILIATE)),
        }
    }

    fn open(
        self,
        conn: &mut PgConnection,
        merchant_id: i64,
        reason: Option<&str>,
    ) -> QueryResult<AffiliateChoice> {
        let words = self.words.trim().to_owned();
        let found = if self.find || !words.is_empty() {
            affiliates::choices(conn, merchant_id, &words, OFFERED)?
        } else {
            Vec::new()
        };
        let mut errors = FormErrors::new();
        if found.is_empty() && !words.is_empty() {
            errors.add("affiliate_id", text::no_affiliate_found(&words));
        } else if let Some(reason) = reason {
            errors.add("affiliate_id", reason);
        }
        Ok(AffiliateChoice::Open(Chooser { id: String::new(), shown: words, found }, errors))
    }
}
