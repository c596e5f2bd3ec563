//! The text of the API's responses. Clients read the codes, and people read this.

use std::fmt;

use super::code::ProblemCode;

impl fmt::Display for ProblemCode {
    /// The title.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unauthorized => "API key required",
            Self::MissingScope => "API key lacks a scope",
            Self::InvalidOrder => "Order not saved",
            Self::OrderConflict => "Order conflict",
            Self::InvalidTrigger => "Conversion trigger not created",
            Self::InvalidQuery => "Invalid query",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::UrlTooLong => "URL too long",
            Self::HeadersTooLong => "Headers too long",
            Self::TooLarge => "Request too large",
            Self::BadRequest => "Invalid request",
            Self::TooManyRequests => "Too many requests",
            Self::Unavailable => "Temporarily unavailable",
            Self::OutcomeUnknown => "Outcome unknown",
            Self::InternalError => "Internal error",
        })
    }
}

pub(super) const UNAUTHORIZED: &str = "Send an active API key from Account > Settings > API in the header “Authorization: Bearer vk_…”.";

pub(super) fn missing_scope(scope: &str) -> String {
    format!(
        "This request needs the scope `{scope}`. Create an API key with it under Account > Settings > API."
    )
}

pub(super) const INVALID_ORDER: &str =
    "The order wasn’t saved. Fix the fields listed in `errors` and retry.";
pub(super) const INVALID_TRIGGER: &str =
    "The conversion trigger wasn’t created. Fix the fields listed in `errors` and retry.";
pub(super) const INVALID_QUERY: &str = "Fix the parameters listed in `errors` and retry.";

pub(super) const ORDER_CONFLICT: &str = "Vouch already has a different report of this order with this `updated_at`. Nothing was changed, and `known` has the saved report. To correct the order, send it with a later `updated_at`.";

pub(super) const NOT_FOUND: &str = "Check the path and the ID.";
pub(super) const METHOD_NOT_ALLOWED: &str = "Use one of the methods in the Allow header.";
pub(super) const URL_TOO_LONG: &str = "Send a URL of 8 KiB or less.";
pub(super) const HEADERS_TOO_LONG: &str = "Send headers of 32 KiB or less.";
pub(super) const TOO_LARGE: &str = "Send one order or one conversion trigger per request.";
pub(super) const TOO_MANY_REQUESTS: &str =
    "Wait the number of seconds in the Retry-After header, then retry.";
pub(super) const UNAVAILABLE: &str = "Nothing was saved. Retry in a few seconds.";
pub(super) const OUTCOME_UNKNOWN: &str =
    "The request may have been saved. Retry it, because the same request is processed once.";
pub(super) const INTERNAL_ERROR: &str =
    "Vouch logged the error. Retry the request, because the same request is processed once.";

pub(super) const STORED: &str = "The order is saved but not processed yet. Vouch retries automatically, so don’t send it again. The program’s dashboard shows it until then.";

// Fields

pub(super) const TRIGGER_TYPES: &str = "Must be one of: coupon_code, customer_email, sku.";
pub(super) const TRIGGER_STATES: &str = "Must be one of: active, retired.";

pub(super) fn unparseable(error: impl fmt::Display) -> String {
    format!("{error}.")
}

/// How a code that stores already have can be created.
pub(super) fn with_only_in_vouch(reason: &str) -> String {
    format!("{reason} To add a code that your stores already have, set `only_in_vouch` to true.")
}

pub(super) fn with_override(reason: &str) -> String {
    format!(
        "{reason} To create it anyway, set `override_exclusions` to true. The audit log records that."
    )
}

pub(super) fn with_available(reason: &str, available: &[String]) -> String {
    format!("{reason} Available: {}.", available.join(", "))
}
