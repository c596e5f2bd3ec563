//! Forms with a file. [`CsrfUpload`] checks the token like `CsrfForm`.

use std::collections::HashMap;

use actix_multipart::Multipart;
use actix_session::SessionExt;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use sha2::{Digest, Sha256};

use super::form::{CsrfForm, check_token, claim, refused};
use super::form_token::form_key;
use super::idempotency::WAIT_FOR_FILE;
use super::memory::{BodySender, Memory, Room, declared_length};
use super::parts::{FILE_LIMIT, FORM_LIMIT, MAX_PARTS, TIMEOUT, broken, content, file_name};
use super::peer::peer;
use super::text::refused_in;
use super::unsent::Unsent;
use crate::kit::clock;
use crate::kit::error::{AppError, AppResult};

/// The maximum size of a field that isn't a file, in bytes.
const FIELD_LIMIT: usize = 64 * 1024;
/// The parser's buffer: the maximum size of one part's headers, in bytes.
pub(crate) const PART_HEADERS_LIMIT: usize = 8 * 1024;

/// A form with at most one file, whose CSRF token matched the session's.
#[derive(Debug, Default)]
pub(crate) struct CsrfUpload {
    fields: HashMap<String, String>,
    /// The name of the file's field; empty without one.
    file_field: String,
    /// Empty if no file was chosen.
    file: Vec<u8>,
    room: Room,
    /// The name of the file on the user's machine.
    pub(crate) file_name: String,
}

impl CsrfUpload {
    /// Runs `read` with the file on a blocking thread. The file and its memory are released before
    /// the result is used.
    ///
    /// Fails with `Unavailable` while the server stops.
    pub(crate) async fn read_file<T: Send + 'static>(
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

    /// The bytes that distinguish it from another form with a file.
    fn fingerprint(&self) -> Vec<u8> {
        let mut fields: Vec<(&str, &str)> =
            self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.sort_unstable();
        fields.push((&self.file_field, &self.file_name));
        let mut hash = Sha256::new();
        for text in fields.into_iter().flat_map(|(name, value)| [name, value]) {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.chain_update(&self.file).finalize().to_vec()
    }

    /// The form without the file's content, to send it later.
    fn unsent(&self, req: &HttpRequest) -> Option<Unsent> {
        let file = (self.file_field.clone(), self.file_name.clone());
        let files = if self.file_field.is_empty() { Vec::new() } else { vec![file] };
        Unsent::of(form_key(req), req.uri(), self.fields.clone(), files, clock::now())
    }

    /// The value of a field; empty if it wasn't sent.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl FromRequest for CsrfUpload {
    type Error = AppError;
    type Future = LocalBoxFuture<'static, Result<Self, AppError>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !req.content_type().eq_ignore_ascii_case("multipart/form-data") {
            // Without a file, the form has the encoding of any other form.
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
            let room = memory.reserve(sender, length.unwrap_or(FORM_LIMIT)).await;
            let room = room.ok_or(AppError::Unavailable)?;
            let parts = parts.await.map_err(|_| broken())?;
            let mut upload = tokio::time::timeout(TIMEOUT, read(parts)).await.map_err(|_| {
                AppError::BadRequest("The upload was too slow. Try again.".into())
            })??;
            upload.room = room;
            match check_token(&req, &session, upload.field("csrf"))? {
                Ok(Some(page)) => {
                    claim(&req, &session, &page, &upload.fingerprint(), WAIT_FOR_FILE).await?;
                    Ok(upload)
                }
                Ok(None) => Ok(upload),
                Err(page) => Err(refused(&req, &session, page, upload.unsent(&req))),
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
        let name = part.name().map(str::to_owned);
        let file_name = file_name(&part);
        let max = if file_name.is_some() { FILE_LIMIT } else { FIELD_LIMIT };
        let content = content(&mut part, left.min(max)).await?;
        left -= content.len();
        if let Some(file_name) = file_name {
            upload.file_name = file_name;
            upload.file_field = name.unwrap_or_default();
            upload.file = content;
        } else if let Some(name) = name {
            let text = String::from_utf8_lossy(&content).into_owned();
            if refused_in(&text).is_some() {
                return Err(AppError::BadRequest(
                    "A field contains an unsupported character. Go back, retype the text instead of \
                     pasting it, and submit the form again."
                        .into(),
                ));
            }
            upload.fields.insert(name, text);
        }
    }
    Ok(upload)
}
