use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::QueryResult;
use vouch_core::TextEnum;
use vouch_platforms::Reason;

use super::counted_form::CountedForm;
use super::words::DifferenceView;
use crate::features::auth::pages::MerchantPage;
use crate::features::code_syncs::{
    BY_CODE, CodeSync, CountedCodes, DifferenceFilter, DifferenceRow, Show, counted_codes,
    page as read_page,
};
use crate::features::stores::rules_in_words;
use crate::features::stores::{Store, jobs};
use crate::features::sync_notes::SyncStatus;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::jobs::last_problem;
use crate::kit::lists::{Count, ListPage, Listing, Params};
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::form::FormErrors;
use crate::kit::web::numbers::{counted, thousands};
use crate::kit::web::ok;

#[derive(Template)]
#[template(path = "code_syncs/index.html")]
pub(super) struct CodeSyncPage {
    page: MerchantPage,
    store: Store,
    running: Option<CodeSync>,
    shown: Option<CodeSync>,
    /// Why the last job run failed.
    problem: Option<String>,
    list: ListPage<DifferenceView>,
    /// The customer's discount with codes that are created now.
    gets: Option<String>,
    /// The store codes without a trigger that count, as typed.
    counted: CountedForm,
    errors: FormErrors,
}

impl CodeSyncPage {
    fn when(&self, at: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.page.merchant().calendar())
    }

    /// The label, the count, and the URL of the list filtered by it.
    fn totals(&self, shown: &CodeSync) -> Vec<(&'static str, String, String)> {
        let path = urls::code_sync(self.store.id);
        let figure = |status: &SyncStatus| {
            let href = urls::with_query(&path, &[("finding", status.as_str())]);
            (status.label(), thousands(shown.count(*status)), href)
        };
        SyncStatus::ALL.iter().map(figure).collect()
    }

    fn codes(count: &i64) -> String {
        counted(*count, "code", "codes")
    }

    /// Whether the running check is expected to progress.
    fn moves(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.problem().is_none())
            && self.store.has_credentials()
            && self.store.access_problem().is_none()
    }

    fn can_send_all(&self) -> bool {
        self.page.may_write()
            && self.store.creates_codes
            && self.list.rows.iter().any(|view| view.can_be_sent)
    }

    fn url(&self) -> String {
        urls::code_sync(self.store.id)
    }

    fn csv_url(&self) -> String {
        self.list.address.export_url(&urls::code_sync_csv(self.store.id))
    }

    fn repairs_url(&self) -> String {
        urls::code_sync_repairs(self.store.id)
    }

    fn counted_codes_url(&self) -> String {
        urls::counted_codes(self.store.id)
    }
}

struct PageData {
    store: Store,
    running: Option<CodeSync>,
    shown: Option<(CodeSync, Listing<DifferenceRow>, Count)>,
    problem: Option<String>,
    counted: CountedCodes,
}

/// The current page. `typed` contains rejected codes and the reasons.
pub(super) async fn shown(
    db: &Db,
    page: MerchantPage,
    store_id: i64,
    params: Params,
    typed: Option<(CountedForm, FormErrors)>,
) -> AppResult<CodeSyncPage> {
    let merchant_id = page.merchant_id();
    let mut address = params.at(urls::code_sync(store_id));
    let (filter, range) = (DifferenceFilter::read(&mut address), address.page(BY_CODE));
    let read = db
        .merchant(merchant_id, move |conn| -> QueryResult<PageData> {
            let store = Store::find_called(conn, merchant_id, store_id)?;
            let shown = match CodeSync::shown(conn, &store)? {
                Some(shown) => {
                    let (listing, count) = read_page(conn, &store, &shown, &filter, &range)?;
                    Some((shown, listing, count))
                }
                None => None,
            };
            Ok(PageData {
                running: CodeSync::unfinished(conn, &store)?,
                problem: last_problem::<Reason>(conn, &store.queue(jobs::CHECK_CODES))?,
                counted: counted_codes(conn, &store)?,
                shown,
                store,
            })
        })
        .await?;
    let PageData { store, running, shown, problem, counted } = read;
    let (counted, errors) = typed.unwrap_or_else(|| (CountedForm::of(&counted), FormErrors::new()));
    let (shown, listing, count) = match shown {
        Some((shown, listing, count)) => {
            let listing = listing.map(|row| DifferenceView::new(row, &store, &shown));
            (Some(shown), listing, count)
        }
        None => (None, Listing::empty(), Count::all(0)),
    };
    let list = ListPage::new(address, listing, Some(count));
    let gets = rules_in_words(&store);
    let page = page.under(store.settings_path());
    Ok(CodeSyncPage { page, store, running, shown, problem, list, gets, counted, errors })
}

/// `GET /settings/stores/{store_id}/code-sync`
pub(crate) async fn show(
    req: HttpRequest,
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let shown = shown(&db, page, *store_id, params.into_inner(), None).await?;
    let mut answer = ok(&shown)?;
    // The polling script requests the state. After the check's end, its results are new too, so the
    // whole page is replaced.
    let follows = req.headers().get("hx-target").is_some_and(|target| target == "state");
    if follows && shown.running.is_none() {
        for name in ["hx-retarget", "hx-reselect"] {
            let (name, whole) = (HeaderName::from_static(name), "#compared");
            answer.headers_mut().insert(name, HeaderValue::from_static(whole));
        }
    }
    Ok(answer)
}
