//! What members read about imports of conversion triggers.

use vouch_core::trigger::ValueError;

use crate::kit::web::numbers::counted;

/// The note for a row that's valid, but isn't created exactly as in its cell.
pub(super) const UNQUOTED: &str = "The quotation marks are removed.";
pub(super) const MORE_CELLS: &str =
    "The row has more cells than the header. Put quotation marks around values with a comma.";
pub(super) const NO_AFFILIATE: &str = "Enter an affiliate.";
pub(super) const ALREADY_CREATED: &str = "The triggers in this file were already created.";
pub(super) const CHANGED_SINCE_PREVIEW: &str = "Nothing was created, because some results changed since you opened this page. Review the rows again.";
pub(super) const CHOOSE_CHANGED: &str =
    "Choose whether to create or skip codes that a spreadsheet may have changed.";
pub(super) const NOTHING_TO_CREATE: &str =
    "Nothing was created, because you chose to skip every row.";
pub(super) const SKIP_THEM: &str = "Skip";
pub(super) const CREATE_AS_SHOWN: &str = "Create as shown below";

/// Why a code can't be a new one, and what to do if the stores already have it.
pub(super) fn existing_only(error: &ValueError) -> String {
    format!("{error} To add a code that your store already has, select the checkbox above.")
}

pub(super) fn two_affiliates(id: (&str, &str), email: (&str, &str)) -> String {
    format!(
        "{} is {}’s affiliate ID, but {} is {}’s email. Enter the ID and email of the same affiliate.",
        id.0, id.1, email.0, email.1
    )
}

pub(super) fn unknown_kind(typed: &str) -> String {
    format!("“{typed}” isn’t a type. Enter Coupon Code, Customer Email or SKU.")
}

pub(super) fn repeated(line: i32) -> String {
    format!("This row has the same code, email or SKU as line {line}.")
}

pub(super) fn created(count: i32, stores: &[String]) -> String {
    let created = counted(count, "conversion trigger", "conversion triggers");
    if stores.is_empty() {
        return format!(
            "{created} created. Checkout only accepts codes that also exist in your store."
        );
    }
    let stores = stores.join(", ");
    format!("{created} created. Vouch is adding the codes to {stores}. Set expiration dates there.")
}

/// The button that creates `fine` triggers, and others that the member chooses.
pub(super) fn create(fine: usize, others: usize) -> String {
    match (fine, others) {
        (1.., 0) => {
            format!("Create {}", counted(fine, "conversion trigger", "conversion triggers"))
        }
        _ => "Create conversion triggers".to_owned(),
    }
}

pub(super) fn override_exclusions(count: usize) -> String {
    format!("Also create {}", counted(count, "excluded code", "excluded codes"))
}

pub(super) fn changed_codes(count: usize) -> String {
    let codes = counted(count, "code", "codes");
    format!("{codes} may have been changed by a spreadsheet")
}

/// The hint for the checkbox that keeps codes out of the `stores`. `existing` codes can't be created.
pub(super) fn existing_codes_hint(stores: &[String], existing: usize) -> String {
    let in_stores = (!stores.is_empty()).then(|| {
        format!(
            "Unless you select this checkbox, Vouch creates the codes in {}.",
            stores.join(", ")
        )
    });
    let codes = counted(existing, "code", "codes");
    let skipped = (existing > 0).then(|| {
        let them = if existing == 1 { "it" } else { "them" };
        format!(
            "{codes} can only be added if your stores already have {them}. Vouch skips {them} \
             unless you select this checkbox."
        )
    });
    in_stores.into_iter().chain(skipped).collect::<Vec<_>>().join(" ")
}
