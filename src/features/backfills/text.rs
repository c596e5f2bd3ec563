//! What members read about order imports.

use vouch_core::platform::Platform;

use crate::kit::web::numbers::{counted, thousands};

pub(crate) const CHOOSE_DATE: &str = "Choose a date.";
pub(crate) const ENDS_BEFORE_START: &str = "Choose a date on or after the From date.";
pub(crate) const IN_FUTURE: &str = "Choose a date that isn’t in the future.";
pub(crate) const STARTED: &str = "Order import started.";
pub(crate) const RUNNING: &str = "Another order import is running. Wait until it finishes.";

pub(super) fn too_many_days(max: i64) -> String {
    format!("Choose {max} days or fewer. Import the other days afterwards.")
}

/// For example `214 orders checked. 3 new and 1 changed.`
pub(super) fn result(read: i64, new: i64, changed: i64) -> String {
    if read == 0 {
        return "The store has no orders that changed on these days.".to_owned();
    }
    let checked = counted(read, "order", "orders");
    let (new_orders, changed_orders) = (thousands(new), thousands(changed));
    match (new, changed) {
        (0, 0) => format!("{checked} checked. Vouch already had all of them."),
        (_, 0) => format!("{checked} checked. {new_orders} new."),
        (0, _) => format!("{checked} checked. {changed_orders} changed."),
        _ => format!("{checked} checked. {new_orders} new and {changed_orders} changed."),
    }
}

/// For example `214 orders checked so far.`
pub(super) fn progress(read: i64) -> String {
    match read {
        0 => "No orders checked yet.".to_owned(),
        _ => format!("{} checked so far.", counted(read, "order", "orders")),
    }
}

/// Which orders a store’s platform provides, if not all.
pub(super) fn reach(platform: Platform, days: i64) -> String {
    format!("{platform} only provides orders of the last {days} days.")
}
