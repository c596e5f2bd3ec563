//! People: signing in and out, sessions, passwords, roles, who may reach which route.

mod access;
/// A person's own password.
pub mod account;
/// Where a person is signed in.
pub mod devices;
mod emails;
mod forms;
/// Menus.
pub mod frames;
/// Sign-in, sign-out, the choice of a place.
pub mod handlers;
mod hashing;
mod limits;
/// Single-use links.
pub mod links;
mod locks;
mod model;
/// Layout data: who looks, which merchant, flash, alerts.
pub mod pages;
mod password;
mod personal_words;
/// A new password for who has forgotten theirs.
pub mod resets;
mod route;
mod session_store;
/// Beginning a session.
pub mod sign_in;
/// Two-factor sign-in.
pub mod two_factor;
/// What was typed before one had to sign in again.
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
