//! One call to the REST API and the meaning of its response.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use vouch_core::platform::Platform;

use super::credentials::Credentials;
use crate::http::{Call, Http, Method, Response};
use crate::{CallError, Reason};

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

/// The error for a response that isn't as documented.
pub(super) fn unexpected() -> CallError {
    CallError::Unanswered(Reason::UnexpectedResponse { platform: Platform::Woocommerce })
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
            return Err(CallError::Unanswered(Reason::Unavailable {
                platform: Platform::Woocommerce,
                status: Some(status),
            }));
        }
        _ => {}
    }
    let Body { code, message } = answer.json().unwrap_or_default();
    Ok(Err(StoreObjection { status, code, message: plain(&message) }))
}

/// Redirects aren't followed, because the key would be sent to their target.
fn redirected(answer: &Response) -> Reason {
    let target = answer.header("location").unwrap_or_default();
    let host = target.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next());
    let target = host.filter(|host| !host.is_empty()).map(plain);
    Reason::Redirected { platform: Platform::Woocommerce, target }
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
        if self.message.is_empty() { format!("HTTP {}", self.status) } else { self.message.clone() }
    }
}

impl From<StoreObjection> for CallError {
    fn from(objection: StoreObjection) -> Self {
        let (platform, status, said) = (Platform::Woocommerce, objection.status, objection.said());
        match status {
            _ if objection.is_lacking() => Self::Denied(Reason::KeyNotPermitted { said }),
            401 => Self::Denied(Reason::KeyRejected { said }),
            _ if objection.is_elsewhere() => Self::Denied(Reason::NoStore { platform }),
            // Most likely a firewall responded, not WooCommerce.
            403 if objection.code.is_empty() => Self::Unanswered(Reason::Blocked),
            _ if objection.code == "woocommerce_rest_coupon_code_already_exists" => Self::Taken,
            _ => {
                let said = Some(said).filter(|_| !objection.message.is_empty());
                Self::Refused(Reason::Rejected { platform, status, said })
            }
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
