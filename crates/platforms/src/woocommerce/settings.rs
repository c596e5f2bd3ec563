use super::discounts_form::WoocommerceDiscounts;
use super::webhooks::TOPICS;
use super::{Credentials, parse_domain};
use crate::form::{Field, FieldErrors, FormPart, Typed};
use crate::settings::{
    ADDRESS, DiscountsForm, Features, NewCredentials, PlatformText, SecretShown, StoreSettings,
    WebhookHelp, steps,
};
use crate::webhook_secret::WebhookSecret;

const WORDS: PlatformText = PlatformText {
    lead: "Connect your WooCommerce store to credit affiliates for its orders and create new codes there.",
    address: "Site URL",
    no_credentials: "None",
    credentials_title: "WooCommerce API credentials",
    credentials_lead: "",
    discounts_lead: "Set the discount of codes that Vouch creates in {store}. Changes apply to new codes only.",
    disconnect: "Also delete the webhooks and the key in WooCommerce.",
    previous_secret: "",
    refunds: "",
};

const FEATURES: Features = Features {
    works_without_credentials: false,
    connects_apart: false,
    shows_discounts: false,
    shows_one_store: false,
    webhook_secret: SecretShown::Yes,
    has_return_rules: false,
    webhook_help: Some(WebhookHelp {
        summary: "How to create the webhooks in WooCommerce",
        steps: &[
            "Vouch creates and reactivates webhooks automatically. If that fails, open **WooCommerce > Settings > Advanced > Webhooks**.",
            "Create a webhook for each topic below, with the status **Active**, the same secret, and this delivery URL: {url}",
            "Choose **Replace credentials** next to “API credentials” here, and enter the same secret with your key.",
        ],
        topics: &TOPICS,
    }),
};

const CONSUMER_KEY: &str = "consumer_key";
const CONSUMER_SECRET: &str = "consumer_secret";
const WEBHOOK_SECRET: &str = "webhook_secret";

pub(crate) struct WoocommerceSettings;

fn key_steps() -> FormPart {
    steps(&[
        "In WordPress, open **WooCommerce > Settings > Advanced > REST API** and choose **Add key**.",
        "Enter **Vouch** as the description. For the user, choose an administrator or shop manager. Set the permissions to **Read/Write**.",
        "Choose **Generate API key**, then copy the consumer key and secret. WooCommerce shows both once.",
        "Under **Settings > Permalinks**, choose anything except **Plain**.",
    ])
}

fn key() -> [FormPart; 4] {
    let webhook_secret = Field::code(WEBHOOK_SECRET, "Webhook secret", "200").optional().secret();
    [
        FormPart::Field(Field::password(CONSUMER_KEY, "Consumer key").hint("Starts with ck_.")),
        FormPart::Field(Field::password(CONSUMER_SECRET, "Consumer secret").hint("Starts with cs_.")),
        FormPart::Hint("Vouch stores the key and secret encrypted and doesn’t show them again."),
        FormPart::More {
            summary: "Use webhooks you created manually",
            fields: vec![webhook_secret.hint(
                "The secret of webhooks that already exist. Without it, Vouch creates webhooks with its own secret.",
            )],
        },
    ]
}

impl StoreSettings for WoocommerceSettings {
    fn words(&self) -> &'static PlatformText {
        &WORDS
    }

    fn features(&self) -> &'static Features {
        &FEATURES
    }

    fn connect_form(&self) -> Vec<FormPart> {
        let address = Field::code(ADDRESS, "Site URL", "300")
            .keyboard("url")
            .hint("For example https://shop.example.com. Your store needs https.");
        [key_steps(), FormPart::Field(address)].into_iter().chain(key()).collect()
    }

    fn credentials_form(&self, _address: Option<&str>) -> Vec<FormPart> {
        std::iter::once(key_steps()).chain(key()).collect()
    }

    fn parse_domain(&self, typed: &str) -> Result<String, String> {
        parse_domain(typed).map_err(|refusal| refusal.to_string())
    }

    /// The key, and the secret of manually created webhooks.
    fn parse_credentials(&self, typed: &Typed) -> Result<NewCredentials, FieldErrors> {
        let fits = |typed: &str, prefix: &str| {
            typed.starts_with(prefix)
                && (20..=200).contains(&typed.len())
                && typed.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let mut errors = FieldErrors::default();
        let (key, secret) = (typed.text(CONSUMER_KEY).trim(), typed.text(CONSUMER_SECRET).trim());
        if !fits(key, "ck_") {
            errors.add(CONSUMER_KEY, "Paste the complete consumer key. It starts with ck_.");
        }
        if !fits(secret, "cs_") {
            errors.add(CONSUMER_SECRET, "Paste the complete consumer secret. It starts with cs_.");
        }
        let webhook_secret = typed.filled(WEBHOOK_SECRET).map(WebhookSecret::parse).transpose();
        let webhook_secret = webhook_secret.map_err(|_| {
            let words = "Enter at least 16 characters without spaces.";
            errors.add(WEBHOOK_SECRET, words);
        });
        let credentials = Credentials { consumer_key: key.into(), consumer_secret: secret.into() };
        match webhook_secret {
            Ok(webhook_secret) if errors.is_empty() => {
                Ok(NewCredentials { json: Some(credentials.to_json().into()), webhook_secret })
            }
            _ => Err(errors),
        }
    }

    fn describe_credentials(&self, json: &[u8]) -> Option<(&'static str, String)> {
        Some(("Consumer key", Credentials::from_json(json)?.ending()))
    }

    fn discounts(&self) -> &'static dyn DiscountsForm {
        &WoocommerceDiscounts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_how_it_begins() {
        let parse = |key: &'static str, secret: &'static str, webhook_secret: &'static str| {
            let fields =
                [(CONSUMER_KEY, key), (CONSUMER_SECRET, secret), (WEBHOOK_SECRET, webhook_secret)];
            WoocommerceSettings.parse_credentials(&fields.into_iter().collect())
        };
        let (key, secret) = ("ck_0123456789abcdef01", "cs_0123456789abcdef01");
        let own = parse(key, secret, "").ok().unwrap();
        assert!(own.json.is_some() && own.webhook_secret.is_none());
        assert!(parse(key, secret, key).ok().unwrap().webhook_secret.is_some());
        assert!(parse(secret, key, "").err().unwrap().has(CONSUMER_KEY));
        assert!(parse(key, key, "").err().unwrap().has(CONSUMER_SECRET));
        assert!(parse(key, secret, "short").err().unwrap().has(WEBHOOK_SECRET));
    }
}
