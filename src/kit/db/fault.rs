//! What a failed statement says of the work that it was part of.
//!
//! Diesel names the SQLSTATEs of broken constraints and of a few conflicts; of all others it gives the
//! message alone, in the server's own language. So the question is asked the safe way round: what
//! is known not to pass is named here, and everything else passes: a full disk (53100), no memory
//! (53200), too many connections (53300), a shutdown (57P01 to 57P03), an I/O error (58030), a
//! lock that isn't had in time (55P03), a deadlock (40P01), a statement that took too long (57014). A
//! store then sends its webhook again, and a job is tried again later.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};

use crate::kit::error::AppError;

/// What a failure means for the same work, done once more later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It can succeed: nothing was changed, and nothing is wrong with the work itself.
    Passing,
    /// It fails in the same way: it holds a value that no row can hold.
    Value,
    /// It fails in the same way until Vouch is fixed: it broke a rule of the schema, or its statement can't
    /// be carried out.
    Own,
}

impl Fault {
    /// What `error` means.
    pub fn of(error: &Error) -> Self {
        match error {
            Error::DatabaseError(kind, info) => Self::of_database(kind, info.as_ref()),
            Error::BrokenTransactionManager => Self::Passing,
            Error::RollbackErrorOnCommit { commit_error, .. } => Self::of(commit_error),
            Error::InvalidCString(_) => Self::Value,
            _ => Self::Own,
        }
    }

    fn of_database(kind: &DatabaseErrorKind, info: &dyn DatabaseErrorInformation) -> Self {
        match kind {
            DatabaseErrorKind::UniqueViolation
            | DatabaseErrorKind::ForeignKeyViolation
            | DatabaseErrorKind::NotNullViolation
            | DatabaseErrorKind::CheckViolation
            | DatabaseErrorKind::RestrictViolation
            | DatabaseErrorKind::ExclusionViolation => Self::Own,
            DatabaseErrorKind::Unknown if is_impossible_value(info.message()) => Self::Value,
            // The server points at a place in the statement: a table or a column that isn't there.
            DatabaseErrorKind::Unknown
                if info.statement_position().is_some() && !is_cut_short(info.message()) =>
            {
                Self::Own
            }
            _ => Self::Passing,
        }
    }
}

impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        if matches!(error, Error::NotFound) {
            return Self::NotFound;
        }
        match Fault::of(&error) {
            Fault::Passing => {
                tracing::warn!(%error, "the database could not do it now");
                Self::Unavailable
            }
            Fault::Value => {
                // The readers of requests refuse such values: one that comes this far is a gap there.
                tracing::warn!(%error, "a value reached the database that it can't store");
                Self::BadRequest("Go back, check what you typed and try again.".into())
            }
            Fault::Own => Self::Internal(error.into()),
        }
    }
}

/// Whether the statement was ended from outside. That has a place too where it happened while the server
/// still read the statement: it takes the locks of the tables then.
fn is_cut_short(message: &str) -> bool {
    ["canceling statement", "deadlock detected", "terminating connection"]
        .iter()
        .any(|words| message.starts_with(words))
}

/// Whether the database refused a value that no row can hold: text that isn't valid (SQLSTATE 22021,
/// 22P05), a moment or a number out of its range (22008, 22003), a value of another type (22P02), or
/// one too large for an index (54000).
///
/// This reads PostgreSQL's own English; a server that speaks another language passes such a value off
/// as a fault that passes. The embedded one speaks English, and so does one that lets the server's role
/// choose (`GRANT SET ON PARAMETER lc_messages`, from PostgreSQL 15 on).
fn is_impossible_value(message: &str) -> bool {
    const BEGINNINGS: [&str; 5] = [
        "invalid byte sequence for encoding",
        "unsupported Unicode escape sequence",
        "character with byte sequence",
        "invalid input syntax for type",
        "index row ",
    ];
    const ENDS: [&str; 2] = [" out of range", " field overflow"];
    BEGINNINGS.iter().any(|words| message.starts_with(words))
        || ENDS.iter().any(|words| message.ends_with(words))
        || message.contains(" out of range for ")
        || message.contains(" is out of range ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(kind: DatabaseErrorKind, message: &str) -> Error {
        Error::DatabaseError(kind, Box::new(message.to_owned()))
    }

    #[test]
    fn what_is_not_known_passes_in_any_language() {
        for message in [
            "could not extend file \"base/5/1259\": No space left on device",
            "konnte Datei »base/5/1259« nicht erweitern: Auf dem Gerät ist kein Speicherplatz mehr verfügbar",
            "out of memory",
            "sorry, too many clients already",
            "terminating connection due to administrator command",
            "canceling statement due to lock timeout",
            "deadlock detected",
        ] {
            assert_eq!(Fault::of(&database(DatabaseErrorKind::Unknown, message)), Fault::Passing);
        }
        for kind in [
            DatabaseErrorKind::ClosedConnection,
            DatabaseErrorKind::ReadOnlyTransaction,
            DatabaseErrorKind::SerializationFailure,
            DatabaseErrorKind::UnableToSendCommand,
        ] {
            assert_eq!(Fault::of(&database(kind, "")), Fault::Passing);
        }
        assert_eq!(Fault::of(&Error::BrokenTransactionManager), Fault::Passing);
    }

    /// What the server says, and that it points at the statement.
    struct Placed(&'static str);

    impl DatabaseErrorInformation for Placed {
        fn message(&self) -> &str {
            self.0
        }
        fn details(&self) -> Option<&str> {
            None
        }
        fn hint(&self) -> Option<&str> {
            None
        }
        fn table_name(&self) -> Option<&str> {
            None
        }
        fn column_name(&self) -> Option<&str> {
            None
        }
        fn constraint_name(&self) -> Option<&str> {
            None
        }
        fn statement_position(&self) -> Option<i32> {
            Some(162)
        }
    }

    #[test]
    fn a_lock_that_is_waited_for_while_a_statement_is_read_passes() {
        let placed = |message| {
            Fault::of(&Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(Placed(message))))
        };
        for message in [
            "canceling statement due to lock timeout",
            "canceling statement due to statement timeout",
            "deadlock detected",
        ] {
            assert_eq!(placed(message), Fault::Passing, "{message}");
        }
        assert_eq!(placed("column \"gone\" does not exist"), Fault::Own);
    }

    #[test]
    fn values_and_broken_rules_do_not_pass() {
        for message in ["integer out of range", "invalid byte sequence for encoding \"UTF8\": 0x00"]
        {
            assert_eq!(Fault::of(&database(DatabaseErrorKind::Unknown, message)), Fault::Value);
        }
        for kind in [DatabaseErrorKind::UniqueViolation, DatabaseErrorKind::CheckViolation] {
            assert_eq!(Fault::of(&database(kind, "")), Fault::Own);
        }
        assert_eq!(Fault::of(&Error::NotFound), Fault::Own);
    }
}
