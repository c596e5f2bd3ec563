//! The products and collections that discount rules name.

use std::time::{Duration, Instant};

use crate::CallError;
use crate::form::{FieldErrors, Typed};
use crate::shopify::Shopify;
use crate::shopify::items::{Item, Reference};
use crate::shopify::rules::{Items, Rules, Target};

/// The store is asked for each while somebody waits.
const MAX_ITEMS: usize = 20;
/// So long the store is asked for products and collections; what is left is taken as typed.
const TIMEOUT: Duration = Duration::from_secs(7);

pub(super) fn items_of(rules: Option<&Rules>) -> &[Item] {
    match rules.map(|rules| &rules.items) {
        Some(Items::Collections(items) | Items::Products(items)) => items,
        _ => &[],
    }
}

pub(super) fn known_item(rules: Option<&Rules>, id: u64) -> Item {
    let known = items_of(rules).iter().find(|item| item.id == id);
    known.cloned().unwrap_or(Item { id, title: String::new() })
}

/// What kind of things the discount is for; `None` for everything.
pub(super) fn target(typed: &Typed) -> Option<Target> {
    match typed.text("items") {
        "collections" => Some(Target::Collections),
        "products" => Some(Target::Products),
        _ => None,
    }
}

/// The products or collections that were typed, one on a line or between commas.
pub(super) fn references(typed: &Typed, errors: &mut FieldErrors) -> Vec<Reference> {
    if target(typed).is_none() {
        return Vec::new();
    }
    let named = typed.text("item_list").split(['\n', ',']).map(str::trim);
    let mut references = Vec::new();
    for one in named.filter(|one| !one.is_empty()) {
        match Reference::parse(one) {
            Ok(reference) if !references.contains(&reference) => references.push(reference),
            Ok(_) => {}
            Err(refusal) => errors.add("item_list", refusal.to_string()),
        }
    }
    if references.is_empty() && !errors.has("item_list") {
        errors.add("item_list", "Enter at least one collection or product.");
    }
    if references.len() > MAX_ITEMS {
        let words =
            format!("Enter {MAX_ITEMS} lines or fewer. For more products, use a collection.");
        errors.add("item_list", words);
    }
    references
}

/// What is named, as the store calls it. What the store can't be asked for is taken as typed if it's a
/// number.
pub(super) fn find_items(
    typed: &Typed,
    mut client: Option<&mut Shopify>,
    known: Option<&Rules>,
    errors: &mut FieldErrors,
) -> Vec<Item> {
    let Some(target) = target(typed) else { return Vec::new() };
    let begun = Instant::now();
    let mut items: Vec<Item> = Vec::new();
    for reference in references(typed, errors) {
        let reached = client.as_mut().filter(|_| begun.elapsed() < TIMEOUT);
        let found = reached.map(|client| client.find_item(target, &reference));
        let unknown = match (found, reference) {
            (Some(Ok(item)), _) => {
                if items.iter().all(|held| held.id != item.id) {
                    items.push(item);
                }
                continue;
            }
            (Some(Err(CallError::Refused(reason))), _) => reason.to_string(),
            (_, Reference::Id(id)) => {
                items.push(known_item(known, id));
                continue;
            }
            (Some(Err(CallError::Denied(reason))), Reference::Handle(handle)) => {
                format!("We couldn’t look up “{handle}”. Enter its ID instead. {reason}")
            }
            (_, Reference::Handle(handle)) => format!(
                "We couldn’t look up “{handle}” in the store. Save again in a minute, or enter its ID."
            ),
        };
        errors.add("item_list", unknown);
    }
    items
}
