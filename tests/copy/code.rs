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
        .filter(|fragment| fragment.words().len() > 1 || is_label(&fragment.text))
        .collect()
}

/// The texts of a file with tests, without the messages of assertions.
pub(super) fn texts_of_tests(code: &str) -> Vec<Fragment> {
    let found = literals(code).into_iter().filter(|literal| !is_sql(&literal.text));
    found.map(|literal| Fragment { line: literal.line, text: literal.text }).collect()
}

/// Whether one word can be a label, like the head of a column.
fn is_label(word: &str) -> bool {
    word.starts_with(char::is_uppercase) && word.contains(char::is_lowercase)
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
        "grant",
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
    let mut scanner = Scanner { chars: code.chars().collect(), line: 1, ..Scanner::default() };
    while scanner.at < scanner.chars.len() {
        scanner.step();
    }
    scanner.found
}

#[derive(Default)]
struct Scanner {
    chars: Vec<char>,
    at: usize,
    line: usize,
    found: Vec<Literal>,
    /// The open brackets, with the name before each. `#` is an attribute.
    open: Vec<(char, String)>,
    before: String,
}

impl Scanner {
    fn starts(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.chars.get(self.at + i) == Some(&c))
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// The next character, with its line counted.
    fn take(&mut self) -> char {
        let c = self.chars[self.at];
        self.line += usize::from(c == '\n');
        self.at += 1;
        c
    }

    fn step(&mut self) {
        let c = self.chars[self.at];
        if self.starts("//") {
            while self.peek(0).is_some_and(|c| c != '\n') {
                self.take();
            }
        } else if self.starts("/*") {
            while self.peek(0).is_some() && !self.starts("*/") {
                self.take();
            }
            self.at += 2;
        } else if self.starts("r#\"") {
            self.raw(3, "\"#");
        } else if self.starts("r\"") {
            self.raw(2, "\"");
        } else if c == '"' || c == '`' {
            self.quoted();
        } else if c == '\'' {
            // A character, not a lifetime.
            self.at += match (self.peek(1), self.peek(2)) {
                (Some('\\'), _) => {
                    let rest = &self.chars[self.at + 3..];
                    rest.iter().position(|c| *c == '\'').unwrap_or(0) + 4
                }
                (_, Some('\'')) => 3,
                _ => 1,
            };
        } else if is_of_name(c) {
            self.before.clear();
            while self.peek(0).is_some_and(is_of_name) {
                let c = self.take();
                self.before.push(c);
            }
        } else {
            self.sign();
        }
    }

    fn sign(&mut self) {
        let begin = self.at;
        let c = self.take();
        match c {
            '(' | '[' | '{' => {
                let sign = self.chars[..begin].iter().rev().find(|c| **c != '!');
                let is_attribute = c == '[' && sign == Some(&'#');
                let name = std::mem::take(&mut self.before);
                self.open.push((if is_attribute { '#' } else { c }, name));
            }
            ')' | ']' | '}' => {
                self.open.pop();
            }
            '!' | '=' => {}
            c if c.is_whitespace() => {}
            c => self.before = c.to_string(),
        }
    }

    fn raw(&mut self, begin: usize, end: &str) {
        let line = self.line;
        self.at += begin;
        let mut text = String::new();
        while self.peek(0).is_some() && !self.starts(end) {
            text.push(self.take());
        }
        self.at += end.len();
        self.push(line, text);
    }

    fn quoted(&mut self) {
        let (line, quote) = (self.line, self.take());
        let mut text = String::new();
        while self.peek(0).is_some_and(|c| c != quote) {
            match self.take() {
                '\\' => self.escaped(&mut text),
                c => text.push(c),
            }
        }
        self.at += 1;
        self.push(line, text);
        "\"".clone_into(&mut self.before);
    }

    fn escaped(&mut self, text: &mut String) {
        match self.take() {
            '\n' => {
                while self.peek(0).is_some_and(char::is_whitespace) {
                    self.take();
                }
            }
            'n' => text.push('\n'),
            'u' => {
                let rest = &self.chars[self.at..];
                let end = rest.iter().position(|c| *c == '}').unwrap_or(0);
                let digits: String = rest[..end].iter().filter(|c| c.is_ascii_hexdigit()).collect();
                text.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                self.at += end + 1;
            }
            other => text.push(other),
        }
    }

    fn push(&mut self, line: usize, text: String) {
        // Only what is opened within the innermost block counts as a call around it.
        let block = self.open.iter().rposition(|(sign, _)| *sign == '{').map_or(0, |at| at + 1);
        let around = &self.open[block..];
        self.found.push(Literal {
            line,
            text,
            calls: around.iter().map(|(_, name)| name.clone()).collect(),
            is_attribute: around.iter().any(|(sign, _)| *sign == '#'),
            before: self.before.clone(),
        });
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
