//! Applications and code requests: the rows, for the features that show them. `registration` and
//! `code_requests` create and decide them.

mod application;
mod code_request;

pub use self::application::{Answer, Application};
pub(crate) use self::code_request::waiting;
pub use self::code_request::{CodeRequest, CodeRequestOrigin, CodeRequestStatus};
