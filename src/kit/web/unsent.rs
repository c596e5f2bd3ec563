//! Forms that were sent without a session, because it ended or the user signed out in another tab.
//! The input is stored in the session of the next sign-in, encrypted and without secrets. It's
//! shown to the same user after sign-in. A form is only stored if it proves that its page was
//! rendered for a user.

use actix_session::{Session, SessionExt as _};
use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, Uri};
use actix_web::web::Data;
use actix_web::{HttpMessage as _, HttpRequest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::FormKind;
use super::form_errors::FormErrors;
use super::form_token::{FormKey, PageOf, form_key};
use super::memory::{BodyLimits, BodySender, Memory};
use super::parts::{self, Pairs};
use super::peer::peer;
use super::retype::label_of;
use super::secret_fields::is_secret;
use super::text::refused_in;
use crate::kit::clock;
use crate::kit::error::{AppError, AppResult};
use crate::kit::secrets::{Encryptor, Use};
use crate::kit::urls;

/// The form's key in the session.
pub(crate) const UNSENT: &str = "unsent";
/// The maximum size of the input: more than a person types into one form.
pub(super) const MAX_BYTES: usize = 32 * 1024;
const LIMITS: BodyLimits =
    BodyLimits { bytes: MAX_BYTES, timeout: std::time::Duration::from_secs(5) };
/// How long the form can be sent.
const RETENTION: Duration = Duration::hours(2);
/// Hidden fields that aren't shown to the user.
const OF_PAGES: [&str; 6] = ["back", "find", "next", "one_time_key", "seen", "version"];
/// Forms that make no sense after signing in again, and forms with passwords.
const NOT_KEPT: [&str; 5] =
    ["/login", "/logout", "/programs", "/account/", "/portal/settings/password"];

/// The input, its user and its destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unsent {
    user_id: i64,
    /// The key of its page's context; empty for none.
    #[serde(rename = "place")]
    workspace: String,
    at: DateTime<Utc>,
    action: String,
    fields: Vec<(String, String)>,
    /// The names of fields that must be typed again.
    secrets: Vec<String>,
    /// Files that must be chosen again, as pairs of field and file name.
    #[serde(default)]
    files: Pairs,
}

impl Unsent {
    /// The form in `body`, if it should be stored.
    pub(crate) fn read(
        key: &FormKey,
        action: &Uri,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Option<Self> {
        if body.len() > MAX_BYTES {
            return None;
        }
        let sent = form_urlencoded::parse(body).into_owned();
        Self::of(key, action, sent, Vec::new(), now)
    }

    /// A form with these fields and files, if it should be stored.
    pub(super) fn of(
        key: &FormKey,
        action: &Uri,
        sent: impl IntoIterator<Item = (String, String)>,
        files: Pairs,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        if NOT_KEPT.iter().any(|path| action.path().starts_with(path)) {
            return None;
        }
        let (mut page, mut fields, mut secrets) = (None, Vec::new(), Vec::new());
        for (name, value) in sent {
            if name == "csrf" {
                page = key.read(&value).1;
            } else if is_secret(&name) {
                secrets.push(name);
            } else if refused_in(&name).is_none() && refused_in(&value).is_none() {
                fields.push((name, value));
            }
        }
        // A form with only a button has no input to lose.
        if fields.is_empty() && secrets.is_empty() && files.is_empty() {
            return None;
        }
        let action = action.path_and_query()?.as_str().to_owned();
        let PageOf { user_id, workspace, .. } = page?;
        Some(Self { user_id, workspace, at: now, action, fields, secrets, files })
    }

    /// Whether it belongs to this user and can still be sent.
    pub(crate) fn is_for(&self, user_id: i64, now: DateTime<Utc>) -> bool {
        self.user_id == user_id && now - self.at < RETENTION
    }

    pub(crate) fn action(&self) -> &str {
        &self.action
    }

    /// The key of its page's context; empty for none.
    pub(crate) fn workspace(&self) -> &str {
        &self.workspace
    }

    /// Stores it in the session.
    pub(crate) fn keep(&self, session: &Session, encryptor: &Encryptor) -> AppResult<()> {
        let json = serde_json::to_vec(self).map_err(|error| AppError::Internal(error.into()))?;
        Ok(session.insert(UNSENT, STANDARD.encode(encryptor.encrypt(USE, &json)))?)
    }

    /// The form in the session.
    pub(crate) fn kept(session: &Session, encryptor: &Encryptor) -> Option<Self> {
        let encrypted = STANDARD.decode(session.get::<String>(UNSENT).ok()??).ok()?;
        let json = encryptor.open(USE, &encrypted).ok()?;
        serde_json::from_slice(json.expose_secret()).ok()
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &(String, String)> {
        self.fields.iter()
    }

    pub(crate) fn errors(&self) -> FormErrors {
        FormErrors::new()
    }

    /// The fields that a user typed or chose. Ids of records are sent along but not shown, because
    /// they mean nothing to users.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (String, String)> {
        let shown = self.fields.iter().filter(|(name, value)| {
            !OF_PAGES.contains(&name.as_str()) && !value.is_empty() && !is_key(name, value)
        });
        shown.map(|(name, value)| (label_of(name), in_words(value)))
    }

    pub(crate) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// Each file field with its label and a hint with the file name.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, String, String)> {
        let hint = |file: &str| match file {
            "" => String::new(),
            file => format!("Select {file} again."),
        };
        self.files.iter().map(move |(name, file)| (name.as_str(), label_of(name), hint(file)))
    }

    pub(crate) fn secrets(&self) -> impl Iterator<Item = (&str, String)> {
        self.secrets.iter().map(|name| (name.as_str(), label_of(name)))
    }
}

fn is_key(name: &str, value: &str) -> bool {
    let named = ["ids", "order", "request", "affiliate", "place"].contains(&name);
    (named || name.ends_with("_id")) && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Turns a submitted choice into its label: `Flat per order` for `flat_per_order`.
fn in_words(value: &str) -> String {
    let is_name = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    match value {
        "true" => "Yes".to_owned(),
        name if name.contains('_') && name.split('_').all(is_name) => label_of(name),
        typed => typed.to_owned(),
    }
}

/// For the middleware: stores a form that can't be processed now in the session, to show it after
/// sign-in. Returns the error for the response.
pub(crate) async fn keep_of(req: &mut ServiceRequest, error: AppError) -> AppError {
    let is_later = matches!(error, AppError::SignInNeeded(_) | AppError::WorkspaceNeeded(_));
    if !is_later || req.method() != Method::POST {
        return error;
    }
    let encryptor =
        req.app_data::<Data<Encryptor>>().expect("the application holds its encryptor").clone();
    let unsent = match FormKind::of(req.headers()) {
        Some(FormKind::Fields) => fields_of(req).await,
        Some(FormKind::Upload) => upload_of(req).await,
        None => None,
    };
    let kept = unsent.and_then(|unsent| unsent.keep(&req.get_session(), &encryptor).ok());
    match (kept, error) {
        (None, error) => error,
        (Some(()), AppError::WorkspaceNeeded(_)) => {
            AppError::WorkspaceNeeded(urls::unsent_form().into())
        }
        (Some(()), _) => AppError::SignInNeeded(urls::unsent_form().into()),
    }
}

async fn fields_of(req: &mut ServiceRequest) -> Option<Unsent> {
    let payload = req.take_payload();
    let sender = BodySender::Network(peer(req.request()));
    let body = Memory::of(req.request()).read(req.request(), payload, LIMITS, sender).await.ok()?;
    Unsent::read(form_key(req.request()), req.uri(), &body, clock::now())
}

/// Reads a form with a file. Forms that won't be stored aren't read further, and file contents are
/// never stored.
async fn upload_of(req: &mut ServiceRequest) -> Option<Unsent> {
    let payload = req.take_payload();
    let req = req.request();
    let is_ours = |csrf: &str| form_key(req).read(csrf).1.is_some();
    let (fields, files) = parts::without_files(req, payload, MAX_BYTES, is_ours).await?;
    Unsent::of(form_key(req), req.uri(), fields, files, clock::now())
}

/// Clears the session, except for a form to show after sign-in.
pub(crate) fn clear_others(session: &Session) -> AppResult<()> {
    let kept = session.get::<String>(UNSENT)?;
    session.clear();
    if let Some(kept) = kept {
        session.insert(UNSENT, kept)?;
    }
    Ok(())
}

/// Removes the stored form from the session once it's sent.
pub(super) fn sent(req: &HttpRequest, session: &Session) -> AppResult<()> {
    if session.get::<String>(UNSENT)?.is_none() {
        return Ok(());
    }
    let encryptor = req.app_data::<Data<Encryptor>>().expect("the application holds its encryptor");
    let action = req.uri().path_and_query().map_or("/", |action| action.as_str());
    if Unsent::kept(session, encryptor).is_none_or(|unsent| unsent.action == action) {
        session.remove(UNSENT);
    }
    Ok(())
}

/// The page that shows the stored form.
pub(crate) fn page(session: &Session) -> Option<&'static str> {
    let kept = session.get::<String>(UNSENT).ok().flatten();
    kept.map(|_| urls::unsent_form())
}

const USE: Use = Use::of_instance("unsent_form");
