//! Forms. [`CsrfForm`] is the only extractor that yields one, so that forgetting the check does
//! not compile.

use std::time::Duration;

use actix_session::{Session, SessionExt};
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq;
use validator::ValidateEmail;

use super::answers::Claim;
use super::form_token::{FormKey, PageOf};
use super::memory::{BodyLimits, BodySender, Memory};
use super::peer::peer;
use super::retype::Retype;
use super::unsent::{self, Unsent};
use super::version::SentForm;
use crate::clock;
use crate::db::Db;
use crate::error::AppError;
use crate::names::{Name, NameError};
use crate::secrets::Sealer;
use crate::session::{TOKEN, USER_ID, chosen_place};

/// Bulk actions send up to some hundred ids.
const FORM_LIMITS: BodyLimits = BodyLimits { bytes: 64 * 1024, timeout: Duration::from_secs(15) };

/// A form whose CSRF token was the session's.
#[derive(Debug)]
pub struct CsrfForm<T>(pub T);

/// What was typed into a field of several lines, outer space cut: browsers send two characters for
/// each end of a line, and count one.
pub fn several_lines(typed: &str) -> String {
    typed.trim().replace("\r\n", "\n")
}

/// A form with no fields: nothing but the proof that it is ours.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    csrf: String,
}

impl<T: DeserializeOwned + 'static> FromRequest for CsrfForm<T> {
    type Error = AppError;
    type Future = LocalBoxFuture<'static, Result<Self, AppError>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let session = req.get_session();
        let action = req.uri().clone();
        let is_form = is_form(req.headers());
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            if !is_form {
                return Err(AppError::BadRequest("Send the form as the page has it.".into()));
            }
            let sender = BodySender::Network(peer(&req));
            let body = Memory::of(&req).read(&req, payload, FORM_LIMITS, sender).await?;
            let sent: Token = parse(&body)?;
            let page = match check_token(&req, &session, &sent.csrf)? {
                Ok(page) => page,
                Err(page) => return Err(refused(&req, &session, page, &body)),
            };
            Retype::check(&action, &body)?;
            let form = parse(&body)?;
            if let Some(page) = page {
                let db = req.app_data::<Data<Db>>().expect("the application holds the database");
                let claim = Claim::take(db, &page, action.path(), &body).await?;
                req.extensions_mut().insert(claim);
                unsent::sent(&req, &session)?;
            }
            if let Some(sent) = SentForm::of(&body) {
                req.extensions_mut().insert(sent);
            }
            Ok(Self(form))
        })
    }
}

/// Whether a body is that of a form without a file.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Whether `sent` has the session's token: with the page that it was on, where that is proved to be the
/// page of who is signed in, at the place they are at.
pub(super) fn check_token(
    req: &HttpRequest,
    session: &Session,
    sent: &str,
) -> Result<Result<Option<PageOf>, Option<PageOf>>, AppError> {
    let (token, page) = form_key(req).read(sent);
    let user_id = session.get::<i64>(USER_ID)?;
    let place = chosen_place(session)?;
    let page = page.filter(|page| Some(page.user_id) == user_id && page.place == place);
    let expected: Option<String> = session.get(TOKEN)?;
    let equal = expected.is_some_and(|expected| expected.as_bytes().ct_eq(token.as_bytes()).into());
    Ok(if equal { Ok(page) } else { Err(page) })
}

/// A form of the person's own, from a page before they signed in anew, can be sent from `/unsent-form`.
fn refused(req: &HttpRequest, session: &Session, page: Option<PageOf>, body: &[u8]) -> AppError {
    let sealer = req.app_data::<Data<Sealer>>().expect("the application holds its sealer");
    let unsent = Unsent::read(form_key(req), req.uri(), body, clock::now());
    match unsent.filter(|_| page.is_some()).map(|unsent| unsent.keep(session, sealer)) {
        Some(Ok(())) => AppError::Unsent,
        Some(Err(error)) => error,
        None => AppError::StaleForm,
    }
}

/// What proves that pages are made for a person.
pub(crate) fn form_key(req: &HttpRequest) -> &FormKey {
    req.app_data::<Data<FormKey>>().expect("the application holds its form key")
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, AppError> {
    serde_html_form::from_bytes(body).map_err(|_| {
        AppError::BadRequest(
            "A field of the form has an impossible value. Go back, reload the page and try again."
                .into(),
        )
    })
}

/// What was wrong with a form: (field, sentence) in the order of the form.
#[derive(Clone, Debug, Default)]
pub struct FormErrors(Vec<(String, String)>);

impl FormErrors {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One error, beside `field`.
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        let mut errors = Self::new();
        errors.add(field, message);
        errors
    }

    /// Adds an error beside `field`. The sentence says how to mend it.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push((field.to_owned(), message.into()));
    }

    /// Whether the form is fine.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sentences beside one field.
    pub fn of(&self, field: &str) -> Vec<&str> {
        self.0.iter().filter(|(f, _)| f == field).map(|(_, m)| m.as_str()).collect()
    }

    /// Everything, for the summary on top.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, message)| (field.as_str(), message.as_str()))
    }

    /// A new [`Name`]. `missing` is the sentence for none.
    pub fn check_name(&mut self, field: &str, typed: &str, missing: &str) {
        match Name::read(typed) {
            Ok(_) => {}
            Err(NameError::Missing) => self.add(field, missing),
            Err(error) => self.add(field, error.to_string()),
        }
    }

    /// A [`Name`] in the place of `current`, which may stay although it's older than the rules.
    pub fn check_changed_name(&mut self, field: &str, typed: &str, current: &str, missing: &str) {
        if typed.trim() != current {
            self.check_name(field, typed, missing);
        }
    }

    /// An e-mail address.
    pub fn check_email(&mut self, field: &str, typed: &str) {
        if !typed.trim().validate_email() || typed.trim().chars().count() > 254 {
            self.add(field, "Enter an e-mail address, such as name@example.com.");
        }
    }

    /// `Ok` when the form is fine.
    ///
    /// # Errors
    /// Itself, when it is not.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl From<validator::ValidationErrors> for FormErrors {
    /// Takes over what `validator` found; every rule carries its own `message`.
    fn from(found: validator::ValidationErrors) -> Self {
        let mut errors = Self::new();
        let mut fields: Vec<_> = found.field_errors().into_iter().collect();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        for (field, failures) in fields {
            for failure in failures {
                let message = failure.message.as_deref().unwrap_or("Please check this field.");
                errors.add(&field, message);
            }
        }
        errors
    }
}
