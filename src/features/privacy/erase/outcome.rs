use serde::Serialize;

use crate::features::team::MemberError;

/// What a person was erased from, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Erased {
    pub orders: usize,
    /// Webhook deliveries whose bodies are gone.
    pub deliveries: usize,
    pub affiliates: usize,
    pub applications: usize,
    /// Customer Email triggers.
    pub triggers: usize,
    pub memberships: usize,
    /// Lines of the audit log, the ledger and notes.
    pub lines: usize,
    /// Accounts that had no other place.
    pub accounts: usize,
}

impl Erased {
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// Why a person can't be erased.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Who asks for it works for the merchant, and would erase themselves.
    #[error("You can’t erase yourself. Ask another owner.")]
    Yourself,
    /// They are the only owner.
    #[error("This person is the program’s only owner. Make another member an owner first.")]
    LastOwner,
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
}

impl From<MemberError> for Refused {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::LastOwner => Self::LastOwner,
            MemberError::Database(error) => Self::Database(error),
            MemberError::NotOwner => Self::Database(diesel::result::Error::NotFound),
        }
    }
}
