//! How many rows every table has, in a database and in a backup.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, ensure};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::programs::Programs;
use crate::app::commands::text::{not_a_backup, row_difference};

/// Rows by table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts(BTreeMap<String, i64>);

impl Counts {
    pub(super) fn tables(&self) -> usize {
        self.0.len()
    }

    pub(super) fn rows(&self) -> i64 {
        self.0.values().sum()
    }

    /// The first table that has another number of rows in `other`.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        let tables = self.0.keys().chain(other.0.keys());
        let mut differing = tables.filter(|table| self.0.get(*table) != other.0.get(*table));
        let table = differing.next()?;
        let has = |counts: &Self| counts.0.get(table).copied().unwrap_or_default();
        Some(row_difference(table, has(other), has(self)))
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Those of a database, as the connection sees them.
pub(super) fn of_database(conn: &mut PgConnection) -> QueryResult<Counts> {
    let tables: Vec<Row> = diesel::sql_query(
        "SELECT quote_ident(relname) AS table_name, 0::bigint AS number FROM pg_class \
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
    )
    .load(conn)?;
    let mut counts = Counts::default();
    for Row { table_name, .. } in tables {
        let query = format!("SELECT '' AS table_name, count(*) AS number FROM public.{table_name}");
        let row: Row = diesel::sql_query(query).get_result(conn)?;
        counts.0.insert(table_name, row.number);
    }
    Ok(counts)
}

/// Those of a backup.
pub(super) fn of_file(programs: &Programs, file: &Path) -> anyhow::Result<Counts> {
    let mut child = programs
        .rows_of(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("can't run pg_restore")?;
    let output = child.stdout.take().context("pg_restore has no output")?;
    let counts = of_copies(BufReader::with_capacity(1 << 16, output));
    let status = child.wait()?;
    ensure!(status.success(), not_a_backup(file));
    Ok(counts?)
}

/// Each table's rows follow a line with `COPY`, one a line, and end with `\.`.
fn of_copies(mut lines: impl BufRead) -> std::io::Result<Counts> {
    let mut counts = Counts::default();
    let mut table: Option<String> = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(counts);
        }
        match &table {
            Some(_) if line == b"\\.\n" => table = None,
            Some(name) => *counts.0.entry(name.clone()).or_default() += 1,
            None => {
                table = table_of(&line);
                if let Some(name) = &table {
                    counts.0.insert(name.clone(), 0);
                }
            }
        }
    }
}

fn table_of(line: &[u8]) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?.trim_end();
    let rest = line.strip_suffix(" FROM stdin;")?.strip_prefix("COPY public.")?;
    Some(rest.split_once(" (").map_or(rest, |(name, _)| name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_look_like_the_end_or_the_next_table_are_rows() {
        let text = b"SET x;\nCOPY public.orders (id, name) FROM stdin;\n1\tCOPY public.a (b) FROM stdin;\n\
            2\t\\\\.\n\\.\n\nCOPY public.empty (id) FROM stdin;\n\\.\n";
        let counts = of_copies(&text[..]).unwrap();
        let expected = [("orders".to_owned(), 2), ("empty".to_owned(), 0)];
        assert_eq!(counts, Counts(expected.into()));
        assert_eq!(counts.rows(), 2);
        let fewer = Counts([("orders".to_owned(), 1), ("empty".to_owned(), 0)].into());
        assert!(counts.difference(&fewer).unwrap().contains("orders has 1 of 2 rows"));
        assert!(counts.difference(&counts).is_none());
    }
}
