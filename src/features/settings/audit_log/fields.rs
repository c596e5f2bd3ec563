//! The recorded changes of an event, with labels for fields and values formatted as on their pages.
//! Fields without a label here aren't shown, so recorded payout details can't reach the page or file.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Map, Value};
use vouch_core::attribution::{Commission, NegativeFees, OrdersCountWhen, Precedence};
use vouch_core::calendar::{Calendar, DateFormat};
use vouch_core::money::{Currency, format_money};
use vouch_platforms::PROVIDERS;

use crate::features::affiliates::AffiliateStatus;
use crate::features::api::keys::ApiScope;
use crate::features::conversions::{ConversionStatus, DenialReason, Review};
use crate::features::exclusions::ExclusionScope;
use crate::features::registration::CodeRequirement;
use crate::features::settings::audit_log::log::AuditLine;
use crate::features::triggers::TriggerKind;
use crate::kit::db::schema::{affiliates, offers, triggers};
use crate::kit::session::Role;
use crate::kit::web::display_time::DisplayTime;

/// A field with its old and new value.
pub(super) struct FieldChange {
    pub(crate) field: &'static str,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// How a value is formatted.
#[derive(Clone, Copy)]
enum ValueFormat {
    Text,
    YesNo,
    /// Only that the value changed. The value stays hidden.
    Changed,
    Time,
    Offer,
    Affiliate,
    Trigger,
    Commission,
    /// Minor units. The currency is another field of the same record.
    Money,
    Texts,
    /// One or more objects, shown by this field of theirs.
    Named(&'static str),
    /// One or more names of a closed set, shown by their labels.
    Word(fn(&str) -> Option<&'static str>),
    Review,
}

macro_rules! word {
    ($set:ty) => {
        ValueFormat::Word(|name| <$set>::parse(name).map(<$set>::label))
    };
}

/// The label and format of a recorded field. `None` hides it.
fn field(name: &str) -> Option<(&'static str, ValueFormat)> {
    use ValueFormat::{
        Affiliate, Changed, Commission, Money, Named, Offer, Text, Texts, Time, Trigger, YesNo,
    };
    Some(match name {
        "name" => ("Name", Text),
        "email" | "e-mail" => ("Email", Text),
        "note" => ("Note", Text),
        "reason" => ("Reason", Text),
        "public_id" => ("Affiliate ID", Text),
        "orders" => ("Orders", Text),
        "deliveries" => ("Webhook bodies", Text),
        "affiliates" => ("Affiliates", Text),
        "applications" => ("Applications", Text),
        "triggers" => ("Customer Email triggers", Text),
        "memberships" => ("Team memberships", Text),
        "lines" => ("Lines of the audit log and notes", Text),
        "accounts" => ("Accounts", Text),
        "bodies_days" => ("Raw webhook bodies, in days", Text),
        "failed_bodies_days" => ("Raw bodies of failed webhooks, in days", Text),
        "customers_days" => ("Customer names and emails, in days", Text),
        "audit_ips_days" => ("IP addresses, in days", Text),
        "disconnected_days" => ("Customers of a disconnected store, in days", Text),
        "payment_address_changed" => ("Payment address", Changed),
        "status" => ("Status", ValueFormat::Word(status)),
        "offer" | "offer_id" => ("Offer", Offer),
        "affiliate_id" => ("Affiliate", Affiliate),
        "role" => ("Role", word!(Role)),
        "requires_two_factor" => ("Two-factor sign-in for everyone", YesNo),
        "slug" => ("Public address", Text),
        "currency" => ("Currency", Text),
        "time_zone" => ("Time zone", Text),
        "date_format" => ("Date format", word!(DateFormat)),
        "kind" => ("Type", word!(TriggerKind)),
        "value" => ("Value", Text),
        "key" => ("Compared as", Text),
        "trigger_id" | "same_mailbox_as" => ("Other trigger", Trigger),
        "retired_at" => ("Retired", Time),
        "handover_at" => ("Handover", Time),
        "from" => ("From", Time),
        "despite_exclusion" => ("Despite the exclusion", Named("value")),
        "commission" => ("Commission", Commission),
        "commission_minor" => ("Amount", Money),
        "excluded_skus" => ("Excluded SKUs", Texts),
        "auto_approve" => ("Approves automatically", YesNo),
        "is_default" => ("Default offer", YesNo),
        "overruled" => ("Overruled", YesNo),
        "said" | "fraud" => ("Review", ValueFormat::Review),
        "manual_credit" => ("Note", Named("note")),
        "credited_by" => ("Credited by", Text),
        "scope" => ("Applied to", word!(ExclusionScope)),
        "starts_on" => ("Starts", Text),
        "ends_on" => ("Ends", Text),
        "added" => ("Added", Text),
        "first" => ("The first of them", Texts),
        "coupon_exclusions" => ("Coupon Exclusions", YesNo),
        "precedence" => ("Among several codes", word!(Precedence)),
        "include_tax" => ("Commission on tax", YesNo),
        "include_shipping" => ("Commission on shipping", YesNo),
        "orders_count_when" => ("Orders count", word!(OrdersCountWhen)),
        "gift_cards_earn" => ("Gift cards earn", YesNo),
        "tips_earn" => ("Tips earn", YesNo),
        "negative_fees" => ("A negative fee is", word!(NegativeFees)),
        "keeps_cancelled" => ("Cancelled orders keep commission", YesNo),
        "keeps_refunded" => ("Refunded orders keep commission", YesNo),
        "is_open" => ("Registration is open", YesNo),
        "code_requirement" | "code_wish" => ("Code", word!(CodeRequirement)),
        "approves_automatically" | "approves_itself" => ("Approves automatically", YesNo),
        "intro" => ("Introduction", Text),
        "terms" => ("Terms", Text),
        "thanks" => ("Thanks", Text),
        "fields" => ("Further fields", Named("label")),
        "allows_code_requests" | "further_codes" => ("Code requests", YesNo),
        "created" => ("Created", Text),
        "refused" => ("Left out", Text),
        "override_exclusions" => ("Overrode exclusions", YesNo),
        "overridden" => ("Despite exclusions", Named("code")),
        "confirmed_although_changed" => ("Confirmed although changed", Texts),
        "only_in_vouch" => ("Only in Vouch", YesNo),
        "file" => ("File", Text),
        "rows_changed" => ("Rows changed", Text),
        "scopes" => ("Permissions", word!(ApiScope)),
        "expires_at" => ("Expires", Time),
        _ => return None,
    })
}

/// The status of an affiliate or a conversion. Where they share a name, the labels are equal.
fn status(name: &str) -> Option<&'static str> {
    let of_conversion = || ConversionStatus::parse(name).map(ConversionStatus::label);
    AffiliateStatus::parse(name).map(AffiliateStatus::label).or_else(of_conversion)
}

/// The names of recorded IDs.
#[derive(Default)]
pub(super) struct Names {
    offers: HashMap<i64, String>,
    affiliates: HashMap<i64, String>,
    triggers: HashMap<i64, String>,
}

impl Names {
    /// The names of the IDs in `lines`, within the merchant.
    pub(super) fn of(
        conn: &mut PgConnection,
        merchant_id: i64,
        lines: &[AuditLine],
    ) -> QueryResult<Self> {
        let keys = |is_wanted: fn(ValueFormat) -> bool| -> Vec<i64> {
            let sides = lines.iter().flat_map(|line| [&line.before, &line.after]).flatten();
            let fields = sides.filter_map(Value::as_object).flatten();
            let of_kind =
                fields.filter(|(name, _)| field(name).is_some_and(|(_, shown)| is_wanted(shown)));
            of_kind.filter_map(|(_, value)| value.as_i64()).collect()
        };
        let mut names = Self::default();
        let of_offers = keys(|shown| matches!(shown, ValueFormat::Offer));
        if !of_offers.is_empty() {
            let rows = offers::table
                .filter(offers::merchant_id.eq(merchant_id).and(offers::id.eq_any(of_offers)))
                .select((offers::id, offers::name));
            names.offers = rows.load(conn)?.into_iter().collect();
        }
        let of_affiliates = keys(|shown| matches!(shown, ValueFormat::Affiliate));
        if !of_affiliates.is_empty() {
            let rows = affiliates::table
                .filter(affiliates::merchant_id.eq(merchant_id))
                .filter(affiliates::id.eq_any(of_affiliates))
                .select((affiliates::id, affiliates::name));
            names.affiliates = rows.load(conn)?.into_iter().collect();
        }
        let of_triggers = keys(|shown| matches!(shown, ValueFormat::Trigger));
        if !of_triggers.is_empty() {
            let rows = triggers::table
                .filter(triggers::merchant_id.eq(merchant_id))
                .filter(triggers::id.eq_any(of_triggers))
                .select((triggers::id, triggers::value));
            names.triggers = rows.load(conn)?.into_iter().collect();
        }
        Ok(names)
    }

    fn name(&self, shown: ValueFormat, id: i64) -> String {
        let names = match shown {
            ValueFormat::Offer => &self.offers,
            ValueFormat::Affiliate => &self.affiliates,
            _ => &self.triggers,
        };
        names.get(&id).cloned().unwrap_or_else(|| "one that’s gone".to_owned())
    }
}

/// The changed fields of an event, sorted by label.
pub(super) fn changes(line: &AuditLine, names: &Names, calendar: Calendar) -> Vec<FieldChange> {
    if let Some(change) = of_whole(line) {
        return vec![change];
    }
    let empty = Map::new();
    let side = |value: &Option<Value>| value.as_ref().and_then(Value::as_object).cloned();
    let (before, after) = (side(&line.before), side(&line.after));
    let (before, after) = (before.as_ref().unwrap_or(&empty), after.as_ref().unwrap_or(&empty));
    let mut fields: Vec<&String> = before.keys().chain(after.keys()).collect();
    fields.sort();
    fields.dedup();
    let changed = fields.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let mut changes: Vec<FieldChange> = changed
        .filter_map(|name| {
            let (label, shown) = field(name)?;
            let words = |side| in_words(side, name, shown, names, calendar);
            Some(FieldChange { field: label, before: words(before), after: words(after) })
        })
        .filter(|change| change.before != change.after)
        .collect();
    changes.sort_by_key(|change| change.field);
    changes
}

/// The change of an event that records one value instead of fields.
fn of_whole(line: &AuditLine) -> Option<FieldChange> {
    let (field, words): (&'static str, fn(&Value) -> String) = match line.event.action.as_str() {
        "store.discount_rules_set" => ("Codes get", rules),
        "store.counted_codes_set" => ("Codes that count", texts),
        _ => return None,
    };
    let words = |side: &Option<Value>| side.as_ref().map(words).unwrap_or_default();
    Some(FieldChange { field, before: words(&line.before), after: words(&line.after) })
}

/// The customer's discount. Any platform's rules are accepted.
fn rules(value: &Value) -> String {
    PROVIDERS.iter().find_map(|provider| provider.rules_sentence(value)).unwrap_or_default()
}

fn in_words(
    side: &Map<String, Value>,
    name: &str,
    shown: ValueFormat,
    names: &Names,
    calendar: Calendar,
) -> String {
    let value = match side.get(name) {
        None | Some(Value::Null) => return String::new(),
        Some(value) => value,
    };
    match shown {
        ValueFormat::Text => plain(value),
        ValueFormat::YesNo => if value.as_bool() == Some(true) { "yes" } else { "no" }.to_owned(),
        ValueFormat::Changed => "changed".to_owned(),
        ValueFormat::Time => time(value, calendar),
        ValueFormat::Offer | ValueFormat::Affiliate | ValueFormat::Trigger => {
            value.as_i64().map(|id| names.name(shown, id)).unwrap_or_default()
        }
        ValueFormat::Commission => serde_json::from_value::<Commission>(value.clone())
            .map(|commission| commission.to_string())
            .unwrap_or_default(),
        ValueFormat::Money => {
            let currency = side.get("currency").and_then(Value::as_str);
            let currency = currency.and_then(|code| Currency::from_code(code).ok());
            value.as_i64().zip(currency).map(|(n, c)| format_money(n, c)).unwrap_or_default()
        }
        ValueFormat::Texts => texts(value),
        ValueFormat::Named(own) => named(value, own),
        ValueFormat::Word(label) => {
            let one = std::slice::from_ref(value);
            let names = value.as_array().map_or(one, Vec::as_slice).iter();
            let labels: Vec<&str> =
                names.filter_map(|name| name.as_str().and_then(label)).collect();
            labels.join(", ")
        }
        ValueFormat::Review => review(value, name == "fraud"),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn time(value: &Value, calendar: Calendar) -> String {
    let at = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    at.map(|at| DisplayTime::new(at.with_timezone(&Utc), calendar).text).unwrap_or_default()
}

fn texts(value: &Value) -> String {
    let texts: Vec<String> = value.as_array().into_iter().flatten().map(plain).collect();
    texts.join(", ")
}

fn named(value: &Value, own: &str) -> String {
    let objects = match value {
        Value::Array(objects) => objects.as_slice(),
        object => std::slice::from_ref(object),
    };
    let names: Vec<String> =
        objects.iter().filter_map(|object| object.get(own)).map(plain).collect();
    names.join(", ")
}

/// The review of a conversion, or of an order as fraud.
fn review(value: &Value, is_fraud: bool) -> String {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let said = Review::parse(text("review")).map(Review::label);
    let reason = DenialReason::parse(text("denial_reason")).map(DenialReason::label);
    let fraud = is_fraud.then_some(DenialReason::Fraud.label());
    let note = Some(text("note")).filter(|note| !note.is_empty());
    let parts: Vec<&str> = [fraud, said, reason, note].into_iter().flatten().collect();
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::features::audit::StoredEvent;
    use crate::kit::audit::ActorKind;

    fn line(action: &str, before: Value, after: Value) -> AuditLine {
        AuditLine {
            id: 1,
            at: DateTime::<Utc>::UNIX_EPOCH,
            actor_kind: ActorKind::Member,
            actor_name: "Olga".to_owned(),
            event: StoredEvent::of(action),
            came_from: None,
            before: Some(before).filter(|value| !value.is_null()),
            after: Some(after).filter(|value| !value.is_null()),
        }
    }

    fn read(line: &AuditLine) -> Vec<(&'static str, String, String)> {
        let names = Names { offers: [(7, "Standard".to_owned())].into(), ..Names::default() };
        let changes = changes(line, &names, Calendar::UTC);
        changes.into_iter().map(|change| (change.field, change.before, change.after)).collect()
    }

    #[test]
    fn fields_have_labels_and_values_have_words() {
        let offer = line(
            "offer.changed",
            json!({ "commission": { "type": "percent", "basis_points": 1000 }, "is_default": false }),
            json!({ "commission": { "type": "percent", "basis_points": 1250 }, "is_default": true }),
        );
        assert_eq!(
            read(&offer),
            [
                ("Commission", "10% of the sale".into(), "12.5% of the sale".into()),
                ("Default offer", "no".to_owned(), "yes".to_owned()),
            ]
        );
        let review = line(
            "conversion.reviewed",
            json!({ "said": null, "fraud": null }),
            json!({ "said": { "review": "denied", "by": "Olga", "at": "2026-01-02T03:04:05Z",
                    "denial_reason": "duplicate", "note": "see 12" }, "fraud": null }),
        );
        let denied = "Denied: Duplicate order: see 12".to_owned();
        assert_eq!(read(&review), [("Review", String::new(), denied)]);
        let affiliate = line(
            "affiliate.created",
            Value::Null,
            json!({ "offer_id": 7, "status": "active", "public_id": "a3y7" }),
        );
        assert_eq!(
            read(&affiliate),
            [
                ("Affiliate ID", String::new(), "a3y7".to_owned()),
                ("Offer", String::new(), "Standard".to_owned()),
                ("Status", String::new(), "Active".to_owned()),
            ]
        );
    }

    #[test]
    fn what_has_no_label_is_not_shown() {
        let odd = line(
            "affiliate.changed",
            json!({ "payment address": "DE00", "iban": "DE00" }),
            json!({ "payment address": "DE99", "iban": "DE99", "payment_address_changed": true }),
        );
        assert_eq!(read(&odd), [("Payment address", String::new(), "changed".to_owned())]);
    }

    #[test]
    fn everything_that_is_recorded_as_a_struct_has_labels() {
        let structs = [
            json!(vouch_core::attribution::CalculationLogic::default()),
            json!({ "keeps_cancelled": true, "keeps_refunded": true }),
        ];
        for value in structs {
            for name in value.as_object().unwrap().keys() {
                assert!(field(name).is_some(), "{name}");
            }
        }
    }

    /// These are inside a field with a label, or are keys that mean nothing to users.
    const WITHOUT_LABEL: [&str; 7] =
        ["id", "import_id", "code", "exclusion", "at", "credited_by", "type"];

    /// The names in every `json!({ ... })` of a file.
    fn json_names(text: &str) -> Vec<String> {
        let mut names = Vec::new();
        for rest in text.split("json!({").skip(1) {
            let mut depth = 1;
            let end = rest.find(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                depth == 0
            });
            let block = &rest[..end.unwrap_or(rest.len())];
            let pieces: Vec<&str> = block.split('"').collect();
            let named = pieces.windows(2).skip(1).step_by(2);
            names.extend(named.filter(|pair| pair[1].starts_with(':')).map(|p| p[0].to_owned()));
        }
        names
    }

    #[test]
    fn everything_that_is_recorded_in_place_has_a_label() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut folders = vec![root];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                    continue;
                }
                let text = std::fs::read_to_string(entry.path()).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                if !code.contains("Act {") {
                    continue;
                }
                for name in json_names(code) {
                    seen += 1;
                    let is_known = field(&name).is_some() || WITHOUT_LABEL.contains(&name.as_str());
                    assert!(is_known, "{name} of {} has no label", entry.path().display());
                }
            }
        }
        assert!(seen > 40, "{seen}");
    }
}
