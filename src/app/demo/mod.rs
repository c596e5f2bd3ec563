//! Programs to look at: a believable one with three months behind it, and big ones to measure.

mod applications;
pub mod bulk;
mod cast;
mod dice;
mod history;
mod letter;
mod people;
mod program;
mod shop;
mod store;

pub use self::letter::{Letter, letters};
pub use self::people::{LOGINS, Login, sign_in_with};
pub use self::program::{Loaded, load};
pub use self::store::DemoStore;
