use std::time::Duration;

use actix_multipart::{Field, Multipart};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;

use super::memory::declared_length;
use super::text::cleaned;
use crate::kit::error::{AppError, AppResult};

/// The greatest file, in bytes, with all fields beside it.
pub(super) const FILE_LIMIT: usize = 5 * 1024 * 1024;
/// The greatest form: parts have boundaries and headers.
pub(super) const FORM_LIMIT: usize = FILE_LIMIT + 64 * 1024;
/// How long it may take to arrive.
pub(super) const TIMEOUT: Duration = Duration::from_secs(60);
/// No form of ours has as many fields.
pub(super) const MAX_PARTS: usize = 40;

/// What the file of a part is called where it comes from; `None` for a field that is no file.
pub(super) fn file_name(part: &Field) -> Option<String> {
    let name = part.content_disposition()?.get_filename()?;
    Some(cleaned(name).into_owned())
}

/// What is in a part.
///
/// # Errors
/// `TooLarge` beyond `max` bytes.
pub(super) async fn content(part: &mut Field, max: usize) -> AppResult<Vec<u8>> {
    let mut content = Vec::new();
    while let Some(chunk) = part.next().await {
        let chunk = chunk.map_err(|_| broken())?;
        if content.len() + chunk.len() > max {
            return Err(AppError::TooLarge);
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content)
}

/// Names with values.
pub(super) type Pairs = Vec<(String, String)>;

/// The fields of a form, at most `max` bytes of them, and the names of its files, whose content isn't kept.
/// The first field is the token, as forms send it: it's read no further unless that `is_ours`.
pub(super) async fn without_files(
    req: &HttpRequest,
    mut payload: Payload,
    max: usize,
    is_ours: impl Fn(&str) -> bool,
) -> Option<(Pairs, Pairs)> {
    if declared_length(req).is_some_and(|length| length > FORM_LIMIT) {
        return None;
    }
    let parts = Multipart::from_request(req, &mut payload).await.ok()?;
    tokio::time::timeout(TIMEOUT, typed(parts, max, is_ours)).await.ok()?
}

async fn typed(
    mut parts: Multipart,
    max: usize,
    is_ours: impl Fn(&str) -> bool,
) -> Option<(Pairs, Pairs)> {
    let (mut fields, mut files) = (Pairs::new(), Pairs::new());
    let (mut left, mut left_of_files) = (max, FILE_LIMIT);
    while let Some(part) = parts.next().await {
        let mut part = part.ok()?;
        let name = part.name()?.to_owned();
        if fields.len() + files.len() > MAX_PARTS || (fields.is_empty() && name != "csrf") {
            return None;
        }
        if let Some(file_name) = file_name(&part) {
            while let Some(chunk) = part.next().await {
                left_of_files = left_of_files.checked_sub(chunk.ok()?.len())?;
            }
            files.push((name, file_name));
            continue;
        }
        let value = String::from_utf8(content(&mut part, left).await.ok()?).ok()?;
        left -= value.len();
        if fields.is_empty() && !is_ours(&value) {
            return None;
        }
        fields.push((name, value));
    }
    Some((fields, files))
}

pub(super) fn broken() -> AppError {
    AppError::BadRequest(
        "The form broke off, or is not one of ours. Go back and send it again.".into(),
    )
}
