use diesel::prelude::*;
use serde::Serialize;
use vouch_core::money::Currency;
use vouch_platforms::Provider;
use vouch_platforms::form::{FieldErrors, FormPart, Typed};
use vouch_platforms::settings::{NewRules, Stored};

use super::text;
use crate::features::auth::pages::MerchantPage;
use crate::features::stores::Store;
use crate::kit::urls;
use crate::kit::web::form::FormErrors;
use crate::kit::web::version::{Edits, Labeled, Version};

/// The store's data that its discount rules depend on.
pub(super) fn stored(store: &Store, currency: Currency) -> Stored<'_> {
    Stored { creates_codes: store.creates_codes, rules: store.discount_rules.as_ref(), currency }
}

/// The discount rules of a store, as typed or as stored.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct EditedRules {
    pub(crate) typed: Typed,
    /// The version that the form showed.
    #[serde(skip)]
    pub(crate) version: Version,
    #[serde(skip)]
    pub(crate) parts: Vec<FormPart>,
}

impl EditedRules {
    pub(super) fn stored(provider: &dyn Provider, store: &Store, currency: Currency) -> Self {
        let (form, stored) = (provider.settings().discounts(), stored(store, currency));
        let typed = form.typed(stored);
        Self { version: Version::of(&typed), typed, parts: form.parts(stored) }
    }
}

impl Edits for EditedRules {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, _conn: &mut PgConnection, _merchant_id: i64) -> QueryResult<Labeled> {
        let fields = self.parts.iter().flat_map(FormPart::fields);
        Ok(fields.map(|field| (field.label, field.value_in_words(&self.typed))).collect())
    }
}

/// The form of a store's discount rules, for templates.
pub(super) struct DiscountsView {
    pub(crate) rules: EditedRules,
    /// The rules as the form has them, checked without calling the store.
    pub(crate) parsed: Result<Option<NewRules>, FieldErrors>,
    /// Whether a choice isn't among its options.
    pub(crate) has_unknown_choice: bool,
    pub(crate) errors: FormErrors,
    pub(crate) action: String,
    /// The URL of the live preview. Empty for viewers.
    pub(crate) live_url: String,
}

impl DiscountsView {
    pub(super) fn stored(page: &MerchantPage, provider: &dyn Provider, store: &Store) -> Self {
        let rules = EditedRules::stored(provider, store, page.merchant().currency);
        Self::new(page, provider, store, rules)
    }

    pub(super) fn new(
        page: &MerchantPage,
        provider: &dyn Provider,
        store: &Store,
        rules: EditedRules,
    ) -> Self {
        let stored = stored(store, page.merchant().currency);
        let parsed = provider.settings().discounts().parse(&rules.typed, stored);
        let unknown = FieldErrors::of_unknown_choices(&rules.parts, &rules.typed);
        let has_unknown_choice = !unknown.is_empty();
        let parsed = match parsed {
            Ok(_) if has_unknown_choice => Err(unknown),
            Ok(rules) => Ok(rules),
            Err(errors) => Err(unknown.and(errors)),
        };
        let action = urls::of_store(store.platform, store.id, "discounts");
        let live_url = if page.may_write() { action.clone() } else { String::new() };
        Self { rules, parsed, has_unknown_choice, errors: FormErrors::new(), action, live_url }
    }

    /// The customer's discount, or the errors that prevent a preview. Without rules there are no
    /// errors.
    pub(super) fn sentence(&self) -> Result<&str, FormErrors> {
        match &self.parsed {
            Ok(Some(rules)) => Ok(&rules.sentence),
            Ok(None) => Err(FormErrors::new()),
            Err(errors) => Err(self.with_labels(errors)),
        }
    }

    /// The errors with their fields' labels, because the preview is apart from the fields.
    fn with_labels(&self, errors: &FieldErrors) -> FormErrors {
        let fields = || self.rules.parts.iter().flat_map(FormPart::fields);
        let mut labeled = FormErrors::new();
        for (name, message) in errors.clone() {
            let field = fields().find(|field| field.name == name);
            labeled.add(name, text::labeled(field.map_or("", |field| field.label), &message));
        }
        labeled
    }
}
