//! Forms. Only the extractor [`CsrfForm`] yields one, so code without the CSRF check doesn't
//! compile.

use std::any::Any;
use std::time::Duration;

use actix_session::{Session, SessionExt};
use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq;

use super::FormKind;
pub use super::form_errors::FormErrors;
use super::form_token::{PageOf, form_key};
use super::idempotency::{Claim, WAIT};
use super::memory::{BodyLimits, BodySender, Memory};
use super::peer::peer;
use super::retype::Retype;
use super::unsent::{self, Unsent};
use super::version::SentForm;
use crate::kit::clock;
use crate::kit::db::Db;
use crate::kit::error::AppError;
use crate::kit::secrets::Encryptor;
use crate::kit::session::{TOKEN, USER_ID, chosen_workspace};

/// Bulk actions send up to several hundred ids.
const FORM_LIMITS: BodyLimits = BodyLimits { bytes: 64 * 1024, timeout: Duration::from_secs(15) };

/// A form whose CSRF token matched the session's.
#[derive(Debug)]
pub(crate) struct CsrfForm<T>(pub(crate) T);

/// The trimmed text of a multi-line field. Browsers send two characters per line break, but count
/// one.
pub(crate) fn several_lines(typed: &str) -> String {
    typed.trim().replace("\r\n", "\n")
}

/// A form without fields, only for the CSRF check.
#[derive(Debug, Deserialize)]
pub(crate) struct Nothing {}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    csrf: String,
}

impl<T: DeserializeOwned + 'static> FromRequest for CsrfForm<T> {
    type Error = AppError;
    type Future = LocalBoxFuture<'static, Result<Self, AppError>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = receive(req.clone(), payload.take(), |body| {
            parse::<T>(body).map(|form| Box::new(form) as Box<dyn Any>)
        });
        Box::pin(async move { Ok(Self(*form.await?.downcast().expect("it's parsed as a T"))) })
    }
}

/// Checks a form and parses it. Compiled once for all forms.
fn receive(
    req: HttpRequest,
    payload: Payload,
    parse_form: fn(&[u8]) -> Result<Box<dyn Any>, AppError>,
) -> LocalBoxFuture<'static, Result<Box<dyn Any>, AppError>> {
    let session = req.get_session();
    let action = req.uri().clone();
    let kind = FormKind::of(req.headers());
    Box::pin(async move {
        if kind != Some(FormKind::Fields) {
            return Err(AppError::BadRequest("Reload the page and submit the form again.".into()));
        }
        let sender = BodySender::Network(peer(&req));
        let body = Memory::of(&req).read(&req, payload, FORM_LIMITS, sender).await?;
        let sent: Token = parse(&body)?;
        let page = match check_token(&req, &session, &sent.csrf)? {
            Ok(page) => page,
            Err(page) => {
                let unsent = Unsent::read(form_key(&req), req.uri(), &body, clock::now());
                return Err(refused(&req, &session, page, unsent));
            }
        };
        Retype::check(&action, &body)?;
        let form = parse_form(&body)?;
        if let Some(page) = page {
            claim(&req, &session, &page, &body, WAIT).await?;
        }
        if let Some(sent) = SentForm::of(&body) {
            req.extensions_mut().insert(sent);
        }
        Ok(form)
    })
}

/// Claims a form before it's processed, so that it's processed once. `typed` is its whole body.
pub(super) async fn claim(
    req: &HttpRequest,
    session: &Session,
    page: &PageOf,
    typed: &[u8],
    wait: Duration,
) -> Result<(), AppError> {
    let db = req.app_data::<Data<Db>>().expect("the application holds the database");
    let claim = Claim::take(db, page, req.path(), typed, wait).await?;
    req.extensions_mut().insert(claim);
    unsent::sent(req, session)
}

/// Compares `sent` with the session's token. The page is only returned if it was rendered for the
/// signed-in user in the current context.
pub(super) fn check_token(
    req: &HttpRequest,
    session: &Session,
    sent: &str,
) -> Result<Result<Option<PageOf>, Option<PageOf>>, AppError> {
    let (token, page) = form_key(req).read(sent);
    let user_id = session.get::<i64>(USER_ID)?;
    let workspace = chosen_workspace(session)?;
    let page = page.filter(|page| Some(page.user_id) == user_id && page.workspace == workspace);
    let expected: Option<String> = session.get(TOKEN)?;
    let equal = expected.is_some_and(|expected| expected.as_bytes().ct_eq(token.as_bytes()).into());
    Ok(if equal { Ok(page) } else { Err(page) })
}

/// If the form belongs to a page of the same user before the new sign-in, it's stored for
/// `/unsent-form`.
pub(super) fn refused(
    req: &HttpRequest,
    session: &Session,
    page: Option<PageOf>,
    unsent: Option<Unsent>,
) -> AppError {
    let encryptor = req.app_data::<Data<Encryptor>>().expect("the application holds its encryptor");
    match unsent.filter(|_| page.is_some()).map(|unsent| unsent.keep(session, encryptor)) {
        Some(Ok(())) => AppError::Unsent,
        Some(Err(error)) => error,
        None => AppError::StaleForm,
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, AppError> {
    serde_html_form::from_bytes(body).map_err(|_| {
        AppError::BadRequest(
            "A field has a value that this form doesn’t offer. Go back, reload the page and try again."
                .into(),
        )
    })
}
