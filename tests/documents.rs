//! What the documentation names is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            all.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_file_and_test_that_the_security_page_names_exists() {
    let text = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let mut code = String::new();
    sources(&root().join("src"), &mut code);
    sources(&root().join("tests"), &mut code);
    sources(&root().join("crates"), &mut code);
    let is_path = |name: &str| {
        ["src/", "crates/", "tests/", "docs/", "static/", "script/", "migrations/"]
            .iter()
            .any(|folder| name.starts_with(folder))
    };
    let is_test = |name: &str| {
        name.matches('_').count() >= 3
            && name.chars().all(|c| c.is_ascii_lowercase() || "_0123456789".contains(c))
    };
    let lost: BTreeSet<&str> = quoted(&text)
        .filter(|name| {
            (is_path(name) && !root().join(name).exists())
                || (is_test(name) && !code.contains(&format!("fn {name}(")))
        })
        .collect();
    assert!(lost.is_empty(), "docs/security.md names what isn't there: {lost:#?}");
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let broken: Vec<&str> = links.filter(|link| !root().join("docs").join(link).exists()).collect();
    assert!(broken.is_empty(), "docs/security.md links to what isn't there: {broken:#?}");
}

/// The standard's lines, each met or with a reason.
#[test]
fn every_line_of_the_standard_says_how_it_is_met() {
    let text = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let rows = text.lines().filter(|line| {
        line.starts_with("| ") && line[2..].starts_with(|c: char| c.is_ascii_digit())
    });
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{row}");
        assert!(["met", "reason"].contains(&cells[2]) && !cells[3].is_empty(), "{row}");
        count += cells[0].split(',').count();
    }
    assert!(count >= 61, "{count} lines");
}

/// The links of a document to files of the repository, without anchors.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://"))
}

#[test]
fn links_of_the_documents_lead_somewhere_and_the_index_lists_each_page() {
    let pages: Vec<PathBuf> = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "md"))
        .collect();
    let mut broken = BTreeSet::new();
    for page in pages.iter().cloned().chain([root().join("README.md")]) {
        let text = std::fs::read_to_string(&page).unwrap();
        let folder = page.parent().unwrap();
        for link in links(&text).filter(|link| !folder.join(link).exists()) {
            broken.insert(format!("{}: {link}", page.display()));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    let index = std::fs::read_to_string(root().join("docs/README.md")).unwrap();
    let listed: BTreeSet<&str> = links(&index).collect();
    let lost: Vec<_> = pages
        .iter()
        .filter_map(|page| page.file_name()?.to_str())
        .filter(|name| *name != "README.md" && !listed.contains(name))
        .collect();
    assert!(lost.is_empty(), "docs/README.md doesn't list {lost:?}");
}
