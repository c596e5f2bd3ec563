//! One call to the REST API and the meaning of its response.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::credentials::Credentials;
use crate::CallError;
use crate::http::{Call, Http, Method, Response};

/// The pause if the store doesn't say how long to wait.
const PAUSE: Duration = Duration::from_secs(10);
/// The maximum length of a store's message that's shown, in characters.
const WORDS: usize = 300;

pub(super) struct Api {
    http: Http,
    site: String,
    authorization: String,
}

/// The store's error.
#[derive(Debug)]
pub(super) struct StoreObjection {
    pub status: u16,
    /// WooCommerce's error code; empty if something else responded.
    pub code: String,
    /// In the store's language, without markup.
    pub message: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    code: String,
    message: String,
}

impl Api {
    pub(super) fn new(http: Http, address: &str, credentials: &Credentials) -> Self {
        let (key, secret) = (&credentials.consumer_key, &credentials.consumer_secret);
        let pair = format!("{}:{}", key.expose_secret(), secret.expose_secret());
        let authorization = format!("Basic {}", STANDARD.encode(pair));
        Self { http, site: site(address), authorization }
    }

    /// The site's URL, without a slash at the end.
    pub(super) fn site(&self) -> &str {
        &self.site
    }

    /// `GET /wp-json/wc/v3/{path}`
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.ask(Method::Get, path, None)?.map_err(CallError::from)?.json()
    }

    /// Sends any request. The inner error is the store's.
    pub(super) fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Result<Response, StoreObjection>, CallError> {
        let url = format!("{}/wp-json/wc/v3/{path}", self.site);
        let call = Call::new(method, url)
            .header("accept", "application/json")
            .header("authorization", &self.authorization);
        let call = body.into_iter().fold(call, Call::json);
        judge(self.http.send(call)?)
    }

    /// The site's public name. The request has no key, because only WooCommerce accepts it.
    pub(super) fn site_name(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Index {
            name: String,
        }
        let call = Call::new(Method::Get, format!("{}/wp-json/?_fields=name", self.site));
        let answer = self.http.send(call).ok().filter(|answer| answer.status == 200)?;
        let Index { name } = answer.json().ok()?;
        Some(plain(&name)).filter(|name| !name.is_empty())
    }
}

/// `https://shop.example.com`, or a local store's URL.
pub(super) fn site(address: &str) -> String {
    if address.contains("://") {
        address.trim_end_matches('/').to_owned()
    } else {
        format!("https://{address}")
    }
}

fn judge(answer: Response) -> Result<Result<Response, StoreObjection>, CallError> {
    let status = answer.status;
    match status {
        200..300 => return Ok(Ok(answer)),
        300..400 => return Err(CallError::Denied(redirected(&answer))),
        429 => {
            let asked =
                answer.header("retry-after").and_then(|seconds| seconds.trim().parse().ok());
            return Err(CallError::Throttled { wait: asked.map_or(PAUSE, Duration::from_secs) });
        }
        500.. => {
            return Err(CallError::Unanswered(format!(
                "The store isn’t available right now (HTTP {status})."
            )));
        }
        _ => {}
    }
    let Body { code, message } = answer.json().unwrap_or_default();
    Ok(Err(StoreObjection { status, code, message: plain(&message) }))
}

/// Redirects aren't followed, because the key would be sent to their target.
fn redirected(answer: &Response) -> String {
    let target = answer.header("location").unwrap_or_default();
    let host = target.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next());
    match host.filter(|host| !host.is_empty()) {
        Some(host) => {
            format!("The store’s URL redirects to {}. Enter that URL instead.", plain(host))
        }
        None => "The store’s URL redirects to another one. Enter the final URL.".to_owned(),
    }
}

impl StoreObjection {
    /// Whether the key is valid but lacks the permission.
    pub(super) fn is_lacking(&self) -> bool {
        self.code.starts_with("woocommerce_rest_cannot_")
            || (self.code == "woocommerce_rest_authentication_error"
                && self.message.contains("permissions"))
    }

    /// Whether the 404 isn't WooCommerce's, because there's no WooCommerce at this URL.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.status == 404 && (self.code.is_empty() || self.code == "rest_no_route")
    }

    fn said(&self) -> String {
        if self.message.is_empty() {
            format!("HTTP {}", self.status)
        } else {
            format!("“{}”", self.message)
        }
    }
}

impl From<StoreObjection> for CallError {
    fn from(objection: StoreObjection) -> Self {
        let said = objection.said();
        match objection.status {
            _ if objection.is_lacking() => Self::Denied(format!(
                "The consumer key lacks permission ({said}). In WooCommerce, create a Read/Write key for an administrator or shop manager."
            )),
            401 => Self::Denied(format!(
                "WooCommerce rejected the consumer key ({said}). Create a new key under WooCommerce > Settings > Advanced > REST API."
            )),
            _ if objection.is_elsewhere() => Self::Denied(
                "We couldn’t find WooCommerce’s REST API at this URL. In WordPress, Settings > Permalinks must not be “Plain”."
                    .to_owned(),
            ),
            // Most likely a firewall responded, not WooCommerce.
            403 if objection.code.is_empty() => Self::Unanswered(
                "A firewall or security plugin in front of the store blocks Vouch (HTTP 403)."
                    .to_owned(),
            ),
            _ if objection.code == "woocommerce_rest_coupon_code_already_exists" => Self::Taken,
            _ => Self::Refused(format!("WooCommerce rejected the request ({said}).")),
        }
    }
}

/// A store's message for display: without markup and not too long.
pub(super) fn plain(text: &str) -> String {
    let (mut plain, mut in_tag) = (String::new(), false);
    for c in text.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            _ if in_tag || c.is_control() => {}
            _ => plain.push(c),
        }
    }
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#039;", "'"), ("&amp;", "&")];
    let plain = entities.iter().fold(plain, |text, (entity, sign)| text.replace(entity, sign));
    plain.trim().trim_end_matches('.').chars().take(WORDS).collect()
}
