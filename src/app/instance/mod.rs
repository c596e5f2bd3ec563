//! State that an instance's processes share: the secret key, and which of them are serving.

pub mod key;
mod presence;
mod process;

pub(crate) use self::presence::Presence;
pub(crate) use self::process::serving;
