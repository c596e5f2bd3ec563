//! What the server sends to the database, read from the database's own log and turned into a
//! pgbench script: the bound runs the very statements of today, whatever they are.

use std::time::Duration;

use serde_json::Value;

use crate::program::{OrderIds, Running};

/// One statement with its parameters.
#[derive(Clone, Debug)]
pub struct Statement {
    sql: String,
    parameters: Vec<Option<String>>,
}

/// The statements of everything that happens in `work`.
pub fn of(running: &Running, work: impl FnOnce()) -> Vec<Statement> {
    running.log_statements(true);
    let begin = running.log_length();
    work();
    std::thread::sleep(Duration::from_millis(60));
    running.log_statements(false);
    let log = running.log_from(begin);
    let statements: Vec<Statement> = log.lines().filter_map(read).collect();
    assert!(!statements.is_empty(), "the server was not seen to send anything");
    statements
}

fn read(line: &str) -> Option<Statement> {
    let entry: Value = serde_json::from_str(line).ok()?;
    if entry["user"] != "vouch" {
        return None;
    }
    let message = entry["message"].as_str()?;
    let sql = match message.strip_prefix("statement: ") {
        Some(sql) => sql,
        None => message.strip_prefix("execute ")?.split_once(": ")?.1,
    };
    let detail = entry["detail"].as_str().unwrap_or_default();
    let parameters = detail.strip_prefix("parameters: ").map(parameters).unwrap_or_default();
    Some(Statement { sql: sql.to_owned(), parameters })
}

/// `$1 = 'it''s', $2 = NULL` as values.
fn parameters(mut text: &str) -> Vec<Option<String>> {
    let mut values = Vec::new();
    while let Some((_, rest)) = text.split_once(" = ") {
        let Some(quoted) = rest.strip_prefix('\'') else {
            values.push(None);
            text = rest.strip_prefix("NULL").unwrap_or(rest);
            continue;
        };
        let mut value = String::new();
        let mut chars = quoted.char_indices().peekable();
        let mut end = quoted.len();
        while let Some((at, c)) = chars.next() {
            if c != '\'' {
                value.push(c);
            } else if chars.peek().is_some_and(|(_, next)| *next == '\'') {
                value.push('\'');
                chars.next();
            } else {
                end = at + 1;
                break;
            }
        }
        values.push(Some(value));
        text = &quoted[end..];
    }
    values
}

/// A page's statements as a script, its parameters written out. What belongs to the session (its
/// key is random) stays as it was.
pub fn page_script(statements: &[Statement]) -> String {
    statements.iter().map(|statement| statement.script(&[], None)).collect()
}

/// A credit's statements as a script in which every run is another order.
pub fn credit_script(statements: &[Statement], ids: &OrderIds) -> String {
    let known = [
        (ids.order_ref.as_str(), ":ref"),
        (ids.delivery_ref.as_str(), ":ref"),
        (ids.order_id.as_str(), ":order_id"),
        (ids.delivery_id.as_str(), ":delivery_id"),
        (ids.conversion_id.as_str(), ":conversion_id"),
    ];
    let mut script = String::from("\\set ref random(1000000000000, 9000000000000000000)\n");
    for statement in statements {
        let returned = ["orders", "deliveries", "conversions"]
            .into_iter()
            .find(|table| statement.sql.starts_with(&format!("INSERT INTO {table} ")));
        let prefix = returned.map(|table| match table {
            "orders" => "order_",
            "deliveries" => "delivery_",
            _ => "conversion_",
        });
        script += &statement.script(&known, prefix);
    }
    script
}

impl Statement {
    fn script(&self, known: &[(&str, &str)], gset: Option<&str>) -> String {
        let mut sql = String::new();
        let mut rest = self.sql.as_str();
        while let Some(at) = rest.find('$') {
            sql += &rest[..at];
            let digits: String = rest[at + 1..].chars().take_while(char::is_ascii_digit).collect();
            rest = &rest[at + 1 + digits.len()..];
            let value = digits.parse::<usize>().ok().and_then(|n| self.parameters.get(n - 1));
            sql += &value.map_or_else(|| "$".to_owned(), |value| written(value.as_deref(), known));
        }
        sql += rest;
        let sql = sql.replace('\n', " ");
        match gset {
            Some(prefix) => format!("{sql} \\gset {prefix}\n"),
            None => format!("{};\n", sql.trim_end_matches(';')),
        }
    }
}

/// A value as pgbench must not misread it: it takes every colon before a name for a variable.
fn written(value: Option<&str>, known: &[(&str, &str)]) -> String {
    let Some(value) = value else { return "NULL".to_owned() };
    if let Some((_, variable)) = known.iter().find(|(known, _)| *known == value) {
        return (*variable).to_owned();
    }
    let escaped = value.replace('\\', "\\\\").replace('\'', "''").replace(':', "\\x3a");
    format!("E'{escaped}'")
}
