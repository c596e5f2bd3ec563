//! Who is credited for an order, with how much, and why. Pure: no database, no clock, no HTTP.
//!
//! [`decide`] works out from all that is known what every conversion of an order should be now;
//! [`ledger_difference`] what is to be appended to a ledger so that it says so.

mod commission;
mod contender;
mod decide;
pub mod input;
pub mod ledger;
pub mod record;
mod words;

pub use decide::decide;
pub use input::{
    Candidate, CandidateAffiliate, Commission, CommissionColumns, CommissionKind, ManualCredit,
    NegativeFees, OrdersCountWhen, Overrides, Precedence, Rules, Terms,
};
pub use ledger::{
    ChainedEntry, Components, EntryKind, Held, LedgerEnd, NewEntry, ledger_difference,
};
pub use record::{
    Attribution, CandidateOutcome, CandidateResult, Credit, CreditKind, LineCommission, LostReason,
    Unqualified,
};

#[cfg(test)]
mod tests;
