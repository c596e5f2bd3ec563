//! Reads the log calls of the source: each is an event with fields, and docs/log-events.md lists
//! those that operators see.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];
/// The levels of the default filter.
const SHOWN: [&str; 3] = ["info", "warn", "error"];

/// One call of a macro of `tracing`.
struct LogCall {
    place: String,
    level: &'static str,
    /// The arguments, without line breaks.
    arguments: String,
}

impl LogCall {
    /// The message: the last argument, if it's a literal.
    fn event(&self) -> Option<&str> {
        let text = self.arguments.trim_end_matches([',', ' ']).strip_suffix('"')?;
        text.rsplit_once('"').map(|(_, event)| event)
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
}

/// The text up to the closing parenthesis of the call.
fn arguments(text: &str) -> String {
    let (mut depth, mut in_text, mut is_escaped) = (1, false, false);
    let end = text.char_indices().find(|(_, c)| {
        match (in_text, *c) {
            (true, _) if is_escaped => is_escaped = false,
            (true, '\\') => is_escaped = true,
            (_, '"') => in_text = !in_text,
            (false, '(') => depth += 1,
            (false, ')') => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    let inner = &text[..end.expect("the call ends").0];
    inner.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn log_calls() -> Vec<LogCall> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "crates/core/src", "crates/platforms/src"] {
        sources(&root.join(folder), &mut files);
    }
    let mut calls = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let text = &text[..text.find("\n#[cfg(test)]\nmod tests").unwrap_or(text.len())];
        for level in LEVELS {
            let call = format!("{level}!(");
            for (at, _) in text.match_indices(&call) {
                let before = text[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    continue;
                }
                let line = text[..at].matches('\n').count() + 1;
                let place = format!("{}:{line}", file.strip_prefix(root).unwrap().display());
                assert!(text[..at].ends_with("tracing::"), "{place}: call it as tracing::{level}!");
                let arguments = arguments(&text[at + call.len()..]);
                calls.push(LogCall { place, level, arguments });
            }
        }
    }
    assert!(calls.len() > 50, "the calls are found");
    calls
}

fn is_event_name(text: &str) -> bool {
    text.contains('_')
        && text.split('_').all(|word| !word.is_empty())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[test]
fn each_log_line_is_an_event_with_fields() {
    let sentences: Vec<String> = log_calls()
        .into_iter()
        .filter(|call| !call.event().is_some_and(is_event_name))
        .map(|call| format!("{}: {}", call.place, call.arguments))
        .collect();
    assert!(
        sentences.is_empty(),
        "end the call with an event name such as \"email_delivery_failed\":\n{}",
        sentences.join("\n")
    );
}

#[test]
fn an_event_has_one_level() {
    let mut levels: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for call in log_calls() {
        levels.entry(call.event().unwrap_or_default().to_owned()).or_default().insert(call.level);
    }
    let mixed: Vec<_> = levels.iter().filter(|(_, levels)| levels.len() > 1).collect();
    assert!(mixed.is_empty(), "{mixed:?}");
}

/// Rows of the page look like ``| `event` | level | ...``.
#[test]
fn the_docs_list_the_events() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/log-events.md");
    let page = fs::read_to_string(page).unwrap();
    let listed: BTreeSet<(String, String)> = page
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let event = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
            Some((event.to_owned(), cells.next()?.to_owned()))
        })
        .collect();
    let logged: BTreeSet<(String, String)> = log_calls()
        .iter()
        .filter(|call| SHOWN.contains(&call.level))
        .map(|call| (call.event().unwrap_or_default().to_owned(), call.level.to_owned()))
        .collect();
    let missing: Vec<_> = logged.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&logged).collect();
    assert!(missing.is_empty() && gone.is_empty(), "missing: {missing:?}, not logged: {gone:?}");
}
