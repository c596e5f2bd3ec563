//! What the session of a browser holds, by key, and the place that its user chose.

use actix_session::Session;
use rand::distr::{Alphanumeric, SampleString};
use serde::{Deserialize, Serialize};

use crate::kit::db::text_enum;
use crate::kit::error::AppResult;

/// Who is signed in.
pub(crate) const USER_ID: &str = "user_id";
/// The token that its forms carry.
pub(crate) const TOKEN: &str = "csrf";
/// The message for the next page.
pub(crate) const FLASH: &str = "flash";
/// The chosen place.
pub(crate) const WORKSPACE: &str = "place";

text_enum! {
    /// What a member may do: each role covers the ones after it.
    pub enum Role {
        /// Everything, people and API keys included.
        Owner = "owner", "Owner";
        /// Everything but people and API keys.
        Admin = "admin", "Admin";
        /// Look, and change nothing.
        Viewer = "viewer", "Viewer";
    }
}

impl Role {
    /// Whether this role may do what `needed` may.
    pub fn covers(self, needed: Self) -> bool {
        self <= needed
    }
}

/// Where a person can go after signing in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Workspace {
    /// A merchant's pages, as a member.
    Member {
        /// Which merchant.
        merchant_id: i64,
        /// Its name.
        merchant: String,
        /// As what.
        role: Role,
    },
    /// The affiliate's side of a program.
    Affiliate {
        /// Which merchant.
        merchant_id: i64,
        /// Its name.
        merchant: String,
        /// Which affiliate of it.
        affiliate_id: i64,
    },
    /// The pages of support staff.
    Support,
}

impl Workspace {
    /// The page the place begins with.
    pub fn home(&self) -> &'static str {
        match self {
            Self::Member { .. } => "/dashboard",
            Self::Affiliate { .. } => "/portal",
            Self::Support => "/support/merchants",
        }
    }

    /// Whether `path` is one of its pages: what one person's places do not share.
    pub fn has(&self, path: &str) -> bool {
        let of_affiliates = path.starts_with("/portal");
        let of_support = path.starts_with("/support");
        match self {
            Self::Member { .. } => !of_affiliates && !of_support,
            Self::Affiliate { .. } => of_affiliates,
            Self::Support => of_support,
        }
    }

    /// Whose rows it shows.
    pub fn merchant_id(&self) -> Option<i64> {
        match self {
            Self::Member { merchant_id, .. } | Self::Affiliate { merchant_id, .. } => {
                Some(*merchant_id)
            }
            Self::Support => None,
        }
    }

    /// How the place is named in the form that chooses it.
    pub fn key(&self) -> String {
        match self {
            Self::Member { merchant_id, .. } => format!("member-{merchant_id}"),
            Self::Affiliate { merchant_id, affiliate_id, .. } => {
                format!("affiliate-{merchant_id}-{affiliate_id}")
            }
            Self::Support => "support".to_owned(),
        }
    }
}

/// The key of the place that was chosen; empty where none is.
pub(crate) fn chosen_workspace(session: &Session) -> AppResult<String> {
    Ok(session.get::<Workspace>(WORKSPACE)?.map(|place| place.key()).unwrap_or_default())
}

/// Lets the session go on under a new key with a new CSRF token, so that what was known of it before
/// is worth nothing: at every sign-in, and whenever a person's sessions were ended.
pub fn renew_session(session: &Session) -> AppResult<()> {
    session.renew();
    renew_csrf(session).map(drop)
}

/// A new CSRF token.
pub(crate) fn renew_csrf(session: &Session) -> AppResult<String> {
    let token = Alphanumeric.sample_string(&mut rand::rng(), 32);
    session.insert(TOKEN, &token)?;
    Ok(token)
}
