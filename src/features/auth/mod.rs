//! Users: sign-in, sign-out, sessions, passwords, roles, and access to routes.

mod access;
pub(crate) mod account;
/// A person's sessions.
pub(crate) mod devices;
mod emails;
mod forms;
pub(crate) mod frames;
/// Sign-in, sign-out and the choice of a workspace.
pub(crate) mod handlers;
mod hashing;
mod limits;
pub mod links;
mod locks;
mod model;
/// Layout data: the person, the merchant, messages, alerts.
pub(crate) mod pages;
mod password;
mod personal_words;
/// Password resets.
pub mod resets;
mod route;
mod session_store;
/// Starts a session.
pub(crate) mod sign_in;
pub(crate) mod text;
pub(crate) mod two_factor;
/// Forms that were submitted without a session, saved until the person signs in again.
pub(crate) mod unsent;
mod viewing;

pub(crate) use self::access::{check, without_session};
pub(crate) use self::devices::Origin;
pub(crate) use self::forms::NewPassword;
pub(crate) use self::hashing::Hashing;
pub(crate) use self::limits::{AttemptLimits, network_of};
pub(crate) use self::locks::{lock_open_merchant, lock_owner};
pub(crate) use self::model::{AccountContext, User, change_password};
pub use self::model::{
    Merchant, NewUser, NewUserError, Person, StoreProblem, count_membership, create_user, join,
    workspaces_of,
};
pub(crate) use self::password::judge;
pub use self::password::{hash, is_outdated, verify};
pub use self::route::{Access, Route, RouteTable};
pub(crate) use self::session_store::{IDLE_LIMIT, PgSessions, end_sessions_of, sweep};
pub(crate) use self::viewing::VIEW_LIMIT;
pub use self::viewing::Viewing;
