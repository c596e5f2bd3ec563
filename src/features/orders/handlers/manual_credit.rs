use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use diesel::prelude::*;
use serde::Deserialize;
use vouch_core::money::{Currency, format_money, parse_decimal};

use crate::features::affiliates::{Affiliate, Frame, FrameItem};
use crate::features::auth::Merchant;
use crate::features::auth::pages::MerchantPage;
use crate::features::conversions::ConversionStatus;
use crate::features::conversions::change::NOTE_LENGTH;
use crate::features::conversions::list::ConversionRow;
use crate::features::conversions::manual::{self, Amount, CreditOrderError};
use crate::features::conversions::text::adjusted;
use crate::features::orders::explain::Explanation;
use crate::features::orders::list::{self, OrderFilter, OrderListRow};
use crate::features::orders::preview::preview;
use crate::features::orders::text;
use crate::kit::audit::Actor;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::Range;
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors, Nothing};
use crate::kit::web::one_time::{MoneyForm, OneTimeKey, OneTimeOutcome};
use crate::kit::web::{ok, rejected, see_other};

/// How many orders are offered to choose from.
const OFFERED: usize = 10;

/// The search text and the chosen order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OrderQuery {
    order_q: String,
    order: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AmountForm {
    one_time_key: OneTimeKey,
    amount: String,
    currency: String,
    note: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OrderForm {
    one_time_key: OneTimeKey,
    order: i64,
    note: String,
}

/// The preview of crediting the chosen order, or why it can't be credited.
enum Chosen {
    None,
    Possible(Box<Explanation>),
    Already(Box<Explanation>, Box<ConversionRow>, String),
    Impossible(String),
}

#[derive(Template)]
#[template(path = "conversions/manual_credit.html")]
struct ManualCreditPage {
    page: MerchantPage,
    frame: Frame,
    query: OrderQuery,
    offered: Vec<OrderListRow>,
    chosen: Chosen,
    order_key: OneTimeKey,
    form: AmountForm,
    errors: FormErrors,
}

impl ManualCreditPage {
    fn url(&self) -> String {
        urls::affiliate_manual_credit(self.frame.affiliate.id)
    }

    fn choose_url(&self, row: &OrderListRow) -> String {
        let order = row.order.id.to_string();
        let query = [("order_q", self.query.order_q.trim()), ("order", &order)];
        urls::with_query(&self.url(), &query) + "#order"
    }

    fn order_url(&self, found: &Explanation) -> String {
        urls::order(found.order.id)
    }

    fn order_name(&self, found: &Explanation) -> String {
        found.order.full_title()
    }

    fn placed(&self, row: &OrderListRow) -> DisplayTime {
        DisplayTime::new(row.order.placed_at.unwrap_or_default(), self.page.merchant().calendar())
    }

    fn total(&self, row: &OrderListRow) -> String {
        let total = row.order.currency.zip(row.order.total_minor);
        total.map_or_else(String::new, |(currency, minor)| format_money(minor, currency))
    }

    /// The affiliates that an offered order is credited to.
    fn holder(&self, row: &OrderListRow) -> String {
        let counted = row.conversions.iter().filter(|one| one.conversion.status.counts());
        let names: Vec<&str> = counted.map(|one| one.affiliate.as_str()).collect();
        if names.is_empty() { text::NOT_CREDITED.to_owned() } else { names.join(", ") }
    }

    fn holder_url(&self, row: &ConversionRow) -> String {
        urls::affiliate_conversions(row.conversion.affiliate_id)
    }

    /// Explains the attribution in the preview.
    fn sentences(&self, found: &Explanation) -> Vec<String> {
        found.attribution.sentences(self.page.merchant().calendar(), &[])
    }
}

/// The page's data besides the amount form.
struct Surroundings {
    frame: Frame,
    offered: Vec<OrderListRow>,
    chosen: Chosen,
}

fn surroundings(
    conn: &mut PgConnection,
    merchant: &Merchant,
    actor: &Actor,
    affiliate_id: i64,
    query: &OrderQuery,
) -> QueryResult<Surroundings> {
    let item = FrameItem::ManualCredit;
    let frame = Frame::load(conn, merchant, actor.now, affiliate_id, item)?;
    let q = query.order_q.trim();
    let offered = if q.is_empty() {
        Vec::new()
    } else {
        let filter = OrderFilter { q: q.chars().take(254).collect(), ..OrderFilter::default() };
        let (stores, range) =
            (list::stores_of(conn, merchant.id)?, Range::first(list::NEWEST, OFFERED));
        list::rows(conn, merchant.id, &filter, &stores, &range)?.rows
    };
    let chosen = match query.order.parse() {
        Ok(order_id) => chosen(conn, actor, affiliate_id, order_id)?,
        Err(_) => Chosen::None,
    };
    Ok(Surroundings { frame, offered, chosen })
}

fn chosen(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    order_id: i64,
) -> QueryResult<Chosen> {
    Ok(match preview(conn, actor, affiliate_id, order_id) {
        Ok(found) => Chosen::Possible(Box::new(found)),
        Err(CreditOrderError::Database(error)) => return Err(error),
        Err(refusal @ (CreditOrderError::NotReported | CreditOrderError::Fraud(_))) => {
            Chosen::Impossible(refusal.to_string())
        }
        Err(refusal) => {
            let reason = refusal.to_string();
            let (CreditOrderError::Already(row) | CreditOrderError::DeniedBefore(row)) = refusal
            else {
                return Ok(Chosen::Impossible(reason));
            };
            let found = Explanation::load(conn, actor.merchant_id, order_id)?;
            Chosen::Already(Box::new(found), row, reason)
        }
    })
}

/// `GET /affiliates/{affiliate_id}/manual-credit`
pub(crate) async fn manual_credit(
    db: Data<Db>,
    page: MerchantPage,
    affiliate_id: Path<i64>,
    query: Query<OrderQuery>,
) -> AppResult<HttpResponse> {
    let form = AmountForm {
        one_time_key: OneTimeKey::random(),
        currency: page.merchant().currency.code().to_owned(),
        ..AmountForm::default()
    };
    let shown = show(&db, page, *affiliate_id, query.into_inner(), form, FormErrors::new()).await?;
    ok(&shown)
}

async fn show(
    db: &Data<Db>,
    page: MerchantPage,
    affiliate_id: i64,
    query: OrderQuery,
    form: AmountForm,
    errors: FormErrors,
) -> AppResult<ManualCreditPage> {
    let (merchant, actor, asked) = (page.merchant().clone(), page.actor(), query.clone());
    let Surroundings { frame, offered, chosen } = db
        .merchant(merchant.id, move |conn| {
            surroundings(conn, &merchant, &actor, affiliate_id, &asked)
        })
        .await?;
    let order_key = OneTimeKey::random();
    Ok(ManualCreditPage { page, frame, query, offered, chosen, order_key, form, errors })
}

/// `POST /affiliates/{affiliate_id}/manual-credit/orders`
pub(crate) async fn credit_order(
    db: Data<Db>,
    page: MerchantPage,
    affiliate_id: Path<i64>,
    CsrfForm(form): CsrfForm<OrderForm>,
) -> AppResult<HttpResponse> {
    let affiliate_id = *affiliate_id;
    let (actor, order_id) = (page.actor(), form.order);
    let note: String = form.note.trim().chars().take(NOTE_LENGTH).collect();
    let page_url = urls::affiliate_manual_credit(affiliate_id);
    let back = urls::with_query(&page_url, &[("order", &order_id.to_string())]);
    let key = form.one_time_key;
    if !key.is_valid() {
        let merchant_id = actor.merchant_id;
        db.merchant(merchant_id, move |conn| Affiliate::find(conn, merchant_id, affiliate_id))
            .await?;
        page.leave(FlashKind::Warning, text::RELOAD_FORM)?;
        return Ok(see_other(&back));
    }
    let outcome = db
        .merchant(actor.merchant_id, move |conn| {
            let once =
                key.once(conn, actor.merchant_id, MoneyForm::OrderCredit, actor.now, |conn| {
                    let credited =
                        manual::credit_order(conn, &actor, affiliate_id, order_id, &note)?;
                    Ok((order_id, credited))
                });
            match once {
                Err(CreditOrderError::Database(error)) => Err(error),
                outcome => Ok(outcome),
            }
        })
        .await?;
    match outcome {
        Ok(OneTimeOutcome::Before(order_id)) => {
            page.leave(FlashKind::Info, text::ORDER_CREDITED_BEFORE)?;
            Ok(see_other(&urls::order(order_id)))
        }
        Ok(OneTimeOutcome::Done(credited)) => {
            let undo = urls::manual_credit_removal(order_id);
            let words = text::order_credited(credited.order.as_deref(), &credited.affiliate);
            page.done_undoable(words, undo)?;
            Ok(see_other(&urls::order(order_id)))
        }
        Err(refusal) => {
            page.leave(FlashKind::Warning, refusal.to_string())?;
            Ok(see_other(&back))
        }
    }
}

/// `POST /orders/{order_id}/manual-credit/removal`
pub(crate) async fn remove_manual_credit(
    db: Data<Db>,
    page: MerchantPage,
    order_id: Path<i64>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (actor, order_id) = (page.actor(), *order_id);
    db.merchant(actor.merchant_id, move |conn| manual::remove(conn, &actor, order_id)).await?;
    page.done(text::CREDIT_REMOVED)?;
    Ok(see_other(&urls::order(order_id)))
}

/// `POST /affiliates/{affiliate_id}/manual-credit/amounts`
pub(crate) async fn give_amount(
    db: Data<Db>,
    page: MerchantPage,
    affiliate_id: Path<i64>,
    CsrfForm(mut form): CsrfForm<AmountForm>,
) -> AppResult<HttpResponse> {
    let affiliate_id = *affiliate_id;
    let (minor, currency) = match form.read() {
        Ok(amount) => amount,
        Err(errors) => {
            if !form.one_time_key.is_valid() {
                form.one_time_key = OneTimeKey::random();
            }
            let query = OrderQuery::default();
            return rejected(&show(&db, page, affiliate_id, query, form, errors).await?);
        }
    };
    let (actor, tz) = (page.actor(), page.merchant().tz());
    let (key, note) = (form.one_time_key, form.note.trim().to_owned());
    let outcome = db
        .merchant(actor.merchant_id, move |conn| {
            let amount = Amount { minor, currency, note: &note };
            key.once(conn, actor.merchant_id, MoneyForm::AmountCredit, actor.now, |conn| {
                let given = manual::give(conn, &actor, tz, affiliate_id, &amount)?;
                QueryResult::Ok((given.conversion_id, given))
            })
        })
        .await?;
    let back = urls::affiliate_conversions(affiliate_id);
    match outcome {
        OneTimeOutcome::Done(given) => page.done_undoable(
            adjusted(minor, currency),
            urls::conversion_change_undo(given.change_id, &back),
        )?,
        OneTimeOutcome::Before(_) => page.leave(FlashKind::Info, text::ADJUSTED_BEFORE)?,
    }
    Ok(see_other(&back))
}

/// The largest manual amount, in minor units. Larger ones are typing errors.
const MAX_MINOR: i64 = 100_000_000_000;

impl AmountForm {
    fn read(&self) -> Result<(i64, Currency), FormErrors> {
        let mut errors = FormErrors::new();
        if !self.one_time_key.is_valid() {
            errors.add("", text::RELOAD_FORM);
        }
        let currency = Currency::known(&self.currency);
        if currency.is_err() {
            errors.add("currency", text::UNKNOWN_CURRENCY);
        }
        let typed = self.amount.trim().replace('\u{2212}', "-");
        let typed = typed.strip_prefix('+').unwrap_or(&typed);
        let minor = parse_decimal(typed, currency.clone().unwrap_or(Currency::USD));
        match minor {
            Err(error) => errors.add("amount", text::amount_error(error)),
            Ok(0) => errors.add("amount", text::ZERO_AMOUNT),
            Ok(minor) if minor.abs() > MAX_MINOR => errors.add("amount", text::LARGE_AMOUNT),
            Ok(_) => {}
        }
        match self.note.trim().chars().count() {
            0 => errors.add("note", text::NO_REASON),
            1..=NOTE_LENGTH => {}
            _ => errors.add("note", text::long_reason()),
        }
        errors.into_result()?;
        match (minor, currency) {
            (Ok(minor), Ok(currency)) => Ok((minor, currency)),
            (Err(error), _) => Err(FormErrors::one("amount", text::amount_error(error))),
            (Ok(_), Err(_)) => Err(FormErrors::one("currency", text::UNKNOWN_CURRENCY)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(amount: &str, currency: &str, note: &str) -> AmountForm {
        AmountForm {
            one_time_key: OneTimeKey::random(),
            amount: amount.into(),
            currency: currency.into(),
            note: note.into(),
        }
    }

    #[test]
    fn an_amount_has_a_sign_a_currency_and_a_reason() {
        assert_eq!(form("-12.50", "usd", "Fee").read().unwrap(), (-1250, Currency::USD));
        assert_eq!(form("\u{2212}5", "EUR", "Fee").read().unwrap(), (-500, Currency::EUR));
        assert_eq!(form("+1.234", "KWD", "Bonus").read().unwrap(), (1234, Currency::KWD));
        let errors = form("1.234", "USD", " ").read().unwrap_err();
        assert_eq!(errors.of("amount").len(), 1);
        assert_eq!(errors.of("note").len(), 1);
        assert!(!form("0", "USD", "x").read().unwrap_err().of("amount").is_empty());
        assert!(!form("5", "XYZ", "x").read().unwrap_err().of("currency").is_empty());
    }
}
