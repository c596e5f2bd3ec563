//! What people read about processed deliveries.

use std::fmt;

use serde::{Deserialize, Serialize};
use vouch_core::order::snapshot::IgnoredReason;
use vouch_platforms::{PayloadError, PayloadProblem};

use super::ledger::EntryReason;
use super::refund_reads::ReadProblem;
use crate::kit::web::numbers::counted;

/// The source of a ledger entry.
impl fmt::Display for EntryReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recalculation { cause } => cause.fmt(f),
            Self::ManualCredit { by, note } => write!(f, "{by}: {note}"),
        }
    }
}

/// Why a delivery failed, waits or was ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub(crate) enum DeliveryReason {
    NotAnOrder,
    /// The customer is still at the checkout.
    NotPlaced,
    /// Another webhook contains the edited order.
    OrderEdited,
    /// Another webhook contains the order.
    EmptyRefund,
    Uninstalled,
    /// The store doesn't have the order that the webhook names.
    OrderMissing,
    Unparseable {
        /// The path in the JSON; empty for the whole webhook.
        path: String,
        problem: PayloadProblem,
    },
    /// A value that the Calculation Logic includes isn't an amount.
    NotAnAmount {
        path: String,
    },
    /// It contains a value that no column can store.
    ImpossibleValue,
    /// An error in Vouch.
    OwnFault,
    /// The order couldn't be fetched from the store, and will be retried.
    FetchRetrying {
        problem: ReadProblem,
    },
    /// The order couldn't be fetched from the store.
    FetchFailed {
        problem: ReadProblem,
        attempts: i32,
    },
}

/// Why a recalculation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub(crate) enum RecalculationFailure {
    Internal {
        /// The error and its causes, as in the log.
        error: String,
    },
}

impl fmt::Display for RecalculationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Internal { error } = self;
        f.write_str(error)
    }
}

impl From<PayloadError> for DeliveryReason {
    fn from(PayloadError { path, problem }: PayloadError) -> Self {
        Self::Unparseable { path, problem }
    }
}

impl From<IgnoredReason> for DeliveryReason {
    fn from(reason: IgnoredReason) -> Self {
        match reason {
            IgnoredReason::NotAnOrder => Self::NotAnOrder,
            IgnoredReason::NotPlaced => Self::NotPlaced,
            IgnoredReason::OrderEdited => Self::OrderEdited,
            IgnoredReason::EmptyRefund => Self::EmptyRefund,
        }
    }
}

impl fmt::Display for DeliveryReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnOrder => f.write_str("This webhook isn’t about an order."),
            Self::NotPlaced => f.write_str("The customer hasn’t placed the order yet."),
            Self::OrderEdited => f.write_str("The edited order arrives in its own webhook."),
            Self::EmptyRefund => {
                f.write_str("The refund has no amount. The order arrives in its own webhook.")
            }
            Self::Uninstalled => f.write_str("Vouch was uninstalled from the store."),
            Self::OrderMissing => f.write_str("The store doesn’t have this order."),
            Self::Unparseable { path, problem } => {
                PayloadError::new(path.as_str(), problem.clone()).fmt(f)
            }
            Self::NotAnAmount { path } => {
                write!(f, "“{path}” isn’t a valid amount, and Calculation Logic includes it.")
            }
            Self::ImpossibleValue => {
                f.write_str("This webhook contains a value that can’t be stored.")
            }
            Self::OwnFault => f.write_str(
                "Vouch hit an internal error processing this webhook. If a retry fails too, \
                 contact your administrator.",
            ),
            Self::FetchRetrying { problem } => {
                write!(f, "We couldn’t fetch the order because {}. We’ll retry.", problem.label())
            }
            Self::FetchFailed { problem, attempts } => write!(
                f,
                "We couldn’t fetch the order after {} because {}.",
                counted(*attempts, "attempt", "attempts"),
                problem.label()
            ),
        }
    }
}

/// Why a webhook can't be retried.
pub(super) const BODY_GONE: &str =
    "The webhook’s body is no longer stored, so it can’t be retried.";
