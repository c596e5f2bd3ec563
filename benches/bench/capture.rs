//! What the server sends to the database, read from the database's own log and turned into a
//! pgbench script: the bound runs the very statements of today, whatever they are.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use crate::program::{OrderIds, Running};

/// One statement with its parameters.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    /// The process of the database that ran it.
    pid: i64,
    sql: String,
    parameters: Vec<Option<String>>,
}

/// The statements of everything that happens in `work`.
pub(crate) fn of(running: &Running, work: impl FnOnce()) -> Vec<Statement> {
    running.log_statements(true);
    let begin = running.log_length();
    work();
    std::thread::sleep(Duration::from_millis(60));
    running.log_statements(false);
    let log = running.log_from(begin);
    let statements = without_workers(log.lines().filter_map(read).collect());
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
    Some(Statement { pid: entry["pid"].as_i64()?, sql: sql.to_owned(), parameters })
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

/// What the workers did meanwhile is left out: they look for work under a scope of their own.
fn without_workers(statements: Vec<Statement>) -> Vec<Statement> {
    let mut working = HashSet::new();
    let of_the_request = |statement: &Statement| {
        if statement.sql.starts_with("BEGIN") && statement.sql.contains("'installation'") {
            working.insert(statement.pid);
        }
        let is_work = working.contains(&statement.pid);
        if matches!(statement.sql.as_str(), "COMMIT" | "ROLLBACK") {
            working.remove(&statement.pid);
        }
        !is_work
    };
    statements.into_iter().filter(of_the_request).collect()
}

/// A page's statements as a script, its parameters written out. What belongs to the session (its
/// key is random) stays as it was.
pub(crate) fn page_script(statements: &[Statement]) -> String {
    let script = |statement: &Statement| {
        let sql = statement.fill(|at| written(statement.parameters[at].as_deref()));
        format!("{};\n", sql.trim_end_matches(';'))
    };
    statements.iter().map(script).collect()
}

/// The statements of several credits as one script, in which every run is another order with one of
/// their codes.
pub(crate) struct CreditScript {
    /// For pgbench. It begins with reading one of `variants`.
    pub script: String,
    /// What differs from one code to the next: the rows of [`VARIANTS`].
    pub variants: Vec<Vec<String>>,
}

/// The table that holds [`CreditScript::variants`], beside the application's.
pub(crate) const VARIANTS: &str = "bench_variants";

/// One script and not one per code: its statements are prepared once per connection, as the
/// server's are. A captured credit that took another way than the first (an affiliate's first
/// order of a day, say) is left out.
pub(crate) fn credit_script(captured: &[(Vec<Statement>, OrderIds)]) -> CreditScript {
    let way = |statements: &[Statement]| -> Vec<String> {
        statements.iter().map(|statement| statement.sql.clone()).collect()
    };
    let first = &captured.first().expect("a credit was captured").0;
    let alike: Vec<&(Vec<Statement>, OrderIds)> =
        captured.iter().filter(|(statements, _)| way(statements) == way(first)).collect();
    let mut columns: Vec<Vec<String>> = Vec::new();
    let mut body = String::new();
    for (nth, statement) in first.iter().enumerate() {
        let sql = statement.fill(|at| {
            let values: Vec<Option<String>> = alike
                .iter()
                .map(|(statements, ids)| ids.named(statements[nth].parameters[at].as_deref()))
                .collect();
            parameter(values, &mut columns)
        });
        let returned = RETURNED.iter().find(|(start, _)| statement.sql.starts_with(start));
        body += &match returned {
            Some((_, prefix)) => format!("{sql} \\gset {prefix}\n"),
            None => format!("{};\n", sql.trim_end_matches(';')),
        };
    }
    let names: Vec<String> = (0..columns.len()).map(|at| format!("p{at}")).collect();
    let script = format!(
        "\\set ref random(1000000000000, 9000000000000000000)\n\\set variant random(0, {})\n\
         SELECT {} FROM {VARIANTS} WHERE variant = :variant \\gset\n{body}",
        alike.len() - 1,
        names.join(", "),
    );
    let row = |at: usize| columns.iter().map(|column| column[at].clone()).collect();
    CreditScript { script, variants: (0..alike.len()).map(row).collect() }
}

/// The keys that a statement gives back, and what its script calls them.
const RETURNED: [(&str, &str); 3] = [
    ("INSERT INTO orders ", "order_"),
    ("INSERT INTO deliveries ", "delivery_"),
    ("INSERT INTO conversions ", "conversion_"),
];

impl OrderIds {
    /// A value, or the variable that stands for what every order has of its own.
    fn named(&self, value: Option<&str>) -> Option<String> {
        let known = [
            (&self.order_ref, ":ref"),
            (&self.delivery_ref, ":ref"),
            (&self.order_id, ":order_id"),
            (&self.delivery_id, ":delivery_id"),
            (&self.conversion_id, ":conversion_id"),
        ];
        let value = value?;
        if value.strip_prefix('{').and_then(|value| value.strip_suffix('}'))
            == Some(self.order_ref.as_str())
        {
            return Some("ARRAY[:ref]".to_owned());
        }
        let named = known.into_iter().find(|(known, _)| *known == value);
        Some(named.map_or_else(|| value.to_owned(), |(_, variable)| variable.to_owned()))
    }
}

fn is_variable(value: &str) -> bool {
    value.starts_with(':') || value.starts_with("ARRAY[:")
}

/// A parameter of the script: a value that all captured credits have, or one of `columns`.
fn parameter(values: Vec<Option<String>>, columns: &mut Vec<Vec<String>>) -> String {
    let is_same = values.iter().all(|value| *value == values[0]);
    match &values[0] {
        Some(variable) if is_same && is_variable(variable) => variable.clone(),
        value if is_same => written(value.as_deref()),
        _ => {
            let values: Vec<String> = values
                .into_iter()
                .map(|value| value.expect("what differs is never NULL in some and not in others"))
                .collect();
            let known = columns.iter().position(|column| *column == values);
            let at = known.unwrap_or_else(|| {
                columns.push(values);
                columns.len() - 1
            });
            format!(":p{at}")
        }
    }
}

impl Statement {
    /// The text with `value` of each parameter's place, on one line.
    fn fill(&self, mut value: impl FnMut(usize) -> String) -> String {
        let mut sql = String::new();
        let mut rest = self.sql.as_str();
        while let Some(at) = rest.find('$') {
            sql += &rest[..at];
            let digits: String = rest[at + 1..].chars().take_while(char::is_ascii_digit).collect();
            rest = &rest[at + 1 + digits.len()..];
            let nth = digits.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
            match nth.filter(|at| *at < self.parameters.len()) {
                Some(at) => sql += &value(at),
                None => sql.push('$'),
            }
        }
        sql += rest;
        sql.replace('\n', " ")
    }
}

/// A value as pgbench must not misread it: it takes every colon before a name for a variable.
fn written(value: Option<&str>) -> String {
    let Some(value) = value else { return "NULL".to_owned() };
    let escaped = value.replace('\\', "\\\\").replace('\'', "''").replace(':', "\\x3a");
    format!("E'{escaped}'")
}
