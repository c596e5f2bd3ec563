use super::Fragment;
use super::rules::PLACEHOLDER;

/// Names of macros and calls whose text only developers and logs see.
const UNSEEN: [&str; 26] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "bail",
    "concat",
    "debug",
    "debug_assert",
    "env",
    "error",
    "event",
    "expect",
    "expect_err",
    "include_str",
    "info",
    "info_span",
    "named",
    "panic",
    "sql_query",
    "statement",
    "todo",
    "trace",
    "unreachable",
    "warn",
    "span",
    "batch_execute",
    "execute",
];

struct Literal {
    line: usize,
    text: String,
    /// The names of the calls and macros around it, the innermost last.
    calls: Vec<String>,
    is_attribute: bool,
    /// The last name or sign before it.
    before: String,
}

/// The texts of a file that people see.
pub(super) fn texts(code: &str) -> Vec<Fragment> {
    let code = &code[..code.find("\n#[cfg(test)]\nmod tests {").unwrap_or(code.len())];
    literals(code)
        .into_iter()
        .filter(|literal| is_seen(literal) && !is_sql(&literal.text))
        .map(|literal| Fragment { line: literal.line, text: with_placeholders(&literal.text) })
        .filter(|fragment| fragment.words().len() > 1)
        .collect()
}

/// The texts of a file with tests, without the messages of assertions.
pub(super) fn texts_of_tests(code: &str) -> Vec<Fragment> {
    let found = literals(code).into_iter().filter(|literal| !is_sql(&literal.text));
    found.map(|literal| Fragment { line: literal.line, text: literal.text }).collect()
}

fn is_seen(literal: &Literal) -> bool {
    if literal.is_attribute {
        // Messages of error types and of `validator` are shown.
        return ["error", "message"].contains(&literal.before.as_str())
            || literal.calls.last().is_some_and(|call| call == "error");
    }
    !literal.calls.iter().any(|call| UNSEEN.contains(&call.as_str()))
}

fn is_sql(text: &str) -> bool {
    let begin = text.split_whitespace().next().unwrap_or_default();
    let begins = [
        "select",
        "insert",
        "update",
        "delete",
        "with",
        "alter",
        "create",
        "drop",
        "set",
        "lock",
        "call",
        "and",
        "from",
        "where",
        "order",
        "union",
        "returning",
        "on",
        "set_config",
        "values",
    ];
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    (begins.contains(&begin) || begins.iter().any(|word| word.to_uppercase() == begin))
        && has(&[
            " = ", " FROM ", " from ", "(", "INTO", "into ", "TABLE", "table ", "_", "SELECT",
            " AS ",
        ])
        || has(&[
            "SELECT ",
            "INSERT INTO",
            "UPDATE ",
            " WHERE ",
            "DELETE FROM",
            " FROM ",
            " JOIN ",
            "::jsonb",
            "::text",
            " IS NOT NULL",
            " IS NULL",
            "ORDER BY",
        ])
}

/// The text with a word in the place of each value.
fn with_placeholders(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find('{') {
        plain.push_str(&rest[..begin]);
        let end = rest[begin..].find('}').map_or(rest.len(), |end| begin + end + 1);
        plain.push_str(PLACEHOLDER);
        rest = &rest[end..];
    }
    plain + rest
}

fn literals(code: &str) -> Vec<Literal> {
    let chars: Vec<char> = code.chars().collect();
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    let mut open: Vec<(char, String)> = Vec::new();
    let mut before = String::new();
    while at < chars.len() {
        let rest =
            |text: &str| text.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
        let c = chars[at];
        if c == '\n' {
            line += 1;
            at += 1;
        } else if rest("//") {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if rest("/*") {
            while at < chars.len() && !(chars[at] == '*' && chars.get(at + 1) == Some(&'/')) {
                line += usize::from(chars[at] == '\n');
                at += 1;
            }
            at += 2;
        } else if rest("r#\"") || rest("r\"") {
            let hash = rest("r#\"");
            let begin = at + if hash { 3 } else { 2 };
            let mut end = begin;
            while end < chars.len()
                && !(chars[end] == '"' && (!hash || chars.get(end + 1) == Some(&'#')))
            {
                end += 1;
            }
            push(&mut found, line, chars[begin..end].iter().collect(), &open, &before);
            line += chars[begin..end].iter().filter(|c| **c == '\n').count();
            at = end + if hash { 2 } else { 1 };
        } else if c == '"' || c == '`' {
            let (text, end, lines) = quoted(&chars, at);
            push(&mut found, line, text, &open, &before);
            line += lines;
            at = end;
            before = "\"".to_owned();
        } else if c == '\'' {
            // A character, not a lifetime.
            at += match (chars.get(at + 1), chars.get(at + 2)) {
                (Some('\\'), _) => chars[at + 3..].iter().position(|c| *c == '\'').unwrap_or(0) + 4,
                (_, Some('\'')) => 3,
                _ => 1,
            };
        } else if c.is_alphanumeric() || c == '_' {
            let begin = at;
            while at < chars.len() && (chars[at].is_alphanumeric() || chars[at] == '_') {
                at += 1;
            }
            before = chars[begin..at].iter().collect();
        } else {
            if ['(', '[', '{'].contains(&c) {
                let is_attribute = c == '['
                    && at > 0
                    && (chars[at - 1] == '#' || (chars[at - 1] == '!' && chars[at - 2] == '#'));
                open.push((if is_attribute { '#' } else { c }, before.clone()));
                before.clear();
            } else if [')', ']', '}'].contains(&c) {
                open.pop();
            } else if c != '!' && c != '=' && !c.is_whitespace() {
                before = c.to_string();
            }
            at += 1;
        }
    }
    found
}

fn push(
    found: &mut Vec<Literal>,
    line: usize,
    text: String,
    open: &[(char, String)],
    before: &str,
) {
    // Only what is opened within the innermost block counts as a call around it.
    let block = open.iter().rposition(|(sign, _)| *sign == '{').map_or(0, |at| at + 1);
    let calls = open[block..].iter().map(|(_, name)| name.clone()).collect();
    let is_attribute = open[block..].iter().any(|(sign, _)| *sign == '#');
    found.push(Literal { line, text, calls, is_attribute, before: before.to_owned() });
}

/// The text of a literal, where it ends, and how many lines it has.
fn quoted(chars: &[char], begin: usize) -> (String, usize, usize) {
    let (quote, mut text, mut at, mut lines) = (chars[begin], String::new(), begin + 1, 0);
    while at < chars.len() && chars[at] != quote {
        if chars[at] == '\\' {
            match chars.get(at + 1) {
                Some('\n') => {
                    lines += 1;
                    at += 2;
                    while chars.get(at).is_some_and(|c| c.is_whitespace()) {
                        lines += usize::from(chars[at] == '\n');
                        at += 1;
                    }
                    continue;
                }
                Some('n') => text.push('\n'),
                Some('u') => {
                    let end = chars[at..].iter().position(|c| *c == '}').unwrap_or(0);
                    let digits: String =
                        chars[at..at + end].iter().filter(|c| c.is_ascii_hexdigit()).collect();
                    text.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                    at += end + 1;
                    continue;
                }
                Some(other) => text.push(*other),
                None => {}
            }
            at += 2;
        } else {
            lines += usize::from(chars[at] == '\n');
            text.push(chars[at]);
            at += 1;
        }
    }
    (text, at + 1, lines)
}
