use vouch_core::TextEnum;

use crate::features::availability::{Excluded, HeldTrigger, PendingRequest, UnavailableValue};
use crate::features::triggers::forms::{Refusal, TriggerForm};
use crate::features::triggers::{TriggerKind, text};
use crate::kit::urls;
use crate::kit::web::form::FormErrors;

/// The fields of a new trigger, as typed, with their errors.
#[derive(Default)]
pub(crate) struct Fields {
    pub(crate) form: TriggerForm,
    /// Empty at first.
    pub(crate) refusal: Refusal,
    /// The names of the stores that new codes are pushed to.
    pub(crate) stores: Vec<String>,
}

impl Fields {
    pub(crate) fn errors(&self) -> &FormErrors {
        &self.refusal.errors
    }

    /// The names and labels of the types.
    pub(crate) fn kinds(&self) -> Vec<(&'static str, &'static str)> {
        TriggerKind::options()
    }

    /// The hint for the checkbox that keeps a code out of the stores.
    pub(crate) fn reach_hint(&self) -> String {
        text::existing_code_hint(&self.stores)
    }

    /// The excluded code that can be created anyway.
    pub(crate) fn despite(&self) -> &str {
        let form = &self.form;
        if form.instead.is_empty() { form.coupon_code.trim() } else { &form.instead }
    }

    pub(crate) fn refused(&self) -> Option<&UnavailableValue> {
        self.refusal.refused.as_ref()
    }

    pub(crate) fn exclusion_url(&self, excluded: &Excluded) -> String {
        urls::exclusion(excluded.exclusion_id)
    }

    /// The page of the trigger that already has the value.
    pub(crate) fn holding_url(&self, held: &HeldTrigger) -> String {
        urls::trigger(held.trigger_id)
    }

    /// The page of that trigger's holder.
    pub(crate) fn holder_url(&self, held: &HeldTrigger) -> String {
        urls::affiliate_triggers(held.affiliate_id)
    }

    /// The page of the affiliate that requested the value.
    pub(crate) fn asker_url(&self, requested: &PendingRequest) -> String {
        urls::affiliate(requested.affiliate_id)
    }
}
