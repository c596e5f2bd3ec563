//! What members read about order imports.

use super::model::Backfill;
use crate::kit::web::numbers::{counted, thousands};

pub(crate) const CHOOSE_DATE: &str = "Choose a date.";
pub(crate) const ENDS_BEFORE_START: &str = "Choose a date on or after the first.";
pub(crate) const IN_FUTURE: &str = "Choose a date that isn’t in the future.";
pub(crate) const STARTED: &str = "Order import started.";
pub(crate) const RUNNING: &str = "Another order import is running. Wait until it finishes.";

pub(super) fn too_many_days(max: i64) -> String {
    format!("Choose {max} days or fewer. Import the rest afterwards.")
}

/// For example `214 orders checked: 3 new, 1 changed`.
pub(super) fn result(backfill: &Backfill) -> String {
    let checked = counted(backfill.read_count, "order", "orders");
    let (new, changed) = (thousands(backfill.new_count), thousands(backfill.changed_count));
    match (backfill.new_count, backfill.changed_count) {
        (0, 0) => format!("{checked} checked. None were missing."),
        (_, 0) => format!("{checked} checked. {new} new."),
        (0, _) => format!("{checked} checked. {changed} changed."),
        _ => format!("{checked} checked. {new} new and {changed} changed."),
    }
}
