use serde::Serialize;

use crate::features::privacy::text;
use crate::features::team::MemberError;

/// How many rows of each kind were erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Erased {
    pub orders: usize,
    /// Webhook deliveries whose bodies were deleted.
    pub deliveries: usize,
    pub affiliates: usize,
    pub applications: usize,
    /// Customer Email triggers.
    pub triggers: usize,
    pub memberships: usize,
    /// Entries of the audit log and the ledger, and notes.
    pub lines: usize,
    /// Accounts without another membership.
    pub accounts: usize,
}

impl Erased {
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// Why a person can't be erased.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// The requester is a member and would erase themselves.
    #[error("{}", text::YOURSELF)]
    Yourself,
    #[error("{}", text::LAST_OWNER)]
    LastOwner,
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
}

impl From<MemberError> for ErasureError {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::LastOwner => Self::LastOwner,
            MemberError::Database(error) => Self::Database(error),
            MemberError::NotOwner => Self::Database(diesel::result::Error::NotFound),
        }
    }
}
