//! What applicants sent, and the codes that they and affiliates asked for: the rows, for whoever shows
//! them. `registration` and `code_requests` write and decide them.

mod application;
mod code_request;

pub use self::application::{Answer, Application};
pub(crate) use self::code_request::waiting;
pub use self::code_request::{CodeRequest, CodeRequestOrigin, CodeRequestStatus};
