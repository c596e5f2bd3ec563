//! The contents of a browser session, by key, and the context that the user chose.

use actix_session::Session;
use rand::distr::{Alphanumeric, SampleString};
use serde::{Deserialize, Serialize};

use crate::kit::db::text_enum;
use crate::kit::error::AppResult;

/// The signed-in user.
pub(crate) const USER_ID: &str = "user_id";
/// The CSRF token of its forms.
pub(crate) const TOKEN: &str = "csrf";
/// The message for the next page.
pub(crate) const FLASH: &str = "flash";
/// The chosen context.
pub(crate) const WORKSPACE: &str = "place";

text_enum! {
    /// A member's rights. Each role includes the rights of the roles after it.
    pub enum Role {
        /// Can do everything, including people and API keys.
        Owner = "owner", "Owner";
        /// Can do everything except people and API keys.
        Admin = "admin", "Admin";
        /// Can view but not change anything.
        Viewer = "viewer", "Viewer";
    }
}

impl Role {
    /// Whether this role includes the rights of `needed`.
    pub fn covers(self, needed: Self) -> bool {
        self <= needed
    }
}

/// A context that a user can choose after sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Workspace {
    /// A merchant's pages, for a member.
    Member {
        merchant_id: i64,
        /// The merchant's name.
        merchant: String,
        role: Role,
    },
    /// The portal of an affiliate in a program.
    Affiliate {
        merchant_id: i64,
        /// The merchant's name.
        merchant: String,
        affiliate_id: i64,
    },
    /// The pages of support staff.
    Support,
}

impl Workspace {
    /// The first page of the context.
    pub(crate) fn home(&self) -> &'static str {
        match self {
            Self::Member { .. } => "/dashboard",
            Self::Affiliate { .. } => "/portal",
            Self::Support => "/support/merchants",
        }
    }

    /// Whether `path` belongs to this context. The contexts of a user share no pages.
    pub(crate) fn has(&self, path: &str) -> bool {
        let of_affiliates = path.starts_with("/portal");
        let of_support = path.starts_with("/support");
        match self {
            Self::Member { .. } => !of_affiliates && !of_support,
            Self::Affiliate { .. } => of_affiliates,
            Self::Support => of_support,
        }
    }

    /// The merchant whose rows it shows.
    pub(crate) fn merchant_id(&self) -> Option<i64> {
        match self {
            Self::Member { merchant_id, .. } | Self::Affiliate { merchant_id, .. } => {
                Some(*merchant_id)
            }
            Self::Support => None,
        }
    }

    /// The value in the form that chooses the context.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Member { merchant_id, .. } => format!("member-{merchant_id}"),
            Self::Affiliate { merchant_id, affiliate_id, .. } => {
                format!("affiliate-{merchant_id}-{affiliate_id}")
            }
            Self::Support => "support".to_owned(),
        }
    }
}

/// The key of the chosen context; empty if there is none.
pub(crate) fn chosen_workspace(session: &Session) -> AppResult<String> {
    Ok(session.get::<Workspace>(WORKSPACE)?.map(|workspace| workspace.key()).unwrap_or_default())
}

/// Gives the session a new key and a new CSRF token, so that the old ones are useless. Call it at
/// every sign-in, and when a user's sessions are ended.
pub(crate) fn renew_session(session: &Session) -> AppResult<()> {
    session.renew();
    renew_csrf(session).map(drop)
}

/// Creates a new CSRF token.
pub(crate) fn renew_csrf(session: &Session) -> AppResult<String> {
    let token = Alphanumeric.sample_string(&mut rand::rng(), 32);
    session.insert(TOKEN, &token)?;
    Ok(token)
}
