//! Every recorded field has a label, and values are formatted.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use vouch_core::calendar::Calendar;

use super::labels::field;
use super::names::Names;
use super::{AuditLine, changes};
use crate::features::audit::StoredEvent;
use crate::features::privacy::Erased;
use crate::features::stores::ReturnRules;
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
            ("Default offer", "No".to_owned(), "Yes".to_owned()),
        ]
    );
    let review = line(
        "conversion.reviewed",
        json!({ "said": null, "fraud": null }),
        json!({ "said": { "review": "denied", "by": "Olga", "at": "2026-01-02T03:04:05Z",
                "denial_reason": "duplicate", "note": "see 12" }, "fraud": null }),
    );
    let denied = "Denied · Duplicate order · see 12".to_owned();
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
    assert_eq!(read(&odd), [("Payout details", String::new(), "Changed".to_owned())]);
}

#[test]
fn everything_that_is_recorded_as_a_struct_has_labels() {
    let structs = [
        json!(vouch_core::attribution::CalculationLogic::default()),
        json!(ReturnRules::default()),
        json!(Erased::default()),
        // A conversion's reviews.
        json!({ "said": null, "fraud": null }),
    ];
    for value in structs {
        for name in value.as_object().unwrap().keys() {
            assert!(field(name).is_some(), "{name}");
        }
    }
}

/// These are inside a field with a label, or are keys that mean nothing to users.
const WITHOUT_LABEL: [&str; 7] = ["id", "import_id", "code", "exclusion", "at", "type", "action"];

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

/// The names in every `["..."] =` and `.insert("..."` of a file.
fn added_names(text: &str) -> Vec<String> {
    let assigned = text.split("[\"").skip(1).filter_map(|rest| Some(rest.split_once("\"] =")?.0));
    let inserted =
        text.split(".insert(\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0));
    let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    assigned.chain(inserted).filter(is_name).map(str::to_owned).collect()
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
            let records = ["Act {", "Act::new(", ".act("].iter().any(|mark| code.contains(mark));
            // A person's export has sections of its own.
            let is_export = entry.path().ends_with("privacy/export.rs");
            if !records || is_export || entry.file_name() == "tests.rs" {
                continue;
            }
            for name in json_names(code).into_iter().chain(added_names(code)) {
                seen += 1;
                let is_known = field(&name).is_some() || WITHOUT_LABEL.contains(&name.as_str());
                assert!(is_known, "{name} of {} has no label", entry.path().display());
            }
        }
    }
    assert!(seen > 40, "{seen}");
}
