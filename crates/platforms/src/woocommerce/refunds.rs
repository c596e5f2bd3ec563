//! The refunds of one order, page by page.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::api::{Api, unexpected};
use super::order::REFUNDS;
use crate::http::Method;
use crate::{CallError, OrderMessage, Reason};

/// The page size. A response can have 4 MiB, and a refund has a line for each line of its order.
const PAGE: usize = 25;
/// The maximum number of pages of an order's refunds.
const MAX_PAGES: usize = 40;
/// The fields that `order::parse` needs.
const FIELDS: &str = "id,date_created_gmt,amount,line_items,shipping_lines,fee_lines";

#[derive(Deserialize)]
struct Head {
    id: u64,
}

/// The document for `order::parse`: the response, and what it doesn't contain.
#[derive(Serialize)]
struct Document<'a> {
    order_id: &'a str,
    currency: &'a str,
    read_at: DateTime<Utc>,
    refunds: &'a [Box<RawValue>],
}

/// `None` if the store doesn't have the order, or no longer has it.
pub(super) fn read(
    api: &Api,
    order_ref: &str,
    currency: &str,
    read_at: DateTime<Utc>,
) -> Result<Option<OrderMessage>, CallError> {
    let is_id = !order_ref.is_empty() && order_ref.bytes().all(|byte| byte.is_ascii_digit());
    if !is_id {
        return Ok(None);
    }
    let Some(refunds) = all(api, order_ref)? else { return Ok(None) };
    let document = Document { order_id: order_ref, currency, read_at, refunds: &refunds };
    Ok(Some(OrderMessage {
        order_ref: order_ref.to_owned(),
        topic: REFUNDS,
        changed_at: read_at,
        body: serde_json::to_vec(&document).map_err(|_| unexpected())?,
    }))
}

fn all(api: &Api, order_ref: &str) -> Result<Option<Vec<Box<RawValue>>>, CallError> {
    let (mut refunds, mut known) = (Vec::new(), BTreeSet::new());
    for page in 1..=MAX_PAGES {
        let path = format!(
            "orders/{order_ref}/refunds?per_page={PAGE}&page={page}&orderby=id&order=asc\
             &_fields={FIELDS}"
        );
        let answer = match api.ask(Method::Get, &path, None)? {
            Ok(answer) => answer,
            Err(objection) if objection.status == 404 && !objection.is_elsewhere() => {
                return Ok(None);
            }
            Err(objection) => return Err(objection.into()),
        };
        let found: Vec<Box<RawValue>> = answer.json()?;
        let is_last = found.len() < PAGE;
        let before = refunds.len();
        for refund in found {
            let Head { id } = serde_json::from_str(refund.get()).map_err(|_| unexpected())?;
            if known.insert(id) {
                refunds.push(refund);
            }
        }
        // A site without paging returns the same page again.
        if is_last || refunds.len() == before {
            return Ok(Some(refunds));
        }
    }
    Err(CallError::Refused(Reason::TooManyRefunds))
}
