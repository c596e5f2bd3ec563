//! The recorded changes of an event, with labels for fields and values formatted as on their pages.
//! Fields without a label aren't shown, so recorded payout details can't reach the page or file.

/// The labels and formats of fields.
mod labels;
/// The names of recorded IDs.
mod names;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use vouch_core::attribution::Commission;
use vouch_core::calendar::Calendar;
use vouch_core::money::{Currency, format_money};
use vouch_platforms::PROVIDERS;

use self::labels::{ValueFormat, field};
pub(super) use self::names::Names;
use super::log::AuditLine;
use crate::features::conversions::{DenialReason, Review};
use crate::kit::web::display_time::DisplayTime;

/// A field with its old and new value.
pub(super) struct FieldChange {
    pub(crate) field: &'static str,
    pub(crate) before: String,
    pub(crate) after: String,
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
        "store.discount_rules_set" => ("Discount settings", rules),
        "store.counted_codes_set" => ("Codes to watch", texts),
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
        ValueFormat::YesNo => if value.as_bool() == Some(true) { "Yes" } else { "No" }.to_owned(),
        ValueFormat::Changed => "Changed".to_owned(),
        ValueFormat::Time => time(value, calendar),
        ValueFormat::Date => {
            let date = value.as_str().and_then(|text| text.parse().ok());
            date.map(|date| calendar.date(date)).unwrap_or_default()
        }
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
    parts.join(" · ")
}
