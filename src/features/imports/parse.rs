//! Interprets a row: its affiliate, type and value.

use std::collections::HashMap;

use diesel::prelude::*;

use super::row::{ImportRow, Problem};
use super::text;
use crate::features::triggers::{
    Reach, TriggerKind, TriggerValue, ValueError, unknown_affiliate_text,
};
use crate::kit::db::schema::affiliates;
use crate::kit::email::email_key;
use crate::kit::web::spreadsheet::{SpreadsheetChange, change, code, plain};

/// A row that could be interpreted completely.
#[derive(Clone, Debug)]
pub(super) struct ParsedRow {
    pub(crate) affiliate_id: i64,
    pub(crate) affiliate: String,
    pub(crate) value: TriggerValue,
    /// The rule for new codes that it breaks. Then it can only be a code that already exists in the
    /// stores.
    pub(crate) existing_only: Option<ValueError>,
}

/// The affiliates in a file, by affiliate ID and by email.
pub(super) struct Affiliates(HashMap<String, (i64, String)>);

impl Affiliates {
    pub(super) fn load(
        conn: &mut PgConnection,
        merchant_id: i64,
        rows: &[ImportRow],
    ) -> QueryResult<Self> {
        let mut names: Vec<String> =
            rows.iter().flat_map(ImportRow::names).map(email_key).collect();
        names.sort_unstable();
        names.dedup();
        let named = affiliates::public_id.eq_any(&names).or(affiliates::email_key.eq_any(&names));
        let found: Vec<(i64, String, String, String)> = affiliates::table
            .filter(affiliates::merchant_id.eq(merchant_id))
            .filter(named)
            .select((
                affiliates::id,
                affiliates::name,
                affiliates::public_id,
                affiliates::email_key,
            ))
            .load(conn)?;
        let mut known = HashMap::with_capacity(found.len() * 2);
        for (id, name, public_id, email_key) in found {
            known.insert(public_id, (id, name.clone()));
            known.insert(email_key, (id, name));
        }
        Ok(Self(known))
    }

    fn called(&self, name: &str) -> Option<&(i64, String)> {
        self.0.get(&email_key(name))
    }

    /// The row's affiliate. The affiliate ID and email columns win over the column that may also
    /// contain a name. Affiliate IDs of other programs are ignored, so the email counts.
    fn of(&self, row: &ImportRow) -> Result<&(i64, String), String> {
        let by_id = self.called(&row.named_id);
        let by_email = self.called(&row.named_email);
        if let (Some(a), Some(b)) = (by_id, by_email)
            && a.0 != b.0
        {
            let (id, email) =
                ((row.named_id.as_str(), a.1.as_str()), (row.named_email.as_str(), b.1.as_str()));
            return Err(text::two_affiliates(id, email));
        }
        let found = by_id.or(by_email).or_else(|| self.called(&row.affiliate));
        found.ok_or_else(|| match row.names().next() {
            None => text::NO_AFFILIATE.to_owned(),
            Some(name) => {
                let words = unknown_affiliate_text(name);
                change(name).map_or(words.clone(), |change| format!("{words} {}", change.words()))
            }
        })
    }

    /// The interpreted row, or all of its errors. Also returns how a spreadsheet seems to have
    /// changed its value.
    pub(super) fn read(
        &self,
        row: &ImportRow,
    ) -> (Result<ParsedRow, String>, Option<SpreadsheetChange>) {
        if row.problem == Some(Problem::MoreCells) {
            return (Err(row.reason().unwrap_or_default()), None);
        }
        let (text, change) = code(&row.value);
        let affiliate = self.of(row);
        let kind = kind_of(&row.kind).ok_or_else(|| text::unknown_kind(&row.kind));
        let value = kind.clone().map(|kind| {
            let changed = change.map(|change| format!(" {}", change.words())).unwrap_or_default();
            parse(kind, &text).map_err(|error| format!("{error}{changed}"))
        });
        let meant = match (affiliate, kind, value) {
            (Ok((affiliate_id, affiliate)), Ok(_), Ok(Ok((value, existing_only)))) => {
                Ok(ParsedRow {
                    affiliate_id: *affiliate_id,
                    affiliate: affiliate.clone(),
                    value,
                    existing_only,
                })
            }
            (affiliate, kind, value) => {
                let wrong = [affiliate.err(), kind.err(), value.ok().and_then(Result::err)];
                Err(wrong.into_iter().flatten().collect::<Vec<_>>().join(" "))
            }
        };
        (meant, change)
    }
}

/// Parses a value by the rules for new codes, else by those for existing codes. The second case
/// includes the rule for new codes that it breaks.
fn parse(kind: TriggerKind, text: &str) -> Result<(TriggerValue, Option<ValueError>), ValueError> {
    match TriggerValue::parse(kind, text, Reach::Stores) {
        Ok(value) => Ok((value, None)),
        Err(error) if error.concerns_new_codes() => {
            let value = TriggerValue::parse(kind, text, Reach::VouchOnly)?;
            Ok((value, Some(error)))
        }
        Err(error) => Err(error),
    }
}

/// A type as people and other programs write it. An empty text means a coupon code.
pub(super) fn kind_of(typed: &str) -> Option<TriggerKind> {
    match plain(typed).as_str() {
        "coupon" | "couponcode" | "code" | "discountcode" | "promocode" | "voucher"
        | "vouchercode" => Some(TriggerKind::CouponCode),
        "email" | "emailaddress" | "customeremail" | "customeremailaddress" => {
            Some(TriggerKind::CustomerEmail)
        }
        "sku" | "productsku" => Some(TriggerKind::Sku),
        _ => typed.is_empty().then_some(TriggerKind::CouponCode),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_refersion_and_people_write_them() {
        for (kind, names) in [
            (
                TriggerKind::CouponCode,
                &["", "COUPON", "Coupon Code", "coupon_code", "Promo-Code"][..],
            ),
            (TriggerKind::CustomerEmail, &["EMAIL", "Customer Email", "customer e-mail"]),
            (TriggerKind::Sku, &["SKU", "sku", "Product SKU"]),
        ] {
            for name in names {
                assert_eq!(kind_of(name), Some(kind), "{name}");
            }
        }
        for name in ["Gift", "percentage", "?", "Manual credit"] {
            assert_eq!(kind_of(name), None, "{name}");
        }
    }
}
