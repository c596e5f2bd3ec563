use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::QueryResult;
use serde::Deserialize;

use crate::features::accounts::{InstanceEntry, of_subject};
use crate::features::audit::AuditEntry;
use crate::features::auth::pages::PersonPage;
use crate::features::support::merchant::{MerchantState, recent_acts};
use crate::features::support::stores::{Failures, StoreState};
use crate::features::support::text;
use crate::features::team::InvitationRow;
use crate::kit::clock;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::form::FormErrors;
use crate::kit::web::{ok, rejected};
use vouch_core::calendar::Calendar;

/// How many support actions the page shows.
const RECENT_EVENTS: i64 = 10;

/// A feature's state and the reason for it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct FeatureForm {
    /// Whether the feature is enabled. It has no default, so a form without it is rejected and
    /// disables nothing.
    pub(crate) enabled: bool,
    #[serde(default)]
    pub(crate) reason: String,
}

/// The reason for an action.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReasonForm {
    /// Written by support staff.
    pub(crate) reason: String,
}

#[derive(Template)]
#[template(path = "support/merchant.html")]
pub(super) struct SupportMerchantPage {
    page: PersonPage,
    state: MerchantState,
    now: DateTime<Utc>,
    acts: Vec<SupportAct>,
    /// The changes of its access, newest first.
    access_log: Vec<InstanceEntry>,
    pub(super) form: FeatureForm,
    /// The affiliate that the action is for, as typed.
    affiliate: String,
    pub(super) errors: FormErrors,
}

impl SupportMerchantPage {
    pub(super) async fn read(db: &Db, page: PersonPage, merchant_id: i64) -> AppResult<Self> {
        let now = clock::now();
        let (state, acts, access_log) = db
            .run(Scope::Support, move |conn| {
                let state = MerchantState::read(conn, merchant_id, now)?;
                let access_log = of_subject(conn, "merchant", merchant_id, RECENT_EVENTS)?;
                let acts = recent_acts(conn, merchant_id, RECENT_EVENTS)?;
                QueryResult::Ok((state, with_access(acts, &access_log), access_log))
            })
            .await?;
        Ok(Self {
            page,
            state,
            now,
            acts,
            access_log,
            form: FeatureForm::default(),
            affiliate: String::new(),
            errors: FormErrors::new(),
        })
    }

    /// In UTC, because staff look at many programs at once.
    fn count(&self, of: usize) -> String {
        self.state.counts[of].to_string()
    }

    /// Why it was closed, from the instance log.
    fn closing_reason(&self) -> &str {
        let closing = self.access_log.iter().find(|entry| entry.is_closing());
        closing.map(InstanceEntry::reason).unwrap_or_default()
    }

    /// The typed reason in the form of Coupon Exclusions. The page has two reasons.
    fn exclusions_reason(&self) -> &str {
        if self.errors.of("reason").is_empty() { "" } else { &self.form.reason }
    }

    fn feature_url(&self) -> String {
        format!("/support/merchants/{}/coupon-exclusions", self.state.merchant.id)
    }

    fn views_url(&self) -> String {
        format!("/support/merchants/{}/views", self.state.merchant.id)
    }

    fn affiliate_sign_outs_url(&self) -> String {
        format!("/support/merchants/{}/affiliate-sign-outs", self.state.merchant.id)
    }

    fn sign_out_url(&self, user_id: &i64) -> String {
        format!("/support/merchants/{}/people/{user_id}/sign-out", self.state.merchant.id)
    }

    fn resend_url(&self, invitation_id: &i64) -> String {
        let id = self.state.merchant.id;
        format!("/support/merchants/{id}/invitations/{invitation_id}/sending")
    }

    /// When the invitation's link expires, if it's still valid.
    fn works_until(&self, invitation: &InvitationRow) -> Option<DisplayTime> {
        invitation
            .expires_at
            .filter(|until| *until > self.now)
            .map(|until| DisplayTime::utc(&until))
    }

    /// The failures of a store by kind, with their count and the newest ones.
    fn failures(store: &StoreState) -> [(String, &Failures); 2] {
        let StoreState { deliveries, pushes, .. } = store;
        [
            (deliveries.count.words("failed webhook", "failed webhooks"), deliveries),
            (pushes.count.words("code not created", "codes not created"), pushes),
        ]
    }

    /// The nonzero counts of pending items, in words.
    fn waiting(&self) -> Vec<String> {
        let waiting = &self.state.waiting;
        [
            (waiting.deliveries, "failed webhook", "failed webhooks"),
            (waiting.pushes, "code not created", "codes not created"),
            (waiting.recalculations, "failed recalculation", "failed recalculations"),
            (waiting.affiliates, "affiliate to review", "affiliates to review"),
            (waiting.conversions, "conversion to review", "conversions to review"),
        ]
        .into_iter()
        .filter(|(count, ..)| !count.is_zero())
        .map(|(count, one, many)| count.words(one, many))
        .collect()
    }
}

/// The time, the actor and the event.
type SupportAct = (DateTime<Utc>, String, String);

/// Merges support actions in the merchant's audit log with those in the instance log, newest first.
fn with_access(entries: Vec<AuditEntry>, access_log: &[InstanceEntry]) -> Vec<SupportAct> {
    let acts = entries.into_iter().map(|entry| {
        let text = entry.text(Calendar::UTC);
        (entry.at, entry.actor_name, text)
    });
    let mut acts: Vec<SupportAct> = acts.collect();
    acts.extend(access_log.iter().map(|entry| (entry.at, entry.actor_name.clone(), entry.text())));
    acts.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    acts.truncate(usize::try_from(RECENT_EVENTS).unwrap_or_default());
    acts
}

/// `GET /support/merchants/{merchant_id}`
pub(crate) async fn show(
    db: Data<Db>,
    page: PersonPage,
    merchant_id: Path<i64>,
) -> AppResult<HttpResponse> {
    ok(&SupportMerchantPage::read(&db, page, *merchant_id).await?)
}

/// Shows the page again, because no one who can sign in has that ID or email.
pub(super) async fn no_such_affiliate(
    db: &Db,
    page: PersonPage,
    merchant_id: i64,
    typed: String,
) -> AppResult<HttpResponse> {
    let mut shown = SupportMerchantPage::read(db, page, merchant_id).await?;
    shown.errors = FormErrors::one("affiliate", text::NO_AFFILIATE);
    shown.affiliate = typed;
    rejected(&shown)
}

/// Shows the page again, because an action isn't possible in the current state. `field` is the
/// input that requested it.
pub(super) async fn impossible(
    db: &Db,
    page: PersonPage,
    merchant_id: i64,
    field: &str,
    why: impl Into<String>,
) -> AppResult<HttpResponse> {
    let mut shown = SupportMerchantPage::read(db, page, merchant_id).await?;
    shown.errors = FormErrors::one(field, why);
    rejected(&shown)
}
