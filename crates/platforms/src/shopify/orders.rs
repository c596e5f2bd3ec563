//! Changed orders, each with all of its pages.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::admin::Admin;
use crate::{CallError, CursorPage, OrderMessage, TimeRange};

/// The topic of orders that Vouch imported, for `order::parse`.
const TOPIC: &str = "orders/read";
/// The maximum number of pages of lines in one order or refund.
const MAX_PAGES: usize = 100;

#[derive(Deserialize)]
struct Listed {
    orders: Nodes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Nodes {
    nodes: Vec<Changed>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    id: String,
    updated_at: DateTime<Utc>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl PageInfo {
    fn next(self) -> Option<String> {
        self.end_cursor.filter(|_| self.has_next_page)
    }
}

pub(super) fn page(
    admin: &mut Admin,
    period: &TimeRange,
    cursor: Option<&str>,
) -> Result<CursorPage<OrderMessage>, CallError> {
    let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    // Shopify compares whole seconds, so the last second is included to its end.
    let until = period.until + chrono::Duration::seconds(1);
    let query = format!("updated_at:>='{}' updated_at:<='{}'", text(period.from), text(until));
    let variables = json!({ "query": query, "after": cursor });
    let listed: Listed = admin.ask(document!("orders"), &variables)?;
    let mut rows = Vec::new();
    for changed in listed.orders.nodes {
        rows.extend(read(admin, &changed)?);
    }
    Ok(CursorPage { rows, next: listed.orders.page_info.next() })
}

/// One complete order; `None` if it was deleted meanwhile.
fn read(admin: &mut Admin, changed: &Changed) -> Result<Option<OrderMessage>, CallError> {
    let document = document!("order", "line", "money");
    let mut data: Value = admin.ask(document, &json!({ "id": changed.id }))?;
    let mut order = data["order"].take();
    if order.is_null() {
        return Ok(None);
    }
    let more = document!("more_lines", "line", "money");
    rest_of(admin, more, &changed.id, &mut order["lineItems"], |data| {
        data["order"]["lineItems"].take()
    })?;
    let refunds = order["refunds"].as_array().cloned().unwrap_or_default();
    let mut whole = Vec::with_capacity(refunds.len());
    for refund in refunds {
        whole.extend(read_refund(admin, refund["id"].as_str().unwrap_or_default())?);
    }
    order["refunds"] = Value::Array(whole);
    Ok(Some(OrderMessage {
        order_ref: changed.id.rsplit('/').next().unwrap_or_default().to_owned(),
        topic: TOPIC,
        // The time when it was read, because it can change after it was listed.
        changed_at: order["updatedAt"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .unwrap_or(changed.updated_at),
        body: order.to_string().into_bytes(),
    }))
}

fn read_refund(admin: &mut Admin, id: &str) -> Result<Option<Value>, CallError> {
    let document = document!("refund", "money");
    let mut data: Value = admin.ask(document, &json!({ "id": id, "after": null }))?;
    let mut refund = data["refund"].take();
    if refund.is_null() {
        return Ok(None);
    }
    rest_of(admin, document, id, &mut refund["refundLineItems"], |data| {
        data["refund"]["refundLineItems"].take()
    })?;
    Ok(Some(refund))
}

/// Appends the remaining pages of a connection.
fn rest_of(
    admin: &mut Admin,
    document: &str,
    id: &str,
    connection: &mut Value,
    of: impl Fn(&mut Value) -> Value,
) -> Result<(), CallError> {
    for _ in 0..MAX_PAGES {
        let page_info = &connection["pageInfo"];
        if page_info["hasNextPage"] != true {
            return Ok(());
        }
        let after = page_info["endCursor"].clone();
        let mut data: Value = admin.ask(document, &json!({ "id": id, "after": after }))?;
        let mut page = of(&mut data);
        let nodes = page["nodes"].as_array_mut().map(std::mem::take).unwrap_or_default();
        if let Some(all) = connection["nodes"].as_array_mut() {
            all.extend(nodes);
        }
        connection["pageInfo"] = page["pageInfo"].take();
    }
    Ok(())
}
