use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono::{DateTime, Utc};
use vouch_core::attribution::{
    CandidateOutcome, CandidateResult, Credit, LineCommission, Unqualified,
};
use vouch_core::calendar::Calendar;
use vouch_core::code::decoded;
use vouch_core::conversion::UnqualifiedReason;
use vouch_core::money::{Currency, format_money};
use vouch_core::order::amounts::given_back;
use vouch_core::order::snapshot::{OrderSnapshot, ReportedRefund};

use crate::features::auth::pages::MerchantPage;
use crate::features::conversions::list::{ConversionRow, denied_affiliates};
use crate::features::conversions::{ConversionStatus, DenialReason};
use crate::features::ingest::refund_reads::{self, ReadProblem};
use crate::features::orders::explain::{Explanation, LedgerLine};
use crate::features::orders::text::{self, NotCredited};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::{ok, see_other};

/// Why a refund is spread over the order, although the store knows which lines were refunded.
enum RefundLinesNote {
    /// The store can't be called.
    NoAccess,
    Reading,
    Retrying(ReadProblem),
    /// It isn't retried before the order is reported again.
    Failed(ReadProblem),
}

#[derive(Template)]
#[template(path = "orders/show.html")]
struct OrderPage {
    page: MerchantPage,
    found: Explanation,
}

impl OrderPage {
    fn calendar(&self) -> Calendar {
        self.page.merchant().calendar()
    }

    fn title(&self) -> String {
        self.found.order.title()
    }

    fn page_title(&self) -> String {
        self.found.order.full_title()
    }

    fn when(&self, at: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.calendar())
    }

    fn report(&self) -> Option<&OrderSnapshot> {
        self.found.state.report.as_ref()
    }

    fn currency(&self) -> Currency {
        self.report().map_or(Currency::USD, |report| report.currency)
    }

    fn money(&self, minor: &i64) -> String {
        format_money(*minor, self.currency())
    }

    fn money_of(&self, row: &ConversionRow) -> String {
        format_money(row.conversion.commission_minor, row.conversion.currency)
    }

    /// The difference between the store's clock and Vouch's, if it mattered.
    fn clock_note(&self) -> Option<String> {
        let shift = self.found.clock_shift;
        (shift != 0).then(|| text::clock_note(&self.found.store, shift))
    }

    /// Who is credited and why, or why no one is.
    fn sentences(&self) -> Vec<String> {
        self.found.attribution.sentences(self.calendar(), &self.denied())
    }

    fn denied(&self) -> Vec<i64> {
        denied_affiliates(&self.found.conversions)
    }

    fn is_denied(&self, affiliate_id: &i64) -> bool {
        self.denied().contains(affiliate_id)
    }

    /// Why no one is credited.
    fn not_credited(&self) -> Option<NotCredited> {
        let has_credits = !self.found.attribution.credits.is_empty();
        (!has_credits).then(|| NotCredited::of(&self.found.attribution))
    }

    /// The rule that a member overrode for this affiliate.
    fn overridden(&self, row: &ConversionRow) -> Option<UnqualifiedReason> {
        let affiliate_id = row.conversion.affiliate_id;
        let credits = &self.found.attribution.credits;
        let own = credits.iter().find(|credit| credit.affiliate.id == affiliate_id)?;
        own.overruled.map(Unqualified::code)
    }

    /// Members' notes on their reviews.
    fn notes(&self, row: &ConversionRow) -> Vec<String> {
        let one = &row.conversion;
        let (at, calendar) = (one.reviewed_at, self.calendar());
        let own = one.reviewed_by.as_ref().zip(at).map(|(by, at)| (by, at, &one.review_note));
        let fraud = self.found.fraud.as_ref().map(|fraud| (&fraud.by, fraud.at, &fraud.note));
        let said = own.into_iter().chain(fraud);
        let noted = said.filter(|(.., note)| !note.is_empty());
        noted
            .map(|(by, at, note)| format!("{by}, {}: {note}", DisplayTime::new(at, calendar).text))
            .collect()
    }

    fn outcome(&self, outcome: &CandidateOutcome) -> String {
        outcome.sentence(self.calendar(), &self.denied())
    }

    fn has_won(&self, outcome: &CandidateOutcome) -> bool {
        matches!(outcome.result, CandidateResult::Won | CandidateResult::Royalty)
    }

    fn is_credited(&self, outcome: &CandidateOutcome) -> bool {
        self.has_won(outcome) && !self.is_denied(&outcome.affiliate.id)
    }

    /// How the line's commission is calculated.
    fn line(&self, line: &LineCommission, credit: &Credit) -> String {
        line.sentence(credit.rate, self.currency())
    }

    fn would_be(&self, credit: &Credit) -> String {
        format_money(credit.would_be.total(), self.currency())
    }

    fn earns(&self, credit: &Credit) -> String {
        format_money(credit.commission.total(), self.currency())
    }

    /// The ledger of one conversion: each entry with its amount and the balance after it.
    fn ledger(&self, row: &ConversionRow) -> Vec<(&LedgerLine, String, String)> {
        let of_conversion =
            self.found.ledger.iter().filter(|line| line.conversion_id == row.conversion.id);
        of_conversion.map(|line| (line, line.amount(), line.balance())).collect()
    }

    fn topic<'a>(&self, topic: &'a str) -> &'a str {
        text::topic(topic)
    }

    fn delivery_url(&self, id: &i64) -> String {
        urls::delivery(*id)
    }

    /// The refunded amount, including tax and shipping.
    fn refunded(&self, refund: &ReportedRefund) -> String {
        let minor = self.report().map_or(0, |report| given_back(report, refund));
        format_money(minor, self.currency())
    }

    fn refunds(&self) -> Vec<Cow<'_, ReportedRefund>> {
        self.found.state.refunds()
    }

    /// Why it isn't known which lines were refunded; `None` if it is.
    fn refund_lines(&self) -> Option<RefundLinesNote> {
        let read = self.found.refund_read.as_ref()?;
        Some(match (self.found.can_read_store, read.has_failed, read.problem) {
            (false, ..) => RefundLinesNote::NoAccess,
            (true, false, None) => RefundLinesNote::Reading,
            (true, false, Some(problem)) => RefundLinesNote::Retrying(problem),
            (true, true, problem) => {
                RefundLinesNote::Failed(problem.unwrap_or(ReadProblem::NoAnswer))
            }
        })
    }

    /// The URL to add a trigger for a code that the store already has, since the order contains it.
    fn new_trigger_url(&self, code: &str) -> String {
        let query = [("coupon_code", &*decoded(code)), ("only_in_vouch", "true")];
        urls::with_query(&urls::new_trigger(), &query)
    }

    fn affiliate_url(&self, id: &i64) -> String {
        urls::affiliate_conversions(*id)
    }

    fn trigger_url(&self, id: &i64) -> String {
        urls::trigger(*id)
    }

    fn here(&self) -> String {
        urls::order(self.found.order.id)
    }

    fn removal_url(&self) -> String {
        urls::manual_credit_removal(self.found.order.id)
    }

    fn refund_reads_url(&self) -> String {
        urls::refund_reads(self.found.order.id)
    }

    fn is_manual(&self) -> bool {
        self.found.manual_affiliate_id.is_some()
    }
}

/// `GET /orders/{order_id}`
pub(crate) async fn show(
    db: Data<Db>,
    page: MerchantPage,
    order_id: Path<i64>,
) -> AppResult<HttpResponse> {
    let merchant_id = page.merchant_id();
    let found = db
        .merchant(merchant_id, move |conn| Explanation::load(conn, merchant_id, *order_id))
        .await?;
    ok(&OrderPage { page, found })
}

/// `POST /orders/{order_id}/refund-reads`: retries a failed import of the refunded lines.
pub(crate) async fn read_refunds(
    db: Data<Db>,
    page: MerchantPage,
    order_id: Path<i64>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (merchant_id, now, order_id) = (page.merchant_id(), page.actor().now, *order_id);
    db.merchant(merchant_id, move |conn| refund_reads::retry(conn, merchant_id, order_id, now))
        .await?;
    page.done(text::REFUNDS_REQUESTED)?;
    Ok(see_other(&urls::order(order_id)))
}
