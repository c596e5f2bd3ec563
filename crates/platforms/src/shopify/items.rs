//! Products and collections, as people name them.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::admin::{Admin, short};
use super::rules::Target;
use crate::CallError;

/// A product or collection that a discount is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Shopify's number of it.
    pub id: u64,
    /// What the store calls it; empty while the store has not said.
    #[serde(default)]
    pub title: String,
}

/// How a product or collection was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// By its number, which stands in its address in the admin.
    Id(u64),
    /// By its handle, which stands in its address in the shop.
    Handle(String),
}

/// What was typed names no product or collection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is neither a number, nor a handle, nor the address of a product or collection.")]
pub struct ItemRefusal(pub String);

impl Reference {
    /// Reads a number, a handle, or an address in the shop or in the admin.
    ///
    /// # Errors
    /// [`ItemRefusal`] with what was typed.
    pub fn parse(typed: &str) -> Result<Self, ItemRefusal> {
        let typed = typed.trim();
        let path = typed.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        let last = path.rsplit('/').next().unwrap_or_default();
        if let Ok(id) = last.parse::<u64>() {
            return Ok(Self::Id(id));
        }
        let fits = !last.is_empty()
            && last.len() <= 255
            && last.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '%'));
        if fits {
            Ok(Self::Handle(last.to_lowercase()))
        } else {
            Err(ItemRefusal(typed.chars().take(60).collect()))
        }
    }
}

impl Target {
    /// Shopify's id of such a thing.
    pub(super) fn gid(self, id: u64) -> String {
        match self {
            Self::Collections => format!("gid://shopify/Collection/{id}"),
            Self::Products => format!("gid://shopify/Product/{id}"),
        }
    }
}

#[derive(Deserialize)]
struct Data {
    found: Option<Found>,
}

#[derive(Deserialize)]
struct Found {
    id: String,
    title: String,
}

pub(super) fn find(
    admin: &mut Admin,
    target: Target,
    typed: &Reference,
) -> Result<Item, CallError> {
    let of = match typed {
        Reference::Id(id) => json!({ "id": target.gid(*id) }),
        Reference::Handle(handle) => json!({ "handle": handle }),
    };
    let (document, what) = match target {
        Target::Collections => (document!("collection"), "collection"),
        Target::Products => (document!("product"), "product"),
    };
    let data: Data = admin.ask(document, &json!({ "of": of }))?;
    let named = match typed {
        Reference::Id(id) => id.to_string(),
        Reference::Handle(handle) => handle.clone(),
    };
    let found = data
        .found
        .ok_or_else(|| CallError::Refused(format!("The store has no {what} “{named}”.")))?;
    let id = found.id.rsplit('/').next().and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| {
        CallError::Unanswered("Shopify’s answer has not the shape it should have.".to_owned())
    })?;
    Ok(Item { id, title: short(&found.title) })
}
