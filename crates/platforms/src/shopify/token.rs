//! The client credentials grant, which exchanges an app's client ID and secret for a token that
//! lasts a day.

use chrono::{DateTime, Duration, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::http::{Call, Http, Method, Response};
use crate::{CallError, FreshToken, Reason};

/// How long before its expiry a token is renewed.
const REFRESH_MARGIN: Duration = Duration::minutes(10);
/// Shopify's current lifetime of a token, used if the response doesn't contain it.
const A_DAY_SECONDS: i64 = 86_399;

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: Option<i64>,
}

#[derive(Deserialize)]
struct NotGranted {
    error: String,
}

pub(super) fn grant(
    http: &Http,
    base: &str,
    id: &str,
    secret: &SecretString,
    now: DateTime<Utc>,
) -> Result<FreshToken, CallError> {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret.expose_secret()),
    ];
    let form =
        serde_html_form::to_string(form).map_err(|_| CallError::Denied(Reason::InvalidClientId))?;
    let call = Call::new(Method::Post, format!("{base}/admin/oauth/access_token"))
        .header("accept", "application/json")
        .body("application/x-www-form-urlencoded", form);
    let answer = http.send(call)?;
    if answer.status != 200 {
        return Err(refusal(&answer));
    }
    let granted: Granted = answer.json()?;
    let lasts = Duration::seconds(granted.expires_in.unwrap_or(A_DAY_SECONDS).clamp(0, 604_800));
    Ok(FreshToken { token: granted.access_token, expires_at: now + (lasts - REFRESH_MARGIN) })
}

fn refusal(answer: &Response) -> CallError {
    let said = serde_json::from_slice::<NotGranted>(&answer.body).map(|said| said.error);
    match (answer.status, said.as_deref()) {
        (_, Ok("shop_not_permitted")) => CallError::Denied(Reason::AppNotPermitted),
        (_, Ok("app_not_installed" | "application_cannot_be_found")) => {
            CallError::Denied(Reason::AppNotFound)
        }
        (400 | 401 | 403, _) => CallError::Denied(Reason::ClientRejected),
        _ => super::admin::refused_status(answer),
    }
}
