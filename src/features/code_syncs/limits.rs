//! Which of a store's codes count in a sync check although no trigger has them.

use diesel::prelude::*;
use vouch_core::code::key_of_reported_code;

use super::text;
use crate::features::audit::{Act, AuditEvent};
use crate::features::stores::Store;
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::db::schema::stores;

const MAX_LINES: usize = 200;
/// The maximum length of a line, in characters: a code and the star.
const MAX_CHARS: usize = 51;

/// Normalized codes, or prefixes of them with a `*` at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountedCodes(Vec<String>);

/// The rule that the list breaks, with a message for the form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    #[error("{}", text::misplaced_star(.0))]
    Star(String),
    #[error("{}", text::spaces(.0))]
    Space(String),
    #[error("{}", text::too_long(.0, MAX_CHARS))]
    TooLong(String),
    #[error("{}", text::too_many_lines(MAX_LINES))]
    TooMany,
}

impl CountedCodes {
    /// Parses one code or prefix per line. Fails with [`LimitError`] for the first invalid line.
    pub fn parse(typed: &str) -> Result<Self, LimitError> {
        let mut lines = Vec::new();
        for line in typed.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let shown = || line.chars().take(60).collect::<String>();
            let key = key_of_reported_code(line);
            if key.chars().count() > MAX_CHARS {
                return Err(LimitError::TooLong(shown()));
            }
            if key.contains(char::is_whitespace) {
                return Err(LimitError::Space(shown()));
            }
            if key.trim_end_matches('*').contains('*') || key.ends_with("**") {
                return Err(LimitError::Star(shown()));
            }
            if !lines.contains(&key) {
                lines.push(key);
            }
        }
        if lines.len() > MAX_LINES {
            return Err(LimitError::TooMany);
        }
        Ok(Self(lines))
    }

    pub(super) fn of_column(lines: &[Option<String>]) -> Self {
        Self(lines.iter().flatten().cloned().collect())
    }

    pub(crate) fn include(&self, key: &str) -> bool {
        self.0.iter().any(|line| match line.strip_suffix('*') {
            Some(beginning) => key.starts_with(beginning),
            None => key == line,
        })
    }

    /// As typed, one per line.
    pub(crate) fn text(&self) -> String {
        self.0.join("\n")
    }
}

pub(crate) fn counted_codes(conn: &mut PgConnection, store: &Store) -> QueryResult<CountedCodes> {
    let lines: Vec<Option<String>> = stores::table
        .find((store.merchant_id, store.id))
        .select(stores::counted_codes)
        .first(conn)?;
    Ok(CountedCodes::of_column(&lines))
}

/// Saves the codes that count from now on. A running check restarts automatically.
pub fn set_counted_codes(
    conn: &mut PgConnection,
    actor: &Actor,
    store: &Store,
    counted: &CountedCodes,
) -> QueryResult<()> {
    conn.transaction(|conn| {
        let before = counted_codes(conn, store)?;
        if before == *counted {
            return Ok(());
        }
        diesel::update(stores::table.find((store.merchant_id, store.id)))
            .set(stores::counted_codes.eq(counted.0.iter().map(Some).collect::<Vec<_>>()))
            .execute(conn)?;
        let event = AuditEvent::CountedCodesChanged { store: store.name.clone() };
        let act = Act {
            before: Some(serde_json::json!(before.0)),
            after: Some(serde_json::json!(counted.0)),
            ..Act::new(event, SubjectKind::Store, Some(store.id))
        };
        record(conn, actor, act)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_code_or_a_beginning_of_codes() {
        let counted = CountedCodes::parse(" vip* \n\nSummer26\nSUMMER26\n").unwrap();
        assert_eq!(counted.text(), "VIP*\nSUMMER26");
        for key in ["VIP", "VIP-7", "SUMMER26"] {
            assert!(counted.include(key), "{key}");
        }
        for key in ["VI", "SUMMER261", "SUMMER2", ""] {
            assert!(!counted.include(key), "{key}");
        }
        assert!(CountedCodes::parse("*").unwrap().include("ANYTHING"));
        assert!(!CountedCodes::parse("\n \n").unwrap().include("ANYTHING"));
    }

    #[test]
    fn what_no_code_fits_is_refused() {
        assert_eq!(CountedCodes::parse("A*B"), Err(LimitError::Star("A*B".into())));
        assert_eq!(CountedCodes::parse("A**"), Err(LimitError::Star("A**".into())));
        assert_eq!(CountedCodes::parse("A B"), Err(LimitError::Space("A B".into())));
        assert!(matches!(CountedCodes::parse(&"A".repeat(52)), Err(LimitError::TooLong(_))));
        let many: Vec<String> = (0..=MAX_LINES).map(|n| n.to_string()).collect();
        assert_eq!(CountedCodes::parse(&many.join("\n")), Err(LimitError::TooMany));
    }
}
