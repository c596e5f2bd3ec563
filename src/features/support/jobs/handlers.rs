use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde::Deserialize;
use vouch_core::TextEnum;

use super::model::{self, DeadJob, FailableKind, MAX_RETRIED, NEWEST, Retry};
use crate::features::auth::pages::PersonPage;
use crate::features::support::text;
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};
use crate::kit::lists::{ListPage, Params};
use crate::kit::urls::with_query;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::{ok, see_other};

const HERE: &str = "/support/jobs";

#[derive(Template)]
#[template(path = "support/jobs.html")]
struct JobsPage {
    page: PersonPage,
    kind: Option<FailableKind>,
    list: ListPage<DeadJob>,
}

/// `GET /support/jobs`
pub(crate) async fn index(
    db: Data<Db>,
    page: PersonPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let mut address = params.into_inner().at(HERE);
    let kind = address.choice("kind", "Kind");
    let range = address.page(NEWEST);
    let jobs = db.run(Scope::Support, move |conn| model::dead_jobs(conn, kind, &range)).await?;
    ok(&JobsPage { page, kind, list: ListPage::new(address, jobs, None) })
}

/// `POST /support/jobs/{merchant_id}/{job_id}/retry`
pub(crate) async fn retry(
    db: Data<Db>,
    page: PersonPage,
    job: Path<(i64, i64)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let by = page.support_actor(job.0);
    let retried = db.run(Scope::Instance, move |conn| model::retry(conn, &by, *job)).await?;
    match retried {
        Retry::Retried(kind) => {
            page.leave(FlashKind::Success, text::job_retried(kind.label()))?;
        }
        Retry::NotFailed => page.leave(FlashKind::Info, text::JOB_ALREADY_RETRIED)?,
        Retry::Obsolete(kind) => {
            page.leave(FlashKind::Info, text::job_obsolete(kind.label()))?;
        }
    }
    Ok(see_other(HERE))
}

#[derive(Deserialize)]
pub(crate) struct RetryForm {
    kind: String,
}

/// `POST /support/jobs/retries`: retries the jobs of one kind.
pub(crate) async fn retry_all(
    db: Data<Db>,
    page: PersonPage,
    CsrfForm(form): CsrfForm<RetryForm>,
) -> AppResult<HttpResponse> {
    let kind = FailableKind::parse(&form.kind).ok_or(AppError::NotFound)?;
    let failed = db.run(Scope::Support, move |conn| model::failed_first(conn, kind)).await?;
    let is_full = i64::try_from(failed.len()).is_ok_and(|failed| failed == MAX_RETRIED);
    let mut count = 0;
    for job in failed {
        let by = page.support_actor(0);
        let retried = db.run(Scope::Instance, move |conn| model::retry(conn, &by, job)).await?;
        count += usize::from(matches!(retried, Retry::Retried(_)));
    }
    let (kind_of_flash, message) = match (count, is_full) {
        (0, false) => (FlashKind::Info, text::NO_JOBS.to_owned()),
        (0, true) => (FlashKind::Info, text::MORE_JOBS.to_owned()),
        (count, false) => (FlashKind::Success, text::jobs_retried(count)),
        (count, true) => {
            (FlashKind::Success, format!("{} {}", text::jobs_retried(count), text::MORE_JOBS))
        }
    };
    page.leave(kind_of_flash, &message)?;
    Ok(see_other(&with_query(HERE, &[("kind", kind.as_str())])))
}
