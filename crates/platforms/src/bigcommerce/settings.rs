use std::borrow::Cow;

use super::discounts_form::BigcommerceDiscounts;
use super::{Credentials, parse_domain};
use crate::form::{Field, FieldErrors, FormPart, Typed};
use crate::settings::{
    ADDRESS, DiscountsForm, Features, NewCredentials, PlatformText, SecretShown, StoreSettings,
    is_one_word,
};
use crate::webhook_secret::WebhookSecret;

const WORDS: PlatformText = PlatformText {
    lead: "Connect your BigCommerce store to credit affiliates for its orders and create new codes there.",
    address: "Store hash",
    no_credentials: "None",
    credentials_title: "Additional API credentials",
    credentials_lead: "",
    discounts_lead: "Set the discount of codes that Vouch creates in {store}. Changes apply to new codes only.",
    disconnect: "Also delete the API account in BigCommerce.",
    previous_secret: "",
    refunds: "",
};

const FEATURES: Features = Features {
    works_without_credentials: false,
    connects_apart: true,
    shows_discounts: true,
    shows_one_store: true,
    webhook_secret: SecretShown::No,
    has_return_rules: false,
    webhook_help: None,
};

const CLIENT_ID: &str = "client_id";
const CLIENT_SECRET: &str = "client_secret";
const ACCESS_TOKEN: &str = "access_token";

pub(crate) struct BigcommerceSettings;

/// The control panel's page for API accounts, or the general login if the store isn't known. The
/// URL is from Microsoft's guide to connecting BigCommerce with Intelligent Order Management.
fn panel_url(address: Option<&str>) -> String {
    match address.filter(|hash| !hash.contains("://")) {
        Some(hash) => {
            format!("https://store-{hash}.mybigcommerce.com/manage/settings/auth/api-accounts")
        }
        None => "https://login.bigcommerce.com/login".to_owned(),
    }
}

fn steps(address: Option<&str>) -> FormPart {
    FormPart::Steps(vec![
        Cow::Owned(format!(
            "[Click here]({}) to open your BigCommerce store as its owner. Go to **Settings > API > Store-level API accounts**, or **Advanced Settings > API Accounts** in older control panels.",
            panel_url(address)
        )),
        Cow::Borrowed(
            "Choose **Create API account**, select **V2/V3 API Token**, and name it “Vouch”.",
        ),
        Cow::Borrowed(
            "Under **OAuth scopes**, set **Marketing** to **modify**. Set **Orders**, **Order Transactions** and **Information & Settings** to **read-only**. Leave the other scopes at **None**.",
        ),
        Cow::Borrowed(match address {
            Some(_) => "Choose **Save**. BigCommerce shows the credentials once. Paste them here.",
            None => {
                "Choose **Save**. BigCommerce shows the API path and the credentials once. Paste them here."
            }
        }),
    ])
}

fn credentials() -> [FormPart; 4] {
    [
        FormPart::Field(Field::code(CLIENT_ID, "Client ID", "200")),
        FormPart::Field(Field::password(CLIENT_SECRET, "Client secret")),
        FormPart::Field(Field::password(ACCESS_TOKEN, "Access token")),
        FormPart::Hint("Vouch stores the secret and token encrypted and doesn’t show them again."),
    ]
}

impl StoreSettings for BigcommerceSettings {
    fn words(&self) -> &'static PlatformText {
        &WORDS
    }

    fn features(&self) -> &'static Features {
        &FEATURES
    }

    fn connect_form(&self) -> Vec<FormPart> {
        let address = Field::code(ADDRESS, "API path", "200").keyboard("url").hint(
            "For example https://api.bigcommerce.com/stores/abc123/v3/, or only the store hash abc123.",
        );
        [steps(None), FormPart::Field(address)].into_iter().chain(credentials()).collect()
    }

    fn credentials_form(&self, address: Option<&str>) -> Vec<FormPart> {
        std::iter::once(steps(address)).chain(credentials()).collect()
    }

    fn parse_domain(&self, typed: &str) -> Result<String, String> {
        parse_domain(typed).map_err(|refusal| refusal.to_string())
    }

    fn parse_credentials(&self, typed: &Typed) -> Result<NewCredentials, FieldErrors> {
        let mut errors = FieldErrors::default();
        let client_id = typed.text(CLIENT_ID).trim();
        if !is_one_word(client_id, 8) {
            let words = "Paste the complete client ID. It has only letters and digits.";
            errors.add(CLIENT_ID, words);
        }
        let client_secret = typed.text(CLIENT_SECRET);
        let secret = WebhookSecret::parse(client_secret);
        let secret = secret.map_err(|_| {
            let words = "Paste the complete client secret. It has only letters and digits.";
            errors.add(CLIENT_SECRET, words);
        });
        let token = typed.text(ACCESS_TOKEN).trim();
        if !is_one_word(token, 8) {
            let words = "Paste the complete access token. It has only letters and digits.";
            errors.add(ACCESS_TOKEN, words);
        }
        let credentials = Credentials {
            client_id: client_id.to_owned(),
            client_secret: client_secret.trim().into(),
            access_token: token.into(),
        };
        match secret {
            Ok(secret) if errors.is_empty() => Ok(NewCredentials {
                json: Some(credentials.to_json().into()),
                webhook_secret: Some(secret),
            }),
            _ => Err(errors),
        }
    }

    fn describe_credentials(&self, json: &[u8]) -> Option<(&'static str, String)> {
        Some(("Access token", Credentials::from_json(json)?.ending()))
    }

    fn discounts(&self) -> &'static dyn DiscountsForm {
        &BigcommerceDiscounts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_lead_into_the_store_where_it_is_known() {
        assert!(panel_url(Some("abc123")).starts_with("https://store-abc123.mybigcommerce.com/"));
        for other in [None, Some("http://127.0.0.1:80")] {
            assert_eq!(panel_url(other), "https://login.bigcommerce.com/login");
        }
    }

    #[test]
    fn each_field_says_what_is_wrong_with_it() {
        let typed = [(CLIENT_ID, "two words"), (CLIENT_SECRET, "short")].into_iter().collect();
        let errors = BigcommerceSettings.parse_credentials(&typed).err().unwrap();
        for field in [CLIENT_ID, CLIENT_SECRET, ACCESS_TOKEN] {
            assert!(errors.has(field), "{field}");
        }
    }
}
