use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono::{DateTime, Utc};
use vouch_core::attribution::{CandidateOutcome, CandidateResult, Credit, LineCommission};
use vouch_core::calendar::Calendar;
use vouch_core::code::decoded;
use vouch_core::money::{Currency, format_money};
use vouch_core::order::amounts::given_back;
use vouch_core::order::snapshot::{OrderSnapshot, ReportedRefund};

use super::words::topic_label;
use crate::features::auth::pages::MerchantPage;
use crate::features::conversions::list::ConversionRow;
use crate::features::conversions::{ConversionStatus, DenialReason};
use crate::features::ingest::refund_reads::{self, ReadProblem};
use crate::features::orders::explain::{Explanation, LedgerLine};
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
        let seconds = self.found.clock_shift;
        let direction = match seconds {
            0 => return None,
            1.. => "behind",
            _ => "ahead of",
        };
        let (seconds, store) = (seconds.unsigned_abs(), &self.found.store);
        let length = match (seconds / 60, seconds % 60) {
            (0, seconds) => format!("{seconds} seconds"),
            (minutes, 0) => format!("{minutes} minutes"),
            (minutes, seconds) => format!("{minutes} minutes {seconds} seconds"),
        };
        Some(format!(
            "The clock of {store} was {length} {direction} Vouch’s. The time the order was placed is by \
             Vouch’s clock."
        ))
    }

    /// Who is credited and why, or why no one is, followed by members' denials.
    fn sentences(&self) -> Vec<String> {
        let denied = |row: &&ConversionRow| row.conversion.status == ConversionStatus::Denied;
        let mut sentences = self.found.attribution.sentences(self.calendar());
        sentences.extend(self.found.conversions.iter().filter(denied).map(|row| {
            format!("A member denied the credit of {}: it does not count.", row.affiliate)
        }));
        sentences
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
        outcome.sentence(self.calendar())
    }

    fn has_won(&self, outcome: &CandidateOutcome) -> bool {
        matches!(outcome.result, CandidateResult::Won | CandidateResult::Royalty)
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
        topic_label(topic)
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
    page.done("We’re reading from the store what was refunded.")?;
    Ok(see_other(&urls::order(order_id)))
}
