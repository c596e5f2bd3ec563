//! A form with a file. [`CsrfUpload`] checks the token as `CsrfForm` does.

use std::collections::HashMap;
use std::time::Duration;

use actix_multipart::Multipart;
use actix_session::SessionExt;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;

use super::form::{CsrfForm, check_token};
use super::memory::{BodySender, Memory, Room, declared_length};
use super::peer::peer;
use super::text::{cleaned, refused_in};
use crate::kit::error::{AppError, AppResult};
use crate::kit::session::TOKEN;

/// The greatest file, in bytes, with all fields beside it.
pub const FILE_LIMIT: usize = 5 * 1024 * 1024;
/// The greatest form: parts have boundaries and headers.
const FORM_LIMIT: usize = FILE_LIMIT + 64 * 1024;
/// How long it may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);
/// No form of ours has as many fields.
const MAX_PARTS: usize = 40;
/// The longest field that is no file, in bytes.
const FIELD_LIMIT: usize = 64 * 1024;
/// As much of a request the parser keeps: the longest headers of one part, in bytes.
pub const PART_HEADERS_LIMIT: usize = 8 * 1024;

/// A form with at most one file, whose CSRF token was the session's.
#[derive(Debug, Default)]
pub struct CsrfUpload {
    fields: HashMap<String, String>,
    /// Empty when none was chosen.
    file: Vec<u8>,
    room: Room,
    /// What it is called where it comes from.
    pub file_name: String,
}

impl CsrfUpload {
    /// What `read` makes of the file, on a blocking thread. The file and its room are given back before
    /// the answer is used.
    ///
    /// # Errors
    /// `Unavailable` while the server stops.
    pub async fn read_file<T: Send + 'static>(
        self,
        read: impl FnOnce(&[u8]) -> T + Send + 'static,
    ) -> AppResult<T> {
        let Self { file, room, .. } = self;
        let read = move || {
            let answer = read(&file);
            drop((file, room));
            answer
        };
        actix_web::web::block(read).await.map_err(|_| AppError::Unavailable)
    }

    /// The value of a field; empty when it was not sent.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl FromRequest for CsrfUpload {
    type Error = AppError;
    type Future = LocalBoxFuture<'static, Result<Self, AppError>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !req.content_type().eq_ignore_ascii_case("multipart/form-data") {
            // Without a file, as a form of any other kind.
            let form = CsrfForm::<HashMap<String, String>>::from_request(req, payload);
            return Box::pin(async move {
                let CsrfForm(fields) = form.await?;
                Ok(Self { fields, ..Self::default() })
            });
        }
        let (req, session) = (req.clone(), req.get_session());
        let length = declared_length(&req);
        let (memory, sender) = (Memory::of(&req), BodySender::Network(peer(&req)));
        let parts = Multipart::from_request(&req, payload);
        Box::pin(async move {
            if length.is_some_and(|length| length > FORM_LIMIT) {
                return Err(AppError::TooLarge);
            }
            if session.get::<String>(TOKEN)?.is_none() {
                return Err(AppError::StaleForm);
            }
            let room = memory.reserve(sender, length.unwrap_or(FORM_LIMIT)).await;
            let room = room.ok_or(AppError::Unavailable)?;
            let parts = parts.await.map_err(|_| broken())?;
            let mut upload = tokio::time::timeout(PATIENCE, read(parts))
                .await
                .map_err(|_| AppError::BadRequest("The file took too long to arrive.".into()))??;
            upload.room = room;
            match check_token(&req, &session, upload.field("csrf"))? {
                Ok(_) => Ok(upload),
                Err(_) => Err(AppError::StaleForm),
            }
        })
    }
}

async fn read(mut parts: Multipart) -> AppResult<CsrfUpload> {
    let mut upload = CsrfUpload::default();
    let (mut left, mut count) = (FILE_LIMIT, 0);
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(|_| broken())?;
        count += 1;
        if count > MAX_PARTS {
            return Err(AppError::TooLarge);
        }
        let file_name =
            part.content_disposition().and_then(|about| about.get_filename()).map(str::to_owned);
        let mut most = if file_name.is_some() { FILE_LIMIT } else { FIELD_LIMIT };
        let mut content = Vec::new();
        while let Some(chunk) = part.next().await {
            let chunk = chunk.map_err(|_| broken())?;
            left = left.checked_sub(chunk.len()).ok_or(AppError::TooLarge)?;
            most = most.checked_sub(chunk.len()).ok_or(AppError::TooLarge)?;
            content.extend_from_slice(&chunk);
        }
        if let Some(name) = file_name {
            upload.file_name = cleaned(&name).into_owned();
            upload.file = content;
        } else if let Some(name) = part.name() {
            let text = String::from_utf8_lossy(&content).into_owned();
            if refused_in(&text).is_some() {
                return Err(AppError::BadRequest(
                    "A field of the form contains a character that can’t be used. Go back, type it \
                     without copying and send the form again."
                        .into(),
                ));
            }
            upload.fields.insert(name.to_owned(), text);
        }
    }
    Ok(upload)
}

fn broken() -> AppError {
    AppError::BadRequest(
        "The form broke off, or is not one of ours. Go back and send it again.".into(),
    )
}
