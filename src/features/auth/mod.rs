//! Users: sign-in, sign-out, sessions, passwords, roles, and access to routes.

mod access;
pub mod account;
/// A person's sessions.
pub mod devices;
mod emails;
mod forms;
pub mod frames;
/// Sign-in, sign-out and the choice of a workspace.
pub mod handlers;
mod hashing;
mod limits;
pub mod links;
mod locks;
mod model;
/// Layout data: the person, the merchant, messages, alerts.
pub mod pages;
mod password;
mod personal_words;
/// Password resets.
pub mod resets;
mod route;
mod session_store;
/// Starts a session.
pub mod sign_in;
pub mod two_factor;
/// Forms that were submitted without a session, saved until the person signs in again.
pub mod unsent;
mod viewing;

pub use self::access::{check, without_session};
pub use self::devices::Origin;
pub use self::forms::NewPassword;
pub use self::hashing::Hashing;
pub use self::limits::{AttemptLimits, network_of};
pub use self::locks::{lock_enabled_user, lock_open_merchant, lock_owner};
pub use self::model::{
    AccountContext, AffiliateContext, MemberContext, Merchant, NewUser, NewUserError, Person,
    StoreProblem, User, change_password, count_membership, create_user, is_deserted, join,
    workspaces_of,
};
pub use self::password::{PasswordRefusal, hash, is_outdated, judge, verify};
pub use self::personal_words::personal_words_of;
pub use self::route::{Access, Route, RouteTable};
pub use self::session_store::{ABSOLUTE_LIMIT, IDLE_LIMIT, PgSessions, end_sessions_of, sweep};
pub use self::viewing::{VIEW_LIMIT, Viewer, Viewing};
