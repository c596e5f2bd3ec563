//! What the settings of a platform's stores say, ask for, and read.

use std::borrow::Cow;

use secrecy::SecretSlice;
use serde_json::Value;
use vouch_core::money::Currency;

use crate::form::{FieldErrors, Part, Typed};
use crate::provider::Connection;
use crate::webhook_secret::WebhookSecret;
use crate::{CallError, FreshToken};

/// The field with the address of the store.
pub const ADDRESS: &str = "address";
/// The field that says whether new codes are created in the store: `yes` or `no`.
pub const CREATES_CODES: &str = "creates_codes";
/// Its choices.
pub(crate) const YES_NO: &[(&str, &str)] = &[("yes", "Yes"), ("no", "No")];

/// What the pages of a platform say in its own words. `{store}` stands for the store's name.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// Below the heading of the page.
    pub lead: &'static str,
    /// What credentials are called in the facts of a store.
    pub credentials: &'static str,
    /// What stands there while there are none.
    pub no_credentials: &'static str,
    /// The title of the page where they are entered.
    pub credentials_title: &'static str,
    /// The heading of that page.
    pub credentials_heading: &'static str,
    /// Below that heading; empty for nothing.
    pub credentials_lead: &'static str,
    /// Below the heading of the discount rules.
    pub discounts_lead: &'static str,
    /// What else is to be done when a store is disconnected.
    pub disconnect: &'static str,
}

/// What the pages of a platform have.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    /// Whether a store can be connected for its orders alone, with webhooks made by hand.
    pub works_without_credentials: bool,
    /// Whether credentials are entered on a page of their own, also to connect a store.
    pub connects_apart: bool,
    /// Whether the discount rules stand on the first page too, which then shows one store at a time.
    pub shows_discounts: bool,
    pub webhook_secret: SecretShown,
    /// Whether a member can keep commission when an order is cancelled or refunded.
    pub has_return_rules: bool,
    /// How webhooks are made by hand, where that's possible.
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

/// What the page says of the secret that signs a store's webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretShown {
    /// Nothing: it's among the credentials.
    No,
    Yes,
    /// It's replaced by itself, too.
    Replaceable,
}

/// How webhooks are made by hand.
#[derive(Clone, Copy, Debug)]
pub struct WebhookHelp {
    pub summary: &'static str,
    /// The one that ends in `{url}` shows the address.
    pub steps: &'static [&'static str],
    /// What the store's own page calls each event, if it has it, with its topic.
    pub topics: &'static [(Option<&'static str>, &'static str)],
}

/// What a store is called with, and what signs its webhooks, as they were typed.
pub struct NewCredentials {
    /// The platform's own, as JSON; `None` for webhooks that are made by hand.
    pub json: Option<SecretSlice<u8>>,
    /// `None` where Vouch makes the webhooks with a secret of its own.
    pub webhook_secret: Option<WebhookSecret>,
}

/// The settings of a platform's stores.
pub trait StoreSettings: Sync {
    fn words(&self) -> &'static Words;

    fn features(&self) -> &'static Features;

    /// What connects a store: its address and its credentials.
    fn connect_form(&self) -> Vec<Part>;

    /// What replaces the credentials of the store at `address`.
    fn credentials_form(&self, address: Option<&str>) -> Vec<Part>;

    /// The address as it's stored, from what people have at hand.
    ///
    /// # Errors
    /// What to type instead.
    fn parse_address(&self, typed: &str, local_stores: bool) -> Result<String, String>;

    /// # Errors
    /// All that's wrong with them.
    fn parse_credentials(&self, typed: &Typed) -> Result<NewCredentials, FieldErrors>;

    /// The credentials that connect a store, or only what signs its webhooks.
    fn parse_connection(&self, typed: &Typed) -> Result<NewCredentials, FieldErrors> {
        self.parse_credentials(typed)
    }

    /// What kind of credentials they are, and how they end, to tell which they are; `None` if they
    /// can't be read.
    fn describe_credentials(&self, json: &[u8]) -> Option<(&'static str, String)>;

    /// The discount rules as a form.
    fn discounts(&self) -> &'static dyn DiscountsForm;
}

/// What is known of a store when its discount rules are edited.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    pub creates_codes: bool,
    /// The platform's own, as JSON.
    pub rules: Option<&'a Value>,
    /// The merchant's, for stores that haven't said theirs yet.
    pub currency: Currency,
}

/// Discount rules as they were typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRules {
    /// As they are stored.
    pub json: Value,
    /// What a shopper gets.
    pub sentence: String,
}

/// Discount rules that the store was asked about.
pub struct Checked {
    /// `None`: nothing was typed, so that what was set stays.
    pub rules: Result<Option<NewRules>, FieldErrors>,
    /// Why the store couldn't be asked.
    pub trouble: Option<String>,
    /// A token that was got meanwhile.
    pub token: Option<FreshToken>,
}

/// The discount rules of a store: what every code gets that Vouch creates there.
pub trait DiscountsForm: Sync {
    /// The fields, with [`CREATES_CODES`] first.
    fn parts(&self, stored: Stored<'_>) -> Vec<Part>;

    /// What stands in them.
    fn typed(&self, stored: Stored<'_>) -> Typed;

    /// The rules, by what is known without asking the store; `None` if nothing was typed and nothing
    /// is set.
    ///
    /// # Errors
    /// All that's wrong with them.
    fn parse(&self, typed: &Typed, stored: Stored<'_>) -> Result<Option<NewRules>, FieldErrors>;

    /// Whether the store has to be asked before they're saved.
    fn asks_store(&self, _typed: &Typed, _stored: Stored<'_>) -> bool {
        false
    }

    /// The rules, after asking the store.
    fn check(
        &self,
        _connection: Result<Connection<'_>, CallError>,
        typed: &Typed,
        stored: Stored<'_>,
    ) -> Checked {
        Checked { rules: self.parse(typed, stored), trouble: None, token: None }
    }

    /// The currency of the rules' amounts, where a store that counts in another gets no codes.
    fn fixed_currency(&self, _rules: &Value) -> Option<Currency> {
        None
    }
}

/// Whether new codes are to be created in the store.
pub fn creates_codes(typed: &Typed) -> bool {
    typed.text(CREATES_CODES) == "yes"
}

pub(crate) fn yes_or_no(is_yes: bool) -> &'static str {
    if is_yes { "yes" } else { "no" }
}

/// Steps that never change.
pub(crate) fn steps(steps: &'static [&'static str]) -> Part {
    Part::Steps(steps.iter().map(|step| Cow::Borrowed(*step)).collect())
}

/// One word of a token or an id, so long at least, as stores give them.
pub(crate) fn is_one_word(typed: &str, min: usize) -> bool {
    (min..=200).contains(&typed.len()) && typed.bytes().all(|byte| byte.is_ascii_graphic())
}
