//! People: signing in and out, sessions, passwords, roles, who may reach which route.

mod access;
/// A person's own password.
pub mod account;
/// Where a person is signed in.
pub mod devices;
mod forms;
/// Menus.
pub mod frames;
mod guesses;
/// Sign-in, sign-out, the choice of a place.
pub mod handlers;
mod hashing;
mod letters;
mod limits;
/// Single-use links.
pub mod links;
mod locks;
mod model;
/// Layout data: who looks, which merchant, flash, alerts.
pub mod pages;
mod password;
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
pub use self::guesses::known_about;
pub use self::hashing::Hashing;
pub use self::limits::{Tries, network_of};
pub use self::locks::{lock_enabled_user, lock_open_merchant, lock_owner};
pub use self::model::{
    AffiliateSeat, Around, Merchant, NewUser, NewUserError, Person, Seat, StoreProblem, User,
    change_password, count_place, create_user, is_deserted, join, places_of,
};
pub use self::password::{PasswordRefusal, hash, is_outdated, judge, verify};
pub use self::route::{Access, Route, RouteTable};
pub use self::session_store::{ABSOLUTE_LIMIT, IDLE_LIMIT, PgSessions, end_sessions_of, sweep};
pub use self::viewing::{VIEW_LIMIT, Viewer, Viewing};
