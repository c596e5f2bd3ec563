//! Demo programs: a realistic one with three months of history, and large ones for performance
//! tests.

mod applications;
pub mod bulk;
mod catalog;
mod history;
mod people;
mod program;
mod random;
mod roles;
mod store;
mod webhook;

pub(crate) use self::people::DemoUser;
pub use self::people::{LOGINS, sign_in_with};
pub use self::program::{Loaded, load};
pub(crate) use self::store::DemoStore;
pub use self::webhook::{DemoWebhook, webhooks};
