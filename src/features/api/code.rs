use serde::Serialize;
use utoipa::ToSchema;

/// The kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProblemCode {
    Unauthorized,
    MissingScope,
    InvalidOrder,
    OrderConflict,
    InvalidTrigger,
    InvalidQuery,
    NotFound,
    MethodNotAllowed,
    UrlTooLong,
    HeadersTooLong,
    TooLarge,
    BadRequest,
    TooManyRequests,
    Unavailable,
    /// The connection to the database broke during a commit.
    OutcomeUnknown,
    InternalError,
}
