use super::discounts_form::ShopifyDiscounts;
use super::webhooks::TOPICS;
use super::{Credentials, parse_domain};
use crate::form::{Field, FieldErrors, FormPart, Help, Typed};
use crate::settings::{
    ADDRESS, DiscountsForm, Features, NewCredentials, PlatformText, SecretShown, StoreSettings,
    WebhookHelp, is_one_word,
};
use crate::webhook_secret::WebhookSecret;

const WORDS: PlatformText = PlatformText {
    lead: "Connect your Shopify store to credit affiliates for its orders and create new codes there.",
    address: "Store domain",
    no_credentials: "None. You create webhooks and codes in Shopify manually.",
    credentials_title: "Shopify API credentials",
    credentials_lead: "With API credentials for {store}, Vouch creates codes and webhooks there and imports missed orders.",
    discounts_lead: "Set the discount of codes that Vouch creates in {store}. Changes apply to new codes only.",
    disconnect: "Also delete the webhooks in Shopify, or uninstall the app.",
    previous_secret: "Still valid, because Shopify can take up to 1 hour to use the new one.",
    refunds: "Canceling a paid order in Shopify usually refunds it too.",
};

const FEATURES: Features = Features {
    works_without_credentials: true,
    connects_apart: false,
    shows_discounts: false,
    shows_one_store: false,
    webhook_secret: SecretShown::Replaceable,
    has_return_rules: true,
    webhook_help: Some(WebhookHelp {
        summary: "How to create the webhooks in Shopify",
        steps: &[
            "In Shopify, open **Settings > Notifications > Webhooks** and choose **Create webhook**.",
            "Choose an event from the list below, **JSON** as the format, and the newest stable API version.",
            "Paste this URL and save: {url}",
            "Repeat for the other events with the same URL.",
            "Below the list, Shopify shows a secret. Check that it ends like the webhook secret here.",
            "Choose **Send test notification** next to a webhook. “Last webhook” shows its time within seconds. Test orders don’t earn commission.",
        ],
        topics: &TOPICS,
    }),
};

const APP: Help = Help {
    summary: "How to create the app",
    steps: &[
        "Open [dev.shopify.com/dashboard](https://dev.shopify.com/dashboard), signed in as the store’s owner, and choose **Create app**. Name it Vouch.",
        "In the app’s first version, enter these **scopes**: `write_discounts,read_orders`. Add `read_products` if you want to enter products and collections by handle. Choose **Release**.",
        "Choose **Install app** and your store. The app and the store must belong to the same organization.",
        "In the app’s **Settings**, copy **Client ID** and **Client secret**, and paste them here.",
    ],
};
const CUSTOM_APP: Help = Help {
    summary: "Where to find the access token",
    steps: &[
        "In Shopify, open **Settings > Apps > Develop apps** and choose the app.",
        "Under **Configuration**, check that the app has the scopes `write_discounts` and `read_orders`.",
        "Under **API credentials**, copy the **Admin API access token**. Shopify shows the token once. To get a new one, reinstall the app.",
        "Copy the **API secret key** from the same page. Shopify signs webhooks with this key.",
    ],
};

const CLIENT_ID: &str = "client_id";
const CLIENT_SECRET: &str = "client_secret";
const TOKEN: &str = "token";
const API_SECRET: &str = "api_secret";
/// The field for the secret of manually created webhooks.
const SECRET: &str = "secret";

pub(crate) struct ShopifySettings;

/// The fields of both kinds of credentials, with the steps to get them.
fn access() -> [FormPart; 2] {
    let client_id = Field::code(CLIENT_ID, "Client ID", "200").needed("Dev Dashboard app");
    let client_secret = Field::password(CLIENT_SECRET, "Client secret").needed("Dev Dashboard app");
    let token = Field::password(TOKEN, "Admin API access token").needed("custom app");
    let api_secret = Field::password(API_SECRET, "API secret key").needed("custom app");
    [
        FormPart::Group {
            legend: "App from the Dev Dashboard",
            help: Some(APP),
            fields: vec![client_id, client_secret],
        },
        FormPart::Group {
            legend: "Or a custom app created in the store’s admin before 2026",
            help: Some(CUSTOM_APP),
            fields: vec![token, api_secret],
        },
    ]
}

impl StoreSettings for ShopifySettings {
    fn words(&self) -> &'static PlatformText {
        &WORDS
    }

    fn features(&self) -> &'static Features {
        &FEATURES
    }

    fn connect_form(&self) -> Vec<FormPart> {
        let address = Field::code(ADDRESS, "Store domain", "200").keyboard("url").hint(
            "The domain that ends in .myshopify.com, shown under Settings > Domains in Shopify.",
        );
        let secret = Field::password(SECRET, "Webhook secret").needed("manual webhooks").hint(
            "In Shopify, see “Your webhooks will be signed with” under Settings > Notifications > Webhooks. If the list is empty, create a webhook first.",
        );
        let [app, custom_app] = access();
        vec![
            FormPart::Field(address),
            FormPart::Text(
                "Fill in one of these 3 options. With an app, Vouch creates the webhooks and codes automatically.",
            ),
            app,
            custom_app,
            FormPart::Group {
                legend: "Or webhooks you create manually, for orders only",
                help: None,
                fields: vec![secret],
            },
            FormPart::Hint("Vouch stores secrets encrypted and doesn’t show them again."),
        ]
    }

    fn credentials_form(&self, _address: Option<&str>) -> Vec<FormPart> {
        let [app, custom_app] = access();
        vec![
            FormPart::Text("Fill in one of these 2 options."),
            app,
            custom_app,
            FormPart::Hint(
                "Vouch stores secrets encrypted and doesn’t show them again. Vouch also accepts webhooks signed with the current secret until you remove that secret.",
            ),
        ]
    }

    fn parse_domain(&self, typed: &str) -> Result<String, String> {
        parse_domain(typed).map_err(|refusal| refusal.to_string())
    }

    fn parse_credentials(&self, typed: &Typed) -> Result<NewCredentials, FieldErrors> {
        let is_filled = |name| typed.filled(name).is_some();
        let has_client = is_filled(CLIENT_ID) || is_filled(CLIENT_SECRET);
        let has_token = is_filled(TOKEN) || is_filled(API_SECRET);
        let words = match (has_client, has_token) {
            (true, false) => return client(typed),
            (false, true) => return token(typed),
            (true, true) => {
                "Fill in either this app or the custom app. Leave the other fields blank."
            }
            (false, false) => {
                "Enter the client ID and client secret, or the access token and API secret key."
            }
        };
        let mut errors = FieldErrors::default();
        errors.add(CLIENT_ID, words);
        Err(errors)
    }

    /// Either kind of credentials, or the secret of manually created webhooks.
    fn parse_connection(&self, typed: &Typed) -> Result<NewCredentials, FieldErrors> {
        let of_app = [CLIENT_ID, CLIENT_SECRET, TOKEN, API_SECRET];
        if of_app.iter().any(|name| typed.filled(name).is_some()) {
            return self.parse_credentials(typed);
        }
        let mut errors = FieldErrors::default();
        let parsed = WebhookSecret::parse(typed.text(SECRET));
        let secret = parsed.map_err(|refusal| errors.add(SECRET, refusal.to_string()));
        let secret = secret.map_err(|()| errors)?;
        Ok(NewCredentials { json: None, webhook_secret: Some(secret) })
    }

    fn describe_credentials(&self, json: &[u8]) -> Option<(&'static str, String)> {
        let credentials = Credentials::from_json(json)?;
        let kind = match credentials {
            Credentials::Token(_) => "Access token",
            Credentials::Client { .. } => "Client ID and secret",
        };
        Some((kind, credentials.ending()))
    }

    fn discounts(&self) -> &'static dyn DiscountsForm {
        &ShopifyDiscounts
    }
}

/// The app's secret signs the webhooks that Vouch creates with it.
fn client(typed: &Typed) -> Result<NewCredentials, FieldErrors> {
    let mut errors = FieldErrors::default();
    let id = typed.text(CLIENT_ID).trim();
    if !is_one_word(id, 16) {
        errors.add(CLIENT_ID, "Paste the complete client ID. It has only letters and digits.");
    }
    let secret = typed.text(CLIENT_SECRET);
    let words = "Paste the complete client secret, without spaces.";
    let credentials = Credentials::Client { id: id.to_owned(), secret: secret.trim().into() };
    signed_by(credentials, secret, (CLIENT_SECRET, words), errors)
}

fn token(typed: &Typed) -> Result<NewCredentials, FieldErrors> {
    let mut errors = FieldErrors::default();
    let token = typed.text(TOKEN).trim();
    if !is_one_word(token, 16) {
        errors.add(TOKEN, "Paste the complete Admin API access token. It starts with shpat_.");
    }
    let words = "Enter the app’s API secret key too. Shopify signs webhooks with this key.";
    let credentials = Credentials::Token(token.into());
    signed_by(credentials, typed.text(API_SECRET), (API_SECRET, words), errors)
}

fn signed_by(
    credentials: Credentials,
    secret: &str,
    refusal: (&'static str, &str),
    mut errors: FieldErrors,
) -> Result<NewCredentials, FieldErrors> {
    let secret = WebhookSecret::parse(secret).map_err(|_| errors.add(refusal.0, refusal.1));
    match secret {
        Ok(secret) if errors.is_empty() => Ok(NewCredentials {
            json: Some(credentials.to_json().into()),
            webhook_secret: Some(secret),
        }),
        _ => Err(errors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn one_of_the_ways_is_chosen_and_filled_in_whole() {
        let parse = |fields: &[(&'static str, &'static str)]| {
            ShopifySettings.parse_credentials(&fields.iter().copied().collect())
        };
        for (fields, wrong) in [
            (&[][..], CLIENT_ID),
            (&[(CLIENT_ID, ID)], CLIENT_SECRET),
            (&[(CLIENT_SECRET, ID)], CLIENT_ID),
            (&[(CLIENT_ID, ID), (CLIENT_SECRET, ID), (TOKEN, ID)], CLIENT_ID),
            (&[(TOKEN, ID)], API_SECRET),
            (&[(TOKEN, "two words of a sentence"), (API_SECRET, ID)], TOKEN),
        ] {
            let errors = parse(fields).err().unwrap();
            assert!(errors.has(wrong), "{wrong}: {errors:?}");
        }
        let app = parse(&[(CLIENT_ID, ID), (CLIENT_SECRET, ID)]).ok().unwrap();
        assert!(app.json.is_some() && app.webhook_secret.is_some());
    }

    #[test]
    fn webhooks_alone_connect_a_store() {
        let connect = |fields: &[(&'static str, &'static str)]| {
            ShopifySettings.parse_connection(&fields.iter().copied().collect())
        };
        let manual = connect(&[(SECRET, ID)]).ok().unwrap();
        assert!(manual.json.is_none() && manual.webhook_secret.is_some());
        assert!(connect(&[(SECRET, "")]).err().unwrap().has(SECRET));
        assert!(connect(&[(TOKEN, ID), (SECRET, ID)]).err().unwrap().has(API_SECRET));
    }
}
