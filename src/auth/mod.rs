//! People: signing in and out, sessions, passwords, roles, who may reach which route.

mod access;
mod forms;
/// Sign-in, sign-out, the choice of a place.
pub mod handlers;
mod limits;
mod model;
mod password;
mod session_store;

pub use self::access::{Access, check};
pub use self::forms::NewPassword;
pub use self::limits::Tries;
pub use self::model::{
    Merchant, NewUser, NewUserError, Person, Place, Role, Seat, User, create_user, email_key, join,
    places_of,
};
pub use self::password::{Hashing, PasswordRefusal, hash, judge};
pub use self::session_store::{ABSOLUTE_LIMIT, IDLE_LIMIT, PgSessions, end_sessions_of, sweep};
