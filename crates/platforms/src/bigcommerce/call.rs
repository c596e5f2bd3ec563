//! One API call and the meaning of its response.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use vouch_core::platform::Platform;

use super::{Credentials, HOST};
use crate::http::{Call, Http, Method, Response};
use crate::{CallError, Permission, Reason};

/// This many calls of the quota are left for the store's other apps, which share it.
const LEFT_TO_OTHERS: u64 = 3;
/// How long to wait if the response doesn't include it.
const DEFAULT_WAIT: Duration = Duration::from_secs(30);

pub(super) struct Api {
    http: Http,
    base: String,
    /// The store hash; `None` for a local mock store.
    hash: Option<String>,
    token: SecretString,
    /// When the client was created. The state of codes (live or expired) is as of this time.
    pub now: DateTime<Utc>,
    /// No call before this time, because the quota is used up.
    rests_until: Option<Instant>,
}

/// The response to a call that was carried out, or rejected for its content.
pub(super) enum Reply {
    /// 2xx. `Null` if there's no body (204).
    Done(Value),
    /// 404.
    NotFound,
    /// 409: something with that name or code already exists.
    Conflict,
    /// 400 or 422, with the store's message.
    Refused(Reason),
}

impl Reply {
    /// The body, or `Null` if there's none. Fails with [`CallError::Refused`] and the store's
    /// message, [`CallError::Taken`] for 409, or [`CallError::Unanswered`] for 404.
    pub(super) fn value(self) -> Result<Value, CallError> {
        match self {
            Self::Done(value) => Ok(value),
            Self::NotFound => Err(nothing_there()),
            Self::Conflict => Err(CallError::Taken),
            Self::Refused(reason) => Err(CallError::Refused(reason)),
        }
    }

    /// The body of something that may be deleted by now.
    pub(super) fn if_there(self) -> Result<Option<Value>, CallError> {
        match self {
            Self::NotFound => Ok(None),
            reply => reply.value().map(Some),
        }
    }

    /// The rows of a list. Fails like [`Self::value`] and [`rows_of`].
    pub(super) fn rows(self) -> Result<Vec<Value>, CallError> {
        rows_of(self.value()?)
    }
}

/// The error for 404 on a list that BigCommerce always has, even if it's empty.
pub(super) fn nothing_there() -> CallError {
    CallError::Unanswered(Reason::NotFound { platform: Platform::Bigcommerce })
}

/// The error for a response that isn't as documented.
pub(super) fn unexpected() -> CallError {
    CallError::Unanswered(Reason::UnexpectedResponse { platform: Platform::Bigcommerce })
}

/// The rows of a list. V2 returns them alone, or no body if there are none; V3 has them in `data`.
/// Fails with [`CallError::Unanswered`] for anything else. As an empty list, it would skip orders
/// and report codes as missing.
pub(super) fn rows_of(mut body: Value) -> Result<Vec<Value>, CallError> {
    let rows = match &mut body {
        Value::Null => return Ok(Vec::new()),
        Value::Object(fields) => fields.remove("data").unwrap_or_default(),
        _ => body,
    };
    match rows {
        Value::Array(rows) => Ok(rows),
        _ => Err(unexpected()),
    }
}

impl Api {
    pub(super) fn new(
        http: &Http,
        address: &str,
        credentials: &Credentials,
        now: DateTime<Utc>,
    ) -> Self {
        let local = address.contains("://");
        let base = if local {
            address.trim_end_matches('/').to_owned()
        } else {
            format!("{HOST}{address}")
        };
        Self {
            http: http.clone(),
            base,
            hash: (!local).then(|| address.to_owned()),
            token: credentials.access_token.clone(),
            now,
            rests_until: None,
        }
    }

    /// Whether it's a mock store on this machine.
    pub(super) fn is_local(&self) -> bool {
        self.hash.is_none()
    }

    /// The list of promotions in the store's control panel (Marketing > Promotions). BigCommerce
    /// doesn't document this URL. It's from public browser tests of the control panel.
    pub(super) fn admin_url(&self) -> Option<String> {
        let hash = self.hash.as_ref()?;
        Some(format!("https://store-{hash}.mybigcommerce.com/manage/marketing/promotions"))
    }

    /// `path` begins with the API version.
    pub(super) fn get(&mut self, path: &str) -> Result<Reply, CallError> {
        self.send(Method::Get, path, None)
    }

    pub(super) fn post(&mut self, path: &str, body: &Value) -> Result<Reply, CallError> {
        self.send(Method::Post, path, Some(body))
    }

    pub(super) fn put(&mut self, path: &str, body: &Value) -> Result<Reply, CallError> {
        self.send(Method::Put, path, Some(body))
    }

    fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Reply, CallError> {
        if let Some(wait) =
            self.rests_until.and_then(|at| at.checked_duration_since(Instant::now()))
        {
            return Err(CallError::Throttled { wait });
        }
        let mut call = Call::new(method, format!("{}{path}", self.base))
            .header("x-auth-token", self.token.expose_secret())
            .header("accept", "application/json");
        if let Some(body) = body {
            call = call.json(body);
        }
        let answer = self.http.send(call)?;
        self.note_quota(&answer);
        reply(&answer, path)
    }

    /// Pauses before the quota is used up, because the store's other apps share it.
    fn note_quota(&mut self, answer: &Response) {
        let left = number(answer, "x-rate-limit-requests-left");
        let reset = number(answer, "x-rate-limit-time-reset-ms");
        if let (Some(left), Some(reset)) = (left, reset)
            && left <= LEFT_TO_OTHERS
        {
            self.rests_until = Some(Instant::now() + Duration::from_millis(reset));
        }
    }
}

fn number(answer: &Response, header: &str) -> Option<u64> {
    answer.header(header)?.trim().parse().ok()
}

fn reply(answer: &Response, path: &str) -> Result<Reply, CallError> {
    let platform = Platform::Bigcommerce;
    match answer.status {
        204 => Ok(Reply::Done(Value::Null)),
        // V2 has no body for an empty list.
        200..=299 if answer.body.is_empty() => Ok(Reply::Done(Value::Null)),
        200..=299 => answer.json().map(Reply::Done),
        300..=399 => Err(CallError::Refused(Reason::Redirected { platform, target: None })),
        400 | 422 => Ok(Reply::Refused(rejected(answer))),
        401 => Err(CallError::Denied(Reason::TokenRejected { platform })),
        403 => Err(CallError::Denied(missing_permission(path))),
        404 => Ok(Reply::NotFound),
        409 => Ok(Reply::Conflict),
        429 => Err(CallError::Throttled { wait: asked_wait(answer) }),
        status => {
            Err(CallError::Unanswered(Reason::Unavailable { platform, status: Some(status) }))
        }
    }
}

fn asked_wait(answer: &Response) -> Duration {
    let after = number(answer, "x-retry-after").map(Duration::from_secs);
    let reset = || number(answer, "x-rate-limit-time-reset-ms").map(Duration::from_millis);
    after.or_else(reset).unwrap_or(DEFAULT_WAIT)
}

/// Which permission the API account lacks for a path.
fn missing_permission(path: &str) -> Reason {
    let permission = if path.starts_with("/v2/store") {
        Permission::Information
    } else if path.contains("/payment_actions/") {
        Permission::Transactions
    } else if path.starts_with("/v2/orders") {
        Permission::Orders
    } else {
        Permission::Marketing
    };
    Reason::MissingPermission { permission }
}

/// The store's error messages: V3's `title` and `errors`, or V2's list of `message`s.
fn rejected(answer: &Response) -> Reason {
    let body: Value = answer.json().unwrap_or_default();
    let mut words = Vec::new();
    collect(&body, &mut words);
    words.dedup();
    let text: String = words.join(" ").chars().take(300).collect();
    let said = (!text.is_empty()).then_some(text);
    Reason::Rejected { platform: Platform::Bigcommerce, status: answer.status, said }
}

fn collect(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        Value::Object(fields) => {
            for name in ["title", "message", "detail"] {
                words.extend(fields.get(name).and_then(Value::as_str).map(str::to_owned));
            }
            match fields.get("errors") {
                Some(Value::Object(errors)) => {
                    words.extend(errors.iter().filter_map(|(name, error)| {
                        error.as_str().map(|error| format!("{name}: {error}"))
                    }))
                }
                Some(errors) => collect(errors, words),
                None => {}
            }
        }
        _ => {}
    }
}
