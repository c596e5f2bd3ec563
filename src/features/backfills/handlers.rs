use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono::{DateTime, Days, Duration, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use diesel::QueryResult;
use serde::Deserialize;
use vouch_platforms::{TimeRange, provider};

use super::model::{self, AskError, Backfill, BackfillProgress};
use super::text;
use crate::features::auth::pages::MerchantPage;
use crate::features::stores::Store;
use crate::kit::clock;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::display_time::{DisplayTime, day_of, read_day};
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::{ok, rejected, see_other};

/// How many of the latest backfills the page shows.
const SHOWN: i64 = 10;
/// The maximum length of a period, in days.
const MAX_DAYS: i64 = 366;

/// The period as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PeriodForm {
    from: String,
    until: String,
}

impl PeriodForm {
    fn suggested(now: DateTime<Utc>, zone: Tz) -> Self {
        let today = day_of(now, zone);
        let from = today - Days::new(7);
        Self { from: from.to_string(), until: today.to_string() }
    }

    /// Whole days in the merchant's time zone, up to now at most.
    fn check(&self, now: DateTime<Utc>, zone: Tz) -> Result<TimeRange, FormErrors> {
        let mut errors = FormErrors::new();
        let mut day = |field: &str, typed: &str| {
            let day = read_day(typed);
            if day.is_none() {
                errors.add(field, text::CHOOSE_DATE);
            }
            day
        };
        let (from, until) = (day("from", &self.from), day("until", &self.until));
        let (Some(from), Some(until)) = (from, until) else { return Err(errors) };
        if until < from {
            errors.add("until", text::ENDS_BEFORE_START);
        } else if from > day_of(now, zone) {
            errors.add("from", text::IN_FUTURE);
        } else if (until - from).num_days() >= MAX_DAYS {
            errors.add("until", text::too_many_days(MAX_DAYS));
        }
        let begin = |day: NaiveDate| begin_of(day, zone);
        let end = until.checked_add_days(Days::new(1)).and_then(begin);
        match (begin(from), end) {
            (Some(from), Some(end)) if errors.is_empty() => {
                Ok(TimeRange { from, until: (end - Duration::seconds(1)).min(now) })
            }
            _ => Err(errors),
        }
    }
}

/// The first moment of a day. Some days have no midnight, because clocks are set forward then.
fn begin_of(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = day.and_time(NaiveTime::MIN);
    let later = (0..4).map(|hours| midnight + Duration::hours(hours));
    let mut begins = later.filter_map(|at| zone.from_local_datetime(&at).earliest());
    begins.next().map(|at| at.with_timezone(&Utc))
}

#[derive(Template)]
#[template(path = "backfills/index.html")]
struct BackfillPage {
    page: MerchantPage,
    store: Store,
    backfills: Vec<Backfill>,
    progress: BackfillProgress,
    form: PeriodForm,
    errors: FormErrors,
}

impl BackfillPage {
    fn when(&self, at: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.page.merchant().calendar())
    }

    fn day(&self, at: &DateTime<Utc>) -> String {
        DisplayTime::day(*at, self.page.merchant().calendar()).text
    }

    fn result(backfill: &Backfill) -> String {
        match backfill.finished_at {
            Some(_) => {
                text::result(backfill.read_count, backfill.new_count, backfill.changed_count)
            }
            None => text::progress(backfill.read_count),
        }
    }

    /// Which orders the platform provides, if not all.
    fn reach(&self) -> Option<String> {
        let reach = provider(self.store.platform)?.orders_reach()?;
        Some(text::reach(self.store.platform, reach.num_days()))
    }

    fn url(&self) -> String {
        urls::backfills(self.store.id)
    }

    fn is_running(&self) -> bool {
        self.backfills.iter().any(|backfill| backfill.finished_at.is_none())
    }
}

async fn shown(
    db: &Db,
    page: MerchantPage,
    store_id: i64,
    form: PeriodForm,
    errors: FormErrors,
) -> AppResult<BackfillPage> {
    let merchant_id = page.merchant_id();
    let (store, backfills, progress) = db
        .merchant(merchant_id, move |conn| -> QueryResult<_> {
            let store = Store::find_called(conn, merchant_id, store_id)?;
            let backfills = model::latest(conn, &store, SHOWN)?;
            let progress = BackfillProgress::of(conn, &store)?;
            Ok((store, backfills, progress))
        })
        .await?;
    let page = page.under(store.settings_path());
    Ok(BackfillPage { page, store, backfills, progress, form, errors })
}

/// `GET /settings/stores/{store_id}/backfills`
pub(crate) async fn index(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
) -> AppResult<HttpResponse> {
    let form = PeriodForm::suggested(clock::now(), page.merchant().tz());
    ok(&shown(&db, page, *store_id, form, FormErrors::new()).await?)
}

/// `POST /settings/stores/{store_id}/backfills`
pub(crate) async fn create(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
    CsrfForm(form): CsrfForm<PeriodForm>,
) -> AppResult<HttpResponse> {
    let (actor, store_id) = (page.actor(), *store_id);
    let period = match form.check(actor.now, page.merchant().tz()) {
        Ok(period) => period,
        Err(errors) => return rejected(&shown(&db, page, store_id, form, errors).await?),
    };
    let asked = db
        .merchant(page.merchant_id(), move |conn| -> QueryResult<_> {
            let store = Store::find_called(conn, actor.merchant_id, store_id)?;
            match model::ask(conn, &actor, &store, &period) {
                Ok(()) => Ok(Ok(())),
                Err(refusal @ AskError::Running) => Ok(Err(refusal)),
                Err(AskError::Database(error)) => Err(error),
            }
        })
        .await?;
    if let Err(refusal) = asked {
        let errors = FormErrors::one("", refusal.to_string());
        return rejected(&shown(&db, page, store_id, form, errors).await?);
    }
    page.done(text::STARTED)?;
    Ok(see_other(&urls::backfills(store_id)))
}
