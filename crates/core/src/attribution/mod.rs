//! Attribution: which affiliates are credited for an order, how much they earn, and why. No
//! database, clock or HTTP.
//!
//! [`decide`] computes every conversion that the order should have now. [`ledger_difference`]
//! computes the ledger entries to append.

mod commission;
mod contender;
mod decide;
pub mod input;
pub mod ledger;
pub mod record;
mod text;

pub use decide::decide;
pub use input::{
    CalculationLogic, Candidate, CandidateAffiliate, Commission, CommissionColumns, CommissionKind,
    ManualCredit, NegativeFees, OrdersCountWhen, Overrides, Precedence, Terms,
};
pub use ledger::{
    ChainedEntry, Components, EntryKind, LedgerBalance, LedgerEnd, NewLedgerEntry,
    ledger_difference,
};
pub use record::{
    Attribution, CandidateOutcome, CandidateResult, Credit, CreditKind, LineCommission, LostReason,
    Unqualified,
};

#[cfg(test)]
mod tests;
