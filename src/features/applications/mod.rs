//! Applications and code requests: the rows, for the features that show them. `registration` and
//! `code_requests` create and decide them.

mod application;
mod code_request;

pub(crate) use self::application::{Application, FieldAnswer};
pub use self::code_request::CodeRequestOrigin;
pub(crate) use self::code_request::waiting;
pub(crate) use self::code_request::{CodeRequest, CodeRequestStatus};
