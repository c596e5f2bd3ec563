//! Processes a form once, even after a double click, a repeated submission, or with two servers.
//! All submissions get the same response. A form is identified by its user, its URL, the random
//! number of its page, and its content.
//!
//! Forms that create money also have their own key, which is claimed in the same transaction
//! ([`super::one_time`]). So they stay safe if a server crashes between the two.

use std::time::{Duration, Instant};

use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::web::Data;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Binary, Timestamptz};
use sha2::{Digest, Sha256};
use tracing::Instrument as _;

use super::FormKind;
use super::form_token::PageOf;
use crate::kit::clock;
use crate::kit::db::schema::form_responses;
use crate::kit::db::statement::statement;
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};
use crate::kit::request;

/// How long a repeated submission waits for the first one's response.
pub(super) const WAIT: Duration = Duration::from_secs(4);
/// The same for a form with a file, which takes longer.
pub(super) const WAIT_FOR_FILE: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// A form without a response after this time was interrupted, and can be processed again. No
/// request takes this long.
const CUT_OFF: Duration = Duration::from_secs(30);
/// Forms are rarely repeated after more time than this.
const RETENTION: chrono::Duration = chrono::Duration::days(1);
/// The longest location that is stored.
const MAX_LOCATION_CHARS: usize = 2_000;

/// A form that is being processed. The form extractor attaches it to the request.
#[derive(Clone, Debug)]
pub(super) struct Claim(Vec<u8>);

impl Claim {
    /// Claims a form for this request. `typed` is its whole body; `wait` is the timeout for a
    /// running submission of the same form.
    ///
    /// Fails with `Answered` if the form was already processed, and with `Unavailable` after the
    /// timeout.
    pub(super) async fn take(
        db: &Db,
        page: &PageOf,
        path: &str,
        typed: &[u8],
        wait: Duration,
    ) -> AppResult<Self> {
        let claim = Self(key_hash(page, path, typed));
        let (wait, cut_off) = (wait * db.wait_factor(), CUT_OFF * db.wait_factor());
        let begun = Instant::now();
        loop {
            let (hash, now) = (claim.0.clone(), clock::now());
            match db.glance(move |conn| try_claim(conn, &hash, now, cut_off)).await? {
                Tried::Claimed => return Ok(claim),
                Tried::Answered(location) => return Err(AppError::Answered(location)),
                Tried::Busy if begun.elapsed() > wait => return Err(AppError::Unavailable),
                Tried::Busy => tokio::time::sleep(POLL_INTERVAL).await,
            }
        }
    }

    /// Stores the location of the response. Without one, the form can be sent again.
    async fn settle(self, db: &Db, location: Option<String>) -> AppResult<()> {
        let Self(hash) = self;
        let location = location.filter(|location| location.len() <= MAX_LOCATION_CHARS);
        db.glance(move |conn| {
            let row = form_responses::table.find(&hash);
            match location {
                Some(location) => {
                    diesel::update(row).set(form_responses::location.eq(location)).execute(conn)
                }
                None => diesel::delete(row).execute(conn),
            }
        })
        .await
        .map(drop)
    }
}

fn key_hash(page: &PageOf, path: &str, body: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(page.user_id.to_be_bytes());
    for part in [page.number.as_bytes(), path.as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().to_vec()
}

enum Tried {
    Claimed,
    Answered(String),
    /// Another request is processing it.
    Busy,
}

fn try_claim(
    conn: &mut PgConnection,
    hash: &[u8],
    now: DateTime<Utc>,
    cut_off: Duration,
) -> QueryResult<Tried> {
    let claimed = statement!(
        "INSERT INTO form_responses AS f (key_hash, claimed_at) VALUES (:hash, :now) \
         ON CONFLICT (key_hash) DO UPDATE SET claimed_at = excluded.claimed_at \
             WHERE f.location IS NULL AND f.claimed_at < :cut_off",
        hash: Binary,
        now: Timestamptz,
        cut_off: Timestamptz = now - cut_off,
    )
    .execute(conn)?;
    if claimed > 0 {
        return Ok(Tried::Claimed);
    }
    let location = form_responses::table
        .find(hash)
        .select(form_responses::location)
        .first::<Option<String>>(conn)
        .optional()?;
    Ok(location.flatten().map_or(Tried::Busy, Tried::Answered))
}

/// Innermost middleware: finishes a form even if the browser disconnects, and stores the location
/// of its response.
pub(crate) async fn keep<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error>
where
    Next<B>: 'static,
{
    if req.method() != Method::POST || FormKind::of(req.headers()).is_none() {
        return next.call(req).await;
    }
    let work = async move {
        let response = next.call(req).await?;
        let claim = response.request().extensions_mut().remove::<Claim>();
        // After an interrupted commit the change may be saved, so the claim stays for now.
        let error = response.response().error().and_then(|error| error.as_error::<AppError>());
        let claim = claim.filter(|_| !matches!(error, Some(AppError::CutOff)));
        if let Some(claim) = claim {
            let db = response.request().app_data::<Data<Db>>().cloned();
            let db = db.expect("the application holds the database");
            // Without a stored response, a later submission is processed again.
            if let Err(error) = claim.settle(&db, location_of(&response)).await {
                tracing::warn!(%error, "form_response_not_saved");
            }
        }
        Ok(response)
    };
    let work = work.in_current_span();
    let task = match request::current() {
        Some(current) => actix_web::rt::spawn(request::during(current, work)),
        None => actix_web::rt::spawn(work),
    };
    task.await.map_err(|error| AppError::Internal(error.into()))?
}

/// The location for repeated submissions if the first response was a page, such as one with a
/// secret.
pub(crate) struct AnswerAt(pub &'static str);

fn location_of<B>(response: &ServiceResponse<B>) -> Option<String> {
    if let Some(AnswerAt(location)) = response.response().extensions().get() {
        return Some((*location).to_owned());
    }
    let location = response.headers().get(header::LOCATION)?;
    let leads = response.status() == StatusCode::SEE_OTHER;
    leads.then(|| location.to_str().ok().map(str::to_owned)).flatten()
}

/// Deletes old responses. Returns how many.
pub fn sweep(db: &Db, now: DateTime<Utc>) -> AppResult<usize> {
    db.run_blocking(Scope::Unowned, |conn| {
        diesel::delete(form_responses::table.filter(form_responses::claimed_at.lt(now - RETENTION)))
            .execute(conn)
    })
}
