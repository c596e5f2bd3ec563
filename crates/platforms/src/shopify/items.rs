//! Products and collections, as users enter them.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::admin::{Admin, short, unexpected};
use super::rules::Target;
use crate::{CallError, ItemKind, Reason};

/// A product or collection that a discount is limited to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Shopify's number of the item.
    pub id: u64,
    /// The store's title of the item; empty if it isn't known yet.
    #[serde(default)]
    pub title: String,
}

/// How a product or collection was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// By its number, from its URL in the admin.
    Id(u64),
    /// By its handle, from its URL in the store.
    Handle(String),
}

/// The input isn't a product or collection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” isn’t an ID, handle or URL of a product or collection.")]
pub struct ItemRefusal(pub String);

impl Reference {
    /// Parses a number, a handle, or a URL in the store or the admin. Fails with [`ItemRefusal`],
    /// which contains the input.
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
    /// Shopify's global ID of that item.
    pub(super) fn gid(self, id: u64) -> String {
        match self {
            Self::Collections => format!("gid://shopify/Collection/{id}"),
            Self::Products => format!("gid://shopify/Product/{id}"),
        }
    }
}

#[derive(Deserialize)]
struct Data {
    found: Option<ItemNode>,
}

#[derive(Deserialize)]
struct ItemNode {
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
    let (document, kind) = match target {
        Target::Collections => (document!("collection"), ItemKind::Collection),
        Target::Products => (document!("product"), ItemKind::Product),
    };
    let data: Data = admin.ask(document, &json!({ "of": of }))?;
    let item = match typed {
        Reference::Id(id) => id.to_string(),
        Reference::Handle(handle) => handle.clone(),
    };
    let found = data.found.ok_or(CallError::Refused(Reason::NoItem { kind, item }))?;
    let id = found.id.rsplit('/').next().and_then(|id| id.parse().ok());
    let id = id.ok_or_else(unexpected)?;
    Ok(Item { id, title: short(&found.title) })
}
