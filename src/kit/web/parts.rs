use std::time::Duration;

use actix_multipart::{Field, Multipart};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;

use super::memory::declared_length;
use super::text::cleaned;
use crate::kit::error::{AppError, AppResult};

/// The maximum size of a file with all other fields, in bytes.
pub(super) const FILE_LIMIT: usize = 5 * 1024 * 1024;
/// The maximum size of a form, because parts also have boundaries and headers.
pub(super) const FORM_LIMIT: usize = FILE_LIMIT + 64 * 1024;
/// The timeout for receiving it.
pub(super) const TIMEOUT: Duration = Duration::from_secs(60);
/// Vouch has no form with more fields.
pub(super) const MAX_PARTS: usize = 40;

/// The file name of a part; `None` for a field that isn't a file.
pub(super) fn file_name(part: &Field) -> Option<String> {
    let name = part.content_disposition()?.get_filename()?;
    Some(cleaned(name).into_owned())
}

/// The content of a part.
///
/// Fails with `TooLarge` beyond `max` bytes.
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

pub(super) type Pairs = Vec<(String, String)>;

/// The fields of a form, up to `max` bytes, and the names of its files, whose content is discarded.
/// Forms send the token as the first field. If that isn't `is_ours`, the rest isn't read.
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
    AppError::BadRequest("We didn’t receive the whole form. Go back and submit it again.".into())
}
