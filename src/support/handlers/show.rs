use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::QueryResult;
use serde::Deserialize;

use crate::clock;
use crate::db::{Db, Scope};
use crate::error::AppResult;
use crate::support::merchant::{MerchantState, recent_acts};
use crate::web::form::FormErrors;
use crate::web::ok;
use crate::web::page::PersonPage;
use crate::web::paginate::count_label;
use crate::web::when::When;

/// How many acts of support staff the page shows.
const ACTS: i64 = 10;

/// A switch with the reason for it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct FeatureForm {
    /// Whether it is to be on.
    pub enabled: bool,
    /// Why.
    pub reason: String,
}

#[derive(Template)]
#[template(path = "support/merchant.html")]
pub(super) struct MerchantPage {
    page: PersonPage,
    state: MerchantState,
    acts: Vec<(DateTime<Utc>, String, String)>,
    pub(super) form: FeatureForm,
    /// The affiliate to look at the program as, as typed.
    pub(super) affiliate: String,
    pub(super) errors: FormErrors,
}

impl MerchantPage {
    pub(super) async fn read(db: &Db, page: PersonPage, merchant_id: i64) -> AppResult<Self> {
        let now = clock::now();
        let (state, acts) = db
            .run(Scope::Support, move |conn| {
                let state = MerchantState::read(conn, merchant_id, now)?;
                QueryResult::Ok((state, recent_acts(conn, merchant_id, ACTS)?))
            })
            .await?;
        Ok(Self {
            page,
            state,
            acts,
            form: FeatureForm::default(),
            affiliate: String::new(),
            errors: FormErrors::new(),
        })
    }

    /// Staff look at many programs at once: one zone for all.
    fn when(at: &DateTime<Utc>) -> When {
        When::new(*at, Tz::UTC)
    }

    fn count(&self, of: usize) -> String {
        self.state.counts[of].to_string()
    }

    fn feature_url(&self) -> String {
        format!("/support/merchants/{}/coupon-exclusions", self.state.merchant.id)
    }

    fn views_url(&self) -> String {
        format!("/support/merchants/{}/views", self.state.merchant.id)
    }

    fn sign_out_url(&self, user_id: &i64) -> String {
        format!("/support/merchants/{}/people/{user_id}/sign-out", self.state.merchant.id)
    }

    /// What waits, where anything does: how many, and of what.
    fn waiting(&self) -> Vec<(String, &'static str)> {
        let waiting = &self.state.waiting;
        [
            (waiting.deliveries, "failed deliveries"),
            (waiting.pushes, "codes that failed in a store"),
            (waiting.parked, "pieces of background work that were given up"),
            (waiting.affiliates, "affiliates to be looked at"),
            (waiting.conversions, "conversions to be looked at"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, of)| (count_label(count), of))
        .collect()
    }
}

/// `GET /support/merchants/{id}`
pub async fn show(
    db: Data<Db>,
    page: PersonPage,
    merchant_id: Path<i64>,
) -> AppResult<HttpResponse> {
    ok(&MerchantPage::read(&db, page, *merchant_id).await?)
}
