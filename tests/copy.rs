//! Reads what people read: templates, texts in the code, scripts, README and docs. It prints the file, the line
//! and the right word for everything that isn't plain product English, and holds that a feature's sentences are
//! in one file and that tests assert none of them.
//!
//! A line opts out with a reason, on itself or on the line before: `// copy: quotes the store`,
//! `{#- copy: … -#}` or `<!-- copy: … -->`.
//!
//! Plain text, no other crate, so that it's also a program: `rustc --test tests/copy.rs`.

#![allow(clippy::print_stdout)]

/// Texts of Rust code.
#[path = "copy/code.rs"]
mod code;
/// Texts of Markdown.
#[path = "copy/markdown.rs"]
mod markdown;
/// The words and shapes that aren't used.
#[path = "copy/rules.rs"]
mod rules;
/// Texts of templates.
#[path = "copy/template.rs"]
mod template;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A text that people read, and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Fragment {
    pub line: usize,
    pub text: String,
}

impl Fragment {
    pub(crate) fn words(&self) -> Vec<String> {
        rules::words(&self.text)
    }
}

struct Source {
    file: String,
    text: String,
    fragments: Vec<Fragment>,
}

impl Source {
    /// Whether the line, or the one before it, opts out.
    fn opts_out(&self, line: usize) -> bool {
        let lines = self.text.lines().skip(line.saturating_sub(2)).take(2.min(line));
        lines.into_iter().any(|line| {
            ["// copy: ", "{#- copy: ", "<!-- copy: "].iter().any(|mark| line.contains(mark))
        })
    }

    fn report(&self, found: &mut Vec<String>, line: usize, what: &str) {
        if !self.opts_out(line) {
            found.push(format!("{}:{line}: {what}", self.file));
        }
    }
}

fn files(directory: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from(directory)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &Path, extract: impl Fn(&str) -> Vec<Fragment>) -> Source {
    let text = fs::read_to_string(path).unwrap();
    let file = path.to_string_lossy().into_owned();
    Source { fragments: extract(&text), file, text }
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests")
        || path.file_name().is_some_and(|name| name == "tests.rs" || name == "fixtures.rs")
}

fn code_of_product() -> Vec<Source> {
    let paths = ["src", "crates"].iter().flat_map(|directory| files(directory, "rs"));
    paths.filter(|path| !is_test(path)).map(|path| read(&path, code::texts)).collect()
}

fn templates() -> Vec<Source> {
    files("templates", "html").iter().map(|path| read(path, template::texts)).collect()
}

fn documents() -> Vec<Source> {
    // The table of routes is generated.
    let docs = files("docs", "md").into_iter().filter(|path| !path.ends_with("routes.md"));
    docs.chain([PathBuf::from("README.md")]).map(|path| read(&path, markdown::texts)).collect()
}

fn scripts() -> Vec<Source> {
    vec![read(Path::new("static/app.js"), code::texts)]
}

fn assert_none(mut found: Vec<String>, what: &str) {
    found.sort();
    assert!(found.is_empty(), "{} {what}:\n{}", found.len(), found.join("\n"));
}

#[test]
fn everything_is_plain_product_english() {
    let mut found = Vec::new();
    let sources = [templates(), code_of_product(), scripts(), documents()];
    for source in sources.iter().flatten() {
        for fragment in &source.fragments {
            for what in rules::findings(&fragment.text) {
                source.report(&mut found, fragment.line, &what);
            }
        }
    }
    assert_none(found, "places aren't plain product English");
}

/// The platforms declare their forms as data, which reads as text as it is, so only features are checked.
#[test]
fn sentences_of_a_feature_are_in_its_text_file() {
    let mut found = Vec::new();
    for source in code_of_product() {
        let path = Path::new(&source.file);
        let is_text = path.components().any(|part| {
            let name = part.as_os_str().to_string_lossy();
            ["text", "text.rs", "emails", "emails.rs"].contains(&name.as_ref())
        });
        if !path.starts_with("src/features") || is_text {
            continue;
        }
        for fragment in &source.fragments {
            if rules::is_sentence(&fragment.text) {
                source.report(&mut found, fragment.line, &fragment.text);
            }
        }
    }
    assert_none(found, "sentences aren't in text.rs");
}

#[test]
fn tests_assert_no_sentence() {
    const WINDOW: usize = 4;
    let product = [templates(), code_of_product(), scripts()];
    let fragments = product.iter().flatten().flat_map(|source| &source.fragments);
    let sentences: HashSet<Vec<String>> = fragments
        .flat_map(|fragment| {
            fragment.words().windows(WINDOW).map(<[String]>::to_vec).collect::<Vec<_>>()
        })
        .filter(|words| {
            words
                .iter()
                .all(|word| word != rules::PLACEHOLDER && word.chars().any(char::is_alphabetic))
        })
        .collect();
    let mut found = Vec::new();
    let tests = files("tests", "rs").into_iter().chain(
        ["src", "crates"]
            .iter()
            .flat_map(|directory| files(directory, "rs"))
            .filter(|path| is_test(path)),
    );
    for path in tests.filter(|path| !path.starts_with("tests/copy") && !path.ends_with("copy.rs")) {
        let source = read(&path, code::texts_of_tests);
        for fragment in &source.fragments {
            if fragment.words().windows(WINDOW).any(|words| sentences.contains(words)) {
                source.report(&mut found, fragment.line, &fragment.text);
            }
        }
    }
    assert_none(found, "tests assert a sentence");
}
