//! The store settings of a platform: its texts, its forms and their parsing.

use std::borrow::Cow;

use secrecy::SecretSlice;
use serde_json::Value;
use vouch_core::money::Currency;

use crate::address::local_address;
use crate::form::{Field, FieldErrors, FormPart, Typed};
use crate::provider::Connection;
use crate::webhook_secret::WebhookSecret;
use crate::{CallError, FreshToken};

/// The field with the store domain or URL.
pub const ADDRESS: &str = "address";
/// The field that decides whether new codes are created in the store: `yes` or `no`.
pub const CREATES_CODES: &str = "creates_codes";
/// The choices of [`CREATES_CODES`].
const YES_NO: &[(&str, &str)] = &[("yes", "Yes"), ("no", "No")];

/// The platform's own text on its pages. `{store}` is replaced with the store's name.
#[derive(Clone, Copy, Debug)]
pub struct PlatformText {
    /// Below the page heading while no store is connected.
    pub lead: &'static str,
    /// The label of the store domain or URL.
    pub address: &'static str,
    /// The value shown if a store has no credentials.
    pub no_credentials: &'static str,
    /// The title and heading of the credentials page.
    pub credentials_title: &'static str,
    /// Below that heading, or empty.
    pub credentials_lead: &'static str,
    /// Below the heading of the discount rules.
    pub discounts_lead: &'static str,
    /// What else to do when a store is disconnected.
    pub disconnect: &'static str,
    /// Why the previous webhook secret is still accepted. Empty if it isn't replaced separately.
    pub previous_secret: &'static str,
    /// How refunds relate to cancellations. Empty if a member has no choice about them.
    pub refunds: &'static str,
}

/// The features of a platform's pages.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    /// Whether a store can be connected for its orders alone, with webhooks created manually.
    pub works_without_credentials: bool,
    /// Whether credentials are entered on their own page, also to connect a store.
    pub connects_apart: bool,
    /// Whether the first page contains the discount rules too.
    pub shows_discounts: bool,
    /// Whether the first page shows one store at a time.
    pub shows_one_store: bool,
    pub webhook_secret: SecretShown,
    /// Whether a member can choose to keep commission when an order is canceled or refunded.
    pub has_return_rules: bool,
    /// How to create webhooks manually, if that's possible.
    pub webhook_help: Option<WebhookHelp>,
}

impl Features {
    pub fn shows_secret(&self) -> bool {
        self.webhook_secret != SecretShown::No
    }

    pub fn replaces_secret(&self) -> bool {
        self.webhook_secret == SecretShown::Replaceable
    }
}

/// How the page shows the webhook signing secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretShown {
    /// Not at all, because it's part of the credentials.
    No,
    Yes,
    /// It can also be replaced separately.
    Replaceable,
}

/// How to create webhooks manually.
#[derive(Clone, Copy, Debug)]
pub struct WebhookHelp {
    pub summary: &'static str,
    /// A step that ends in `{url}` shows the webhook URL.
    pub steps: &'static [&'static str],
    pub topics: &'static [Topic],
}

/// An event that a store reports by webhook.
#[derive(Clone, Copy, Debug)]
pub struct Topic {
    /// As webhooks name it.
    pub name: &'static str,
    /// Its label in the store's own admin, if it's offered there.
    pub label: Option<&'static str>,
}

impl Topic {
    pub(crate) const fn new(name: &'static str, label: &'static str) -> Self {
        Self { name, label: Some(label) }
    }
}

/// Typed credentials: those for API calls, and the secret that signs webhooks.
pub struct NewCredentials {
    /// The platform's own, as JSON; `None` if webhooks are created manually.
    pub json: Option<SecretSlice<u8>>,
    /// `None` if Vouch creates the webhooks with its own secret.
    pub webhook_secret: Option<WebhookSecret>,
}

/// The settings of a platform's stores.
pub trait StoreSettings: Sync {
    fn words(&self) -> &'static PlatformText;

    fn features(&self) -> &'static Features;

    /// The form that connects a store: its domain or URL, and its credentials.
    fn connect_form(&self) -> Vec<FormPart>;

    /// The form that replaces the credentials of the store at `address`.
    fn credentials_form(&self, address: Option<&str>) -> Vec<FormPart>;

    /// The store domain or URL in its stored form. Fails with a sentence that explains what to type
    /// instead.
    fn parse_domain(&self, typed: &str) -> Result<String, String>;

    /// Like [`Self::parse_domain`]. With `local_stores`, also accepts the URL of a mock store on
    /// this machine, unchanged.
    fn parse_address(&self, typed: &str, local_stores: bool) -> Result<String, String> {
        let local = local_address(typed).filter(|_| local_stores);
        local.map_or_else(|| self.parse_domain(typed), Ok)
    }

    /// Fails with all errors.
    fn parse_credentials(&self, typed: &Typed) -> Result<NewCredentials, FieldErrors>;

    /// The credentials that connect a store, or only the secret that signs its webhooks.
    fn parse_connection(&self, typed: &Typed) -> Result<NewCredentials, FieldErrors> {
        self.parse_credentials(typed)
    }

    /// The kind of credentials and their last characters, to identify them. `None` if they can't be
    /// parsed.
    fn describe_credentials(&self, json: &[u8]) -> Option<(&'static str, String)>;

    fn discounts(&self) -> &'static dyn DiscountsForm;
}

/// What's known about a store when its discount rules are edited.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    pub creates_codes: bool,
    /// The platform's own, as JSON.
    pub rules: Option<&'a Value>,
    /// The merchant's currency, for stores whose currency isn't known yet.
    pub currency: Currency,
}

/// Parsed discount rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRules {
    /// As they're stored.
    pub json: Value,
    /// The customer's discount, in one sentence.
    pub sentence: String,
}

/// Discount rules checked against the store.
pub struct CheckedRules {
    /// `None` if nothing was typed, so the stored rules remain.
    pub rules: Result<Option<NewRules>, FieldErrors>,
    /// Why the store couldn't be called.
    pub trouble: Option<String>,
    /// A token obtained during the check.
    pub token: Option<FreshToken>,
}

/// The discount rules of a store, for every code that Vouch creates there.
pub trait DiscountsForm: Sync {
    /// The fields, with [`CREATES_CODES`] first.
    fn parts(&self, stored: Stored<'_>) -> Vec<FormPart>;

    /// The values of the stored rules.
    fn typed(&self, stored: Stored<'_>) -> Typed;

    /// The rules, checked without calling the store. `None` if nothing was typed and nothing is
    /// stored. Fails with all errors.
    fn parse(&self, typed: &Typed, stored: Stored<'_>) -> Result<Option<NewRules>, FieldErrors>;

    /// Whether the store must be called before they're saved.
    fn asks_store(&self, _typed: &Typed, _stored: Stored<'_>) -> bool {
        false
    }

    /// The rules, checked with the store.
    fn check(
        &self,
        _connection: Result<Connection<'_>, CallError>,
        typed: &Typed,
        stored: Stored<'_>,
    ) -> CheckedRules {
        CheckedRules { rules: self.parse(typed, stored), trouble: None, token: None }
    }

    /// The currency of the rules' amounts. A store with another currency gets no codes.
    fn fixed_currency(&self, _rules: &Value) -> Option<Currency> {
        None
    }
}

/// Whether to create new codes in the store.
pub fn creates_codes(typed: &Typed) -> bool {
    typed.text(CREATES_CODES) == "yes"
}

/// The field [`CREATES_CODES`].
pub(crate) fn creates_codes_field() -> Field {
    Field::radios(CREATES_CODES, "Create new codes in this store", YES_NO)
}

pub(crate) fn yes_or_no(is_yes: bool) -> &'static str {
    if is_yes { "yes" } else { "no" }
}

pub(crate) fn steps(steps: &'static [&'static str]) -> FormPart {
    FormPart::Steps(steps.iter().map(|step| Cow::Borrowed(*step)).collect())
}

/// Whether it's a token or ID of at least `min` characters, without spaces.
pub(crate) fn is_one_word(typed: &str, min: usize) -> bool {
    (min..=200).contains(&typed.len()) && typed.bytes().all(|byte| byte.is_ascii_graphic())
}
