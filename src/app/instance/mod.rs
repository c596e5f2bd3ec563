//! What the processes of an instance have in common: the secret key, and which of them serve.

/// Which secret key the database's secrets are encrypted with.
pub mod key;
mod presence;
mod process;

pub use self::presence::Presence;
pub use self::process::{ServerProcess, serving};
