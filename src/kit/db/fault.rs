//! Decides whether work that failed in the database can succeed later.
//!
//! Diesel only exposes the SQLSTATEs of broken constraints and a few conflicts. For all other
//! errors it only gives the message, in the server's language. So permanent errors are listed here,
//! and all others count as temporary. Then the store sends its webhook again, and a job is retried.
//!
//! Temporary are, for example: a full disk (53100), no memory (53200), too many connections (53300),
//! a shutdown (57P01 to 57P03), an I/O error (58030), a lock timeout (55P03), a deadlock (40P01) and a
//! statement timeout (57014).

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};

use crate::kit::error::AppError;

/// Whether the same work can succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It can succeed: nothing was changed, and the work itself is valid.
    Passing,
    /// It fails again, because it contains a value that no row can hold.
    Value,
    /// It fails again until Vouch is fixed: it broke a rule of the schema, or its statement is
    /// invalid.
    Own,
}

impl Fault {
    pub(crate) fn of(error: &Error) -> Self {
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
            // The message points at a position in the statement, for example at an unknown table or
            // column.
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
                tracing::warn!(%error, "database_unavailable");
                Self::Unavailable
            }
            Fault::Value => {
                // The parsers of requests reject such values, so this value reveals a gap there.
                tracing::warn!(%error, "database_value_rejected");
                Self::BadRequest("Go back, check what you entered and try again.".into())
            }
            Fault::Own => Self::Internal(error.into()),
        }
    }
}

/// Whether the statement was canceled. This error has a position too if it occurs while the server
/// still parses the statement, because it locks the tables then.
fn is_cut_short(message: &str) -> bool {
    ["canceling statement", "deadlock detected", "terminating connection"]
        .iter()
        .any(|words| message.starts_with(words))
}

/// Whether the database rejected a value that no row can hold.
///
/// * Invalid text (SQLSTATE 22021, 22P05).
/// * A timestamp or number out of range (22008, 22003).
/// * A value of the wrong type (22P02), or one too large for an index (54000).
///
/// It parses PostgreSQL's English messages. On a server with another language, such a value counts
/// as a temporary fault. The embedded server uses English. So does every server that lets Vouch's
/// role choose (`GRANT SET ON PARAMETER lc_messages`, since PostgreSQL 15).
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

    /// A server message with a position in the statement.
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
