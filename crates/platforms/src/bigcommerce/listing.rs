//! All codes of a store: promotions page by page, then the codes of those with many, then V2
//! coupons.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouch_core::text::percent_encode;

use super::call::{Api, rows_of};
use super::rules::Rules;
use super::{coupons, promotions};
use crate::{CallError, CursorPage, Position, Reason, StoreCode};

/// The maximum page size, for V3 and V2.
const PAGE: usize = 250;

/// The cursor in the list of codes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct CodeCursor {
    /// The position in the promotions; `None` after the last one.
    promotions: Option<Position>,
    /// Promotions with many codes whose codes aren't read yet.
    many: Vec<i64>,
    /// The cursor in the codes of the first of them.
    after: Option<String>,
    /// The ID of the next V2 coupon.
    coupon: i64,
}

pub(super) fn codes(
    api: &mut Api,
    own: &Rules,
    cursor: Option<&str>,
) -> Result<CursorPage<StoreCode>, CallError> {
    let mut cursor = match cursor {
        None => CodeCursor { promotions: Some(Position::default()), ..CodeCursor::default() },
        Some(cursor) => {
            serde_json::from_str(cursor).map_err(|_| CallError::Unanswered(Reason::ListChanged))?
        }
    };
    let (rows, next) = if !cursor.many.is_empty() {
        many_codes(api, own, cursor)?
    } else if let Some(position) = cursor.promotions.take() {
        promotion_page(api, own, cursor, position)?
    } else {
        coupon_page(api, own, cursor)?
    };
    let next = next.map(|next| serde_json::to_string(&next).expect("a plain struct serializes"));
    Ok(CursorPage { rows, next })
}

type Page = (Vec<StoreCode>, Option<CodeCursor>);

fn promotion_page(
    api: &mut Api,
    own: &Rules,
    mut cursor: CodeCursor,
    mut position: Position,
) -> Result<Page, CallError> {
    let (size, number) = position.page(PAGE);
    let path = format!("/v3/promotions?redemption_type=coupon&sort=id&limit={size}&page={number}");
    let page = api.get(&path)?.rows()?;
    let id = |promotion: &Value| promotion.get("id").and_then(Value::as_u64).unwrap_or_default();
    let (page, more) = position.take(page, (size, number), id)?;
    let mut rows = Vec::new();
    for promotion in &page {
        if promotion.get("coupon_type").and_then(Value::as_str) == Some("BULK") {
            cursor.many.extend(promotion.get("id").and_then(Value::as_i64));
            continue;
        }
        let code = promotions::code_of(promotion);
        if let Some(spelt) = code.get("code").and_then(Value::as_str) {
            rows.push(promotions::store_code(api, own, promotion, &code, spelt));
        }
    }
    cursor.promotions = more.then_some(position);
    Ok((rows, Some(cursor)))
}

fn many_codes(api: &mut Api, own: &Rules, mut cursor: CodeCursor) -> Result<Page, CallError> {
    let id = cursor.many[0];
    let after = cursor
        .after
        .take()
        .map_or_else(String::new, |after| format!("&after={}", percent_encode(&after)));
    let promotion = api.get(&format!("/v3/promotions/{id}"))?.if_there()?;
    let found = api.get(&format!("/v3/promotions/{id}/codes?limit={PAGE}{after}"))?.if_there()?;
    let (Some(promotion), Some(found)) = (promotion, found) else {
        // It was deleted after its page was read.
        cursor.many.remove(0);
        return Ok((Vec::new(), Some(cursor)));
    };
    let promotion = promotion.get("data").cloned().unwrap_or_default();
    let end = found.pointer("/meta/cursor_pagination/end_cursor").and_then(Value::as_str);
    let end = end.map(str::to_owned);
    let codes = rows_of(found)?;
    let spelt = |code: &Value| code.get("code").and_then(Value::as_str).map(str::to_owned);
    let rows = codes.iter().filter_map(|code| {
        let spelt = spelt(code)?;
        Some(promotions::store_code(api, own, &promotion, code, &spelt))
    });
    let rows = rows.collect();
    match end.filter(|_| codes.len() == PAGE) {
        Some(end) => cursor.after = Some(end),
        None => {
            cursor.many.remove(0);
        }
    }
    Ok((rows, Some(cursor)))
}

fn coupon_page(api: &mut Api, own: &Rules, mut cursor: CodeCursor) -> Result<Page, CallError> {
    let path =
        format!("/v2/coupons?min_id={}&limit={PAGE}&exclude_type=promotion", cursor.coupon.max(1));
    let page = api.get(&path)?.rows()?;
    let rows = page.iter().map(|coupon| coupons::store_code(api, own, coupon)).collect();
    let last = page.iter().filter_map(|coupon| coupon.get("id")?.as_i64()).max();
    let next = last.filter(|_| page.len() == PAGE).map(|last| {
        cursor.coupon = last + 1;
        cursor
    });
    Ok((rows, next))
}
