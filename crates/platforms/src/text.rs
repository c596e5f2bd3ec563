//! Why a call to a store failed, as members read it.

use std::fmt;

use vouch_core::platform::Platform;

use crate::{CallError, ItemKind, Permission, Reason};

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason().fmt(f)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(sentence) = self.fixed() {
            return f.write_str(sentence);
        }
        f.write_str(&of_response(self).or_else(|| of_access(self)).unwrap_or_else(|| of_code(self)))
    }
}

impl Reason {
    /// The sentence of a reason without parameters.
    fn fixed(&self) -> Option<&'static str> {
        self.of_connection().or_else(|| self.of_credentials()).or_else(|| self.of_store())
    }

    fn of_connection(&self) -> Option<&'static str> {
        Some(match self {
            Self::Timeout => "The store didn’t respond within 10 seconds.",
            Self::UnknownHost => "The store’s domain can’t be found.",
            Self::ResponseTooLarge => "The store’s response is larger than Vouch’s limit of 4 MiB.",
            Self::NotHttps => "The store’s URL doesn’t start with https.",
            Self::InvalidUrl => "The store’s URL isn’t valid.",
            Self::InsecureConnection => {
                "The store’s connection isn’t secure. Check its SSL certificate."
            }
            Self::PrivateNetwork => {
                "The store’s URL points to a private network, so Vouch can’t connect to it."
            }
            Self::ConnectionRefused => "The store isn’t responding.",
            Self::Interrupted => "The connection to the store was interrupted.",
            Self::Unreachable => "We couldn’t reach the store.",
            Self::UnreadableResponse => "We couldn’t read the store’s response.",
            Self::RateLimited => "The store is limiting requests right now.",
            Self::Blocked => {
                "The store blocked Vouch (HTTP 403). Check its firewall and security plugins."
            }
            _ => return None,
        })
    }

    fn of_credentials(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoCredentials => "Vouch has no API credentials for this store.",
            Self::UndecryptableCredentials => {
                "Vouch can’t decrypt the API credentials. Enter them again."
            }
            Self::UnreadableCredentials => "The API credentials can’t be read. Enter them again.",
            Self::InvalidClientId => "The client ID isn’t valid.",
            Self::ClientRejected => {
                "Shopify rejected the client ID and secret. Copy both again from the app’s settings \
                 in the Dev Dashboard."
            }
            Self::AppNotAllowed => "Shopify doesn’t allow this app to access the store.",
            Self::AppNotPermitted => {
                "Shopify doesn’t allow this app in this store. The app and the store must belong to \
                 the same organization, and the app must be installed."
            }
            Self::AppNotFound => {
                "Shopify can’t find this app in the store. Check the client ID and that the app is \
                 installed."
            }
            Self::KeyCannotRead => {
                "Vouch can’t read orders with this key. In WooCommerce, create a Read/Write key for \
                 an administrator or shop manager."
            }
            Self::KeyReadOnly => {
                "This key is read-only, so Vouch can’t create codes. In WooCommerce, give it \
                 Read/Write permission."
            }
            Self::StoreFrozen => {
                "Shopify froze this store because of an unpaid bill. Pay the bill in Shopify."
            }
            Self::StoreLocked => "Shopify locked this store. Contact Shopify support.",
            _ => return None,
        })
    }

    fn of_store(&self) -> Option<&'static str> {
        Some(match self {
            Self::CodeTaken => "The store already has this code.",
            Self::CodeNotListed => "The store says the code exists, but doesn’t list it.",
            Self::RepeatedPage => "The store sent the same page of codes twice.",
            Self::ListChanged => "The list of codes changed while Vouch read it.",
            Self::TooManyItems => "The order has more items than Vouch can import.",
            Self::TooManyRefunds => "The order has more refunds than Vouch can import.",
            Self::UnreadableDiscount => "The discount settings can’t be read. Save them again.",
            Self::CodeCharacters => {
                "BigCommerce only accepts letters from A to Z, digits, spaces, dashes and \
                 underscores in codes."
            }
            Self::PromotionGone => "BigCommerce created the promotion, but no longer has it.",
            Self::PromotionNameTaken => {
                "BigCommerce already has a promotion with this name. Delete or rename it there, \
                 then retry."
            }
            Self::NoPromotions => {
                "This store doesn’t have promotions. Choose legacy coupons in the discount settings."
            }
            Self::NoCoupons => {
                "This store doesn’t have legacy coupons. Choose promotions in the discount settings."
            }
            Self::WebhooksNeedHttps => {
                "Shopify only sends webhooks to https URLs. Ask your Vouch administrator to set \
                 VOUCH_PUBLIC_URL to an https URL."
            }
            Self::WebhooksNeedPort443 => {
                "BigCommerce only sends webhooks to https URLs on port 443, which this Vouch \
                 instance doesn’t have. Vouch imports orders every 15 minutes instead."
            }
            Self::WebhookDeleted => "BigCommerce deleted a webhook while Vouch updated it.",
            Self::WebhookDuplicate => {
                "BigCommerce reports a duplicate webhook, but doesn’t list it."
            }
            Self::NoWebhookSecret => {
                "Vouch has no webhook secret for this store. Disconnect the store, then connect it again."
            }
            _ => return None,
        })
    }
}

fn of_response(reason: &Reason) -> Option<String> {
    Some(match reason {
        Reason::NotJson { status, is_web_page: true } => {
            format!("The store sent a web page instead of data (HTTP {status}).")
        }
        Reason::NotJson { status, is_web_page: false } => {
            format!("We couldn’t read the store’s response (HTTP {status}).")
        }
        Reason::Redirected { platform, target } => redirected(*platform, target.as_deref()),
        Reason::Unavailable { platform, status: Some(status) } => {
            format!("{platform} isn’t available right now (HTTP {status}).")
        }
        Reason::Unavailable { platform, status: None } => {
            format!("{platform} isn’t available right now.")
        }
        Reason::UnexpectedResponse { platform } => {
            format!("{platform} sent an unexpected response.")
        }
        Reason::NotFound { platform } => {
            format!("{platform} returned “not found” (HTTP 404). Check the API path.")
        }
        Reason::Rejected { platform, said: Some(said), .. } => {
            format!("{platform} rejected the request: “{said}”")
        }
        Reason::Rejected { platform, status, said: None } => {
            format!("{platform} rejected the request without a reason (HTTP {status}).")
        }
        Reason::Said { platform, said } => format!("{platform} reports “{said}”"),
        Reason::OrderInWebhook { order_ref } => {
            format!(
                "Vouch doesn’t fetch order {order_ref}. This store’s webhooks contain the complete \
                 order."
            )
        }
        Reason::RefundsInWebhook { order_ref } => {
            format!(
                "Vouch doesn’t fetch refunds of order {order_ref}. This store’s webhooks contain \
                 them."
            )
        }
        _ => return None,
    })
}

fn redirected(platform: Platform, target: Option<&str>) -> String {
    match (platform, target) {
        (Platform::Shopify, _) => {
            "The store’s domain redirects to another one, which Vouch doesn’t follow. Check that it \
             ends in .myshopify.com."
                .to_owned()
        }
        (Platform::Bigcommerce, _) => {
            "BigCommerce sent a redirect, which Vouch doesn’t follow. Check the API path."
                .to_owned()
        }
        (_, Some(host)) => format!("The store’s URL redirects to {host}. Enter that URL instead."),
        (_, None) => "The store’s URL redirects to another one. Enter the final URL.".to_owned(),
    }
}

fn of_access(reason: &Reason) -> Option<String> {
    Some(match reason {
        Reason::NotCallable { platform } => format!("Vouch can’t connect to {platform} stores."),
        Reason::TokenRejected { platform: Platform::Shopify } => {
            "Shopify rejected the access token. Check that the app is installed, then enter its \
             credentials again."
                .to_owned()
        }
        Reason::TokenRejected { platform } => format!(
            "{platform} rejected the access token. Create a new API account and enter its \
             credentials."
        ),
        Reason::KeyRejected { said } => format!(
            "WooCommerce rejected the consumer key (“{said}”). Create a new key under WooCommerce > \
             Settings > Advanced > REST API."
        ),
        Reason::KeyNotPermitted { said } => format!(
            "The consumer key lacks permission (“{said}”). In WooCommerce, create a Read/Write key \
             for an administrator or shop manager."
        ),
        Reason::MissingScope { scope } => format!(
            "The app lacks the scope {scope}. Add the scope to the app in Shopify, release a new \
             version, and reinstall the app."
        ),
        Reason::MissingPermission { permission } => format!(
            "The API account lacks a permission. In BigCommerce, edit the account and set {}. Then \
             test the connection again.",
            setting(*permission)
        ),
        Reason::WrongStore { domain } => {
            format!("These credentials belong to another store, {domain}.")
        }
        Reason::NoStore { platform } => no_store(*platform).to_owned(),
        _ => return None,
    })
}

fn setting(permission: Permission) -> &'static str {
    match permission {
        Permission::Information => "“Information & Settings” to read-only",
        Permission::Transactions => "“Orders” and “Order Transactions” to read-only",
        Permission::Orders => "“Orders” to read-only",
        Permission::Marketing => "“Marketing” to modify",
    }
}

fn no_store(platform: Platform) -> &'static str {
    match platform {
        Platform::Shopify => {
            "Shopify has no store with this domain. Check that it ends in .myshopify.com."
        }
        Platform::Bigcommerce => {
            "BigCommerce has no store with this API path. Check the path in your API account, then \
             connect the store again."
        }
        Platform::Woocommerce | Platform::Api => {
            "We couldn’t find WooCommerce’s REST API at this URL. In WordPress, choose anything \
             except “Plain” under Settings > Permalinks."
        }
    }
}

fn of_code(reason: &Reason) -> String {
    match reason {
        Reason::NoDiscount { platform } => format!(
            "No discount is set for this store. Set one under Account > Settings > {platform}."
        ),
        Reason::OtherCurrency { theirs, own } => format!(
            "The store’s currency is {theirs}, but discounts are set in {own}. Update the discount \
             settings under Account > Settings > WooCommerce."
        ),
        Reason::CodeTooLong { max, length } => {
            format!("BigCommerce accepts codes of up to {max} characters. This one has {length}.")
        }
        Reason::SimilarCode { wanted, other } => {
            format!("WooCommerce already has {other} and can’t distinguish {wanted} from it.")
        }
        Reason::NoItem { kind: ItemKind::Collection, item } => {
            format!("The store has no collection “{item}”.")
        }
        Reason::NoItem { kind: ItemKind::Product, item } => {
            format!("The store has no product “{item}”.")
        }
        Reason::WebhookRejected { topic, said } => {
            format!("Shopify rejected the webhook {topic}: “{said}”")
        }
        Reason::WebhookPaused { webhook } => format!(
            "The webhook “{webhook}” is paused in WooCommerce > Settings > Advanced > Webhooks. Set \
             it to Active."
        ),
        // All others are rendered before.
        _ => "The store rejected the request.".to_owned(),
    }
}
