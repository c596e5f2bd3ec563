//! One call to the GraphQL Admin API and the meaning of its response.

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vouch_core::platform::Platform;

use super::credentials::Credentials;
use super::token;
use crate::http::{Call, Http, Method, Response};
use crate::{CallError, FreshToken, Reason};

/// The version that the documents are written for. It's supported until October 2027.
pub const VERSION: &str = "2026-10";
/// The pause if the store doesn't say how long to wait.
const PAUSE: Duration = Duration::from_secs(2);
const MAX_PAUSE: Duration = Duration::from_secs(60);

pub(super) struct Admin {
    http: Http,
    base: String,
    credentials: Credentials,
    token: Option<SecretString>,
    fresh: Option<FreshToken>,
    now: DateTime<Utc>,
}

/// `https://name.myshopify.com`, or a local store's URL.
fn base(address: &str) -> String {
    if address.contains("://") {
        address.trim_end_matches('/').to_owned()
    } else {
        format!("https://{address}")
    }
}

/// The page of a discount in the store's admin. `remote_ref` is its `gid://shopify/…` ID.
pub fn admin_url(address: &str, remote_ref: &str) -> String {
    let id = remote_ref.rsplit('/').next().unwrap_or_default();
    format!("{}/admin/discounts/{id}", base(address))
}

#[derive(Deserialize)]
struct Body {
    data: Option<Value>,
    #[serde(default)]
    errors: Value,
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
struct Extensions {
    cost: Option<Cost>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cost {
    requested_query_cost: Option<f64>,
    throttle_status: Option<ThrottleStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ThrottleStatus {
    currently_available: f64,
    restore_rate: f64,
}

#[derive(Deserialize)]
struct GraphqlError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    extensions: FaultExtensions,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FaultExtensions {
    code: Option<String>,
    required_access: Option<String>,
}

impl Admin {
    pub(super) fn new(
        http: Http,
        address: &str,
        credentials: Credentials,
        token: Option<SecretString>,
        now: DateTime<Utc>,
    ) -> Self {
        Self { http, base: base(address), credentials, token, fresh: None, now }
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Whether it's a mock store on this machine.
    pub(super) fn is_local(&self) -> bool {
        self.base.starts_with("http://")
    }

    pub(super) fn fresh_token(&mut self) -> Option<FreshToken> {
        self.fresh.take()
    }

    /// Sends a document with its variables. Returns the response's `data`.
    pub(super) fn ask<T: DeserializeOwned>(
        &mut self,
        document: &str,
        variables: &Value,
    ) -> Result<T, CallError> {
        let had_token = self.token.is_some();
        let mut answer = self.send(document, variables)?;
        // A stored token can be revoked before it expires. A rejected call did nothing, so it's
        // sent again.
        if answer.status == 401
            && had_token
            && matches!(self.credentials, Credentials::Client { .. })
        {
            self.token = None;
            answer = self.send(document, variables)?;
        }
        if answer.status != 200 {
            return Err(refused_status(&answer));
        }
        let body: Body = answer.json()?;
        let data = data_of(body)?;
        serde_json::from_value(data).map_err(|_| unexpected())
    }

    fn send(&mut self, document: &str, variables: &Value) -> Result<Response, CallError> {
        let token = self.token()?;
        let url = format!("{}/admin/api/{VERSION}/graphql.json", self.base);
        let call = Call::new(Method::Post, url)
            .header("accept", "application/json")
            .header("x-shopify-access-token", token.expose_secret())
            .json(&json!({ "query": document, "variables": variables }));
        self.http.send(call)
    }

    fn token(&mut self) -> Result<SecretString, CallError> {
        let (id, secret) = match &self.credentials {
            Credentials::Token(token) => return Ok(token.clone()),
            Credentials::Client { id, secret } => (id, secret),
        };
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let granted = token::grant(&self.http, &self.base, id, secret, self.now)?;
        let token = granted.token.clone();
        self.fresh = Some(granted);
        self.token = Some(token.clone());
        Ok(token)
    }
}

/// The error for a response that isn't as documented.
pub(super) fn unexpected() -> CallError {
    CallError::Unanswered(Reason::UnexpectedResponse { platform: Platform::Shopify })
}

/// Shopify's own message.
pub(super) fn said(message: &str) -> Reason {
    Reason::Said { platform: Platform::Shopify, said: short(message) }
}

/// The meaning of a response without a result.
pub(super) fn refused_status(answer: &Response) -> CallError {
    let status = answer.status;
    let platform = Platform::Shopify;
    match status {
        401 => CallError::Denied(Reason::TokenRejected { platform }),
        402 => CallError::Denied(Reason::StoreFrozen),
        403 => CallError::Denied(Reason::AppNotAllowed),
        404 => CallError::Denied(Reason::NoStore { platform }),
        423 => CallError::Denied(Reason::StoreLocked),
        429 | 430 => CallError::Throttled { wait: retry_after(answer) },
        300..=399 => CallError::Unanswered(Reason::Redirected { platform, target: None }),
        400..=499 => CallError::Refused(Reason::Rejected { platform, status, said: None }),
        _ => CallError::Unanswered(Reason::Unavailable { platform, status: Some(status) }),
    }
}

fn retry_after(answer: &Response) -> Duration {
    let said = answer.header("retry-after").and_then(|text| text.trim().parse::<f64>().ok());
    bounded(said.unwrap_or(PAUSE.as_secs_f64()))
}

fn bounded(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(PAUSE).clamp(Duration::ZERO, MAX_PAUSE)
}

/// The data of a response, unless its errors mean that there's none. Errors in addition to data are
/// about single fields that the app can't access, which are null.
fn data_of(body: Body) -> Result<Value, CallError> {
    let faults = match body.errors {
        Value::Null => Vec::new(),
        Value::Array(faults) => faults
            .into_iter()
            .filter_map(|fault| serde_json::from_value::<GraphqlError>(fault).ok())
            .collect(),
        text => {
            vec![GraphqlError { message: text.to_string(), extensions: FaultExtensions::default() }]
        }
    };
    let result = body.data.filter(|data| {
        data.as_object().is_some_and(|fields| fields.values().any(|field| !field.is_null()))
    });
    let Some(fault) = faults.first() else {
        // A lookup that found nothing returns null and no error.
        return Ok(result.unwrap_or(Value::Object(serde_json::Map::new())));
    };
    if let Some(result) = result.filter(|_| faults.iter().all(is_of_access)) {
        return Ok(result);
    }
    Err(match fault.extensions.code.as_deref() {
        Some("THROTTLED") => CallError::Throttled { wait: wait(body.extensions) },
        Some("ACCESS_DENIED") => CallError::Denied(missing_scope(fault)),
        Some("INTERNAL_SERVER_ERROR" | "TIMEOUT") => {
            let platform = Platform::Shopify;
            CallError::Unanswered(Reason::Unavailable { platform, status: None })
        }
        _ => CallError::Refused(said(&fault.message)),
    })
}

fn is_of_access(fault: &GraphqlError) -> bool {
    fault.extensions.code.as_deref() == Some("ACCESS_DENIED")
}

fn missing_scope(fault: &GraphqlError) -> Reason {
    let needed = fault.extensions.required_access.as_deref().unwrap_or_default();
    // Shopify's format: "`write_discounts` access scope."
    match needed.split('`').nth(1) {
        Some(scope) => Reason::MissingScope { scope: short(scope) },
        None => said(&fault.message),
    }
}

/// How long until the bucket has enough for the call's cost.
fn wait(extensions: Option<Extensions>) -> Duration {
    let seconds = extensions.and_then(|extensions| extensions.cost).and_then(|cost| {
        let status = cost.throttle_status?;
        let lacks = cost.requested_query_cost? - status.currently_available;
        (status.restore_rate > 0.0).then(|| lacks.max(0.0) / status.restore_rate)
    });
    bounded(seconds.unwrap_or(PAUSE.as_secs_f64()))
}

/// The store's own message, cut to fit on a page.
pub(super) fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}
