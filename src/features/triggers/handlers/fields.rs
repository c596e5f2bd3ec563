use super::list::kinds;
use crate::features::availability::{Excluded, Held, Refused, Requested};
use crate::features::triggers::forms::{Refusal, TriggerForm};
use crate::kit::urls;
use crate::kit::web::form::FormErrors;

/// The fields of a new trigger as they stand on a page: as typed, with what was wrong.
#[derive(Default)]
pub struct Fields {
    /// As typed.
    pub form: TriggerForm,
    /// What was wrong; nothing to begin with.
    pub refusal: Refusal,
    /// The names of the stores that new codes go to.
    pub stores: Vec<String>,
}

impl Fields {
    /// The sentences beside the fields.
    pub fn errors(&self) -> &FormErrors {
        &self.refusal.errors
    }

    /// Names and words of the types.
    pub fn kinds(&self) -> Vec<(&'static str, &'static str)> {
        kinds()
    }

    /// What the box says that keeps a code out of the stores.
    pub fn reach_hint(&self) -> String {
        let existing = "Enter it as your store has it, with spaces and up to 255 characters.";
        if self.stores.is_empty() {
            return existing.to_owned();
        }
        format!("{existing} Otherwise the code is created in {}.", self.stores.join(", "))
    }

    /// The code that can be created although it is excluded.
    pub fn despite(&self) -> &str {
        let form = &self.form;
        if form.instead.is_empty() { form.coupon_code.trim() } else { &form.instead }
    }

    /// What can't be had.
    pub fn refused(&self) -> Option<&Refused> {
        self.refusal.refused.as_ref()
    }

    /// Where the exclusion stands that stops it.
    pub fn exclusion_url(&self, excluded: &Excluded) -> String {
        urls::exclusion(excluded.exclusion_id)
    }

    /// Where to read about the trigger that has what was wanted.
    pub fn holding_url(&self, held: &Held) -> String {
        urls::trigger(held.trigger_id)
    }

    /// Where to read about who holds it.
    pub fn holder_url(&self, held: &Held) -> String {
        urls::affiliate_triggers(held.affiliate_id)
    }

    /// Where to decide about who asked for it.
    pub fn asker_url(&self, requested: &Requested) -> String {
        urls::affiliate(requested.affiliate_id)
    }
}
