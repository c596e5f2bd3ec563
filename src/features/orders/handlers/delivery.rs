use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use vouch_core::TextEnum;
use vouch_core::delivery::DeliveryOutcome;

use crate::features::auth::pages::MerchantPage;
use crate::features::ingest::intake::IngestOutcome;
use crate::features::ingest::replay::{self, ReplayError};
use crate::features::orders::deliveries::{self, Delivery};
use crate::features::orders::explain::DeliveryHead;
use crate::features::orders::list;
use crate::features::orders::text;
use crate::kit::db::Db;
use crate::kit::error::{AppError, AppResult};
use crate::kit::lists::{ListPage, Params};
use crate::kit::pseudonyms::Pseudonyms;
use crate::kit::secrets::Encryptor;
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::ok;
use crate::kit::web::see_other;

/// How many failed deliveries one request retries. Each has its own transaction.
const AT_ONCE: i64 = 200;
/// The maximum length of a body on the page.
const SHOWN_CHARACTERS: usize = 200_000;

struct DeliveryList {
    page: ListPage<DeliveryHead>,
    outcome: Option<DeliveryOutcome>,
    stores: Vec<(i64, String)>,
    orders: HashMap<i64, String>,
}

impl DeliveryList {
    fn is_failed(&self) -> bool {
        self.outcome == Some(DeliveryOutcome::Failed)
    }

    fn store(&self, id: &i64) -> &str {
        self.stores.iter().find(|store| store.0 == *id).map_or("", |store| &store.1)
    }
}

#[derive(Template)]
#[template(path = "deliveries/index.html")]
struct IndexPage {
    page: MerchantPage,
    list: DeliveryList,
}

impl IndexPage {
    fn url(&self, delivery: &DeliveryHead) -> String {
        urls::delivery(delivery.id)
    }

    /// The name and URL of the delivery's order.
    fn order(&self, delivery: &DeliveryHead) -> Option<(&str, String)> {
        let id = delivery.order_id?;
        Some((self.list.orders.get(&id)?.as_str(), urls::order(id)))
    }

    fn when(&self, delivery: &DeliveryHead) -> DisplayTime {
        DisplayTime::new(delivery.received_at, self.page.merchant().calendar())
    }

    fn topic<'a>(&self, topic: &'a str) -> &'a str {
        text::topic(topic)
    }
}

/// `GET /deliveries`
pub(crate) async fn deliveries(
    db: Data<Db>,
    page: MerchantPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let mut address = params.into_inner().at(urls::deliveries());
    let (outcome, range) = (address.choice("outcome", "Status"), address.page(deliveries::NEWEST));
    let merchant_id = page.merchant_id();
    let (listing, count, stores, orders) = db
        .merchant(merchant_id, move |conn| {
            let (listing, count) = deliveries::page(conn, merchant_id, outcome, &range)?;
            let stores = list::stores_of(conn, merchant_id)?;
            let order_ids = listing.rows.iter().filter_map(|row| row.order_id).collect();
            let orders = list::titles_of(conn, merchant_id, order_ids)?;
            diesel::QueryResult::Ok((listing, count, stores, orders))
        })
        .await?;
    let list = ListPage::new(address, listing, Some(count));
    ok(&IndexPage { page, list: DeliveryList { page: list, outcome, stores, orders } })
}

#[derive(Template)]
#[template(path = "deliveries/show.html")]
struct DeliveryPage {
    page: MerchantPage,
    found: Delivery,
}

impl DeliveryPage {
    fn when(&self) -> DisplayTime {
        DisplayTime::new(self.found.head.received_at, self.page.merchant().calendar())
    }

    fn sent(&self) -> Option<DisplayTime> {
        self.found.sent_at.map(|at| DisplayTime::new(at, self.page.merchant().calendar()))
    }

    fn reported(&self) -> Option<DisplayTime> {
        self.found.reported_at.map(|at| DisplayTime::new(at, self.page.merchant().calendar()))
    }

    fn clamped(&self) -> String {
        text::clamped(&self.found.clamped)
    }

    fn replayed(&self) -> Option<DisplayTime> {
        self.found.head.replayed_at.map(|at| DisplayTime::new(at, self.page.merchant().calendar()))
    }

    /// When it's retried.
    fn retry(&self) -> Option<DisplayTime> {
        let at = self.found.failure.as_ref()?.retry_at?;
        Some(DisplayTime::new(at, self.page.merchant().calendar()))
    }

    /// Whether it can only be processed by a replay or another version of Vouch.
    fn needs_attention(&self) -> bool {
        self.found.head.outcome == DeliveryOutcome::Failed && self.retry().is_none()
    }

    fn replay_url(&self) -> String {
        format!("{}/replay", urls::delivery(self.found.head.id))
    }

    fn order_url(&self) -> Option<String> {
        self.found.head.order_id.map(urls::order)
    }

    fn topic(&self) -> &str {
        text::topic(&self.found.head.topic)
    }

    /// The readable body: formatted JSON, or the original text.
    fn body(&self) -> Option<String> {
        let body = self.found.body.as_deref()?;
        let text = match serde_json::from_slice::<&serde_json::value::RawValue>(body) {
            // Formatted without parsing numbers, which would round large IDs.
            Ok(json) => set_out(json.get()),
            Err(_) => String::from_utf8_lossy(body).into_owned(),
        };
        Some(text.chars().take(SHOWN_CHARACTERS).collect())
    }
}

/// Formats JSON with a line for each member. Every token stays as it was sent.
fn set_out(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let line = |text: &mut String, depth: usize| {
        text.push('\n');
        text.extend(std::iter::repeat_n("  ", depth));
    };
    let mut characters = json.chars().filter(|c| *c != '\r').peekable();
    while let Some(c) = characters.next() {
        if in_string {
            text.push(c);
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            ' ' | '\n' | '\t' => {}
            '{' | '[' => {
                text.push(c);
                while characters.next_if(|c| c.is_ascii_whitespace()).is_some() {}
                if characters.peek().is_some_and(|next| matches!(next, '}' | ']')) {
                    text.extend(characters.next());
                } else {
                    depth += 1;
                    line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut text, depth);
                text.push(c);
            }
            ',' => {
                text.push(c);
                line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            other => {
                in_string = other == '"';
                text.push(other);
            }
        }
    }
    text
}

/// `GET /deliveries/{delivery_id}`: only for members who may also act on it, because it contains
/// customer data.
pub(crate) async fn delivery(
    db: Data<Db>,
    page: MerchantPage,
    delivery_id: Path<i64>,
) -> AppResult<HttpResponse> {
    let merchant_id = page.merchant_id();
    let found = db
        .merchant(merchant_id, move |conn| Delivery::find(conn, merchant_id, *delivery_id))
        .await?;
    ok(&DeliveryPage { page, found })
}

/// `POST /deliveries/{delivery_id}/replay`
pub(crate) async fn replay(
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    page: MerchantPage,
    delivery_id: Path<i64>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let delivery_id = *delivery_id;
    match replay_one(&db, &encryptor, &page, delivery_id).await? {
        Ok(outcome) => match text::retried(&outcome) {
            Some(text) => page.done(text)?,
            None => page.leave(FlashKind::Warning, text::retry_failed(""))?,
        },
        Err(reason) => page.leave(FlashKind::Warning, text::retry_failed(&reason))?,
    }
    Ok(see_other(&urls::delivery(delivery_id)))
}

/// The result, or why it failed again.
async fn replay_one(
    db: &Data<Db>,
    encryptor: &Encryptor,
    page: &MerchantPage,
    delivery_id: i64,
) -> AppResult<Result<IngestOutcome, String>> {
    let (actor, pseudonyms) = (page.actor(), Pseudonyms::new(encryptor));
    db.merchant(actor.merchant_id, move |conn| {
        match replay::replay(conn, &actor, &pseudonyms, delivery_id) {
            Ok(outcome) => Ok(Ok(outcome)),
            Err(ReplayError::Database(error)) => Err(error),
            Err(refusal) => Ok(Err(refusal.to_string())),
        }
    })
    .await
}

/// `POST /deliveries/replay`: all failed deliveries, the oldest first. Each has its own
/// transaction, so one that fails doesn't block the others.
pub(crate) async fn replay_all(
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    page: MerchantPage,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let merchant_id = page.merchant_id();
    let ids = db
        .merchant(merchant_id, move |conn| deliveries::failed(conn, merchant_id, AT_ONCE))
        .await?;
    let is_all = i64::try_from(ids.len()).is_ok_and(|count| count < AT_ONCE);
    let (mut processed, mut failed) = (0, 0);
    for id in ids {
        match replay_one(&db, &encryptor, &page, id).await {
            Ok(Ok(outcome)) if text::retried(&outcome).is_some() => processed += 1,
            Ok(_) => failed += 1,
            Err(AppError::Unavailable) => return Err(AppError::Unavailable),
            Err(error) => {
                tracing::error!(delivery_id = id, %error, "delivery_retry_failed");
                failed += 1;
            }
        }
    }
    let kind = if failed == 0 { FlashKind::Success } else { FlashKind::Warning };
    page.leave(kind, text::all_retried(processed, failed, is_all))?;
    Ok(see_other(&urls::failed_deliveries()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_set_out_without_a_token_being_changed() {
        let json = r#"{"id": 820982911946154508,"name":"a \"b\", {c}\\","none":[],"list":[1.10,{"x":null}]}"#;
        let expected = "{\n  \"id\": 820982911946154508,\n  \"name\": \"a \\\"b\\\", {c}\\\\\",\n  \
             \"none\": [],\n  \"list\": [\n    1.10,\n    {\n      \"x\": null\n    }\n  ]\n}";
        assert_eq!(set_out(json), expected);
    }
}
