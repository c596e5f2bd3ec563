//! Reads the imports of `src`: arrows point down, from app over features to kit, and no two files need each other.
//! Reads the names of types too: none stands for two things.
//! `draw` prints the arrows: `cargo test --test architecture -- --ignored --nocapture`.
//!
//! Plain text, no compiler: every path that begins with `crate`, `self`, `super`, a module beside it
//! or a name that a `use` brought in is followed, through re-exports, to the file that defines it.

#![allow(clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A path in the crate: `["orders", "model"]`.
type Name = Vec<String>;
type Graph = BTreeMap<String, BTreeSet<String>>;

#[derive(Default)]
struct Module {
    file: String,
    defines: BTreeSet<String>,
    /// What a `use` names here: the name, where it leads, whether only on to others.
    uses: Vec<(String, Name, bool)>,
    paths: Vec<Name>,
}

struct Crate(BTreeMap<Name, Module>);

/// Words, and each other character alone; `::` is one. No comments, texts or test modules.
fn tokens(text: &str) -> Vec<String> {
    let text = &text[..text.find("\n#[cfg(test)]\nmod tests").unwrap_or(text.len())];
    let chars: Vec<char> = text.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    let starts = |at: usize, what: &str| {
        what.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c))
    };
    while at < chars.len() {
        let begin = at;
        if starts(at, "//") {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if starts(at, "r#\"") || starts(at, "br#\"") {
            at += 4;
            while at < chars.len() && !starts(at, "\"#") {
                at += 1;
            }
            at += 2;
        } else if chars[at] == '"' {
            at += 1;
            while at < chars.len() && chars[at] != '"' {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if chars[at] == '\'' {
            // A character, not a lifetime.
            at += match (chars.get(at + 1), chars.get(at + 2)) {
                (Some('\\'), _) => chars[at + 3..].iter().position(|c| *c == '\'').unwrap_or(0) + 4,
                (_, Some('\'')) => 3,
                _ => 1,
            };
        } else if chars[at].is_alphanumeric() || chars[at] == '_' {
            while at < chars.len() && (chars[at].is_alphanumeric() || chars[at] == '_') {
                at += 1;
            }
            found.push(chars[begin..at].iter().collect());
        } else {
            at += if starts(at, "::") { 2 } else { 1 };
            if !chars[begin].is_whitespace() {
                found.push(chars[begin..at].iter().collect());
            }
        }
    }
    found
}

/// `a::{b, c as d}` from `at` on: each leaf with the name it gets; where the tree ends.
fn tree(
    tokens: &[String],
    mut at: usize,
    prefix: &Name,
    leaves: &mut Vec<(String, Name)>,
) -> usize {
    let mut path = prefix.clone();
    loop {
        match tokens[at].as_str() {
            "{" => {
                at += 1;
                while tokens[at] != "}" {
                    at = tree(tokens, at, &path, leaves);
                    if tokens[at] == "," {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "::" => at += 1,
            "as" => {
                leaves.push((tokens[at + 1].clone(), path));
                return at + 2;
            }
            ";" | "," | "}" => {
                if path.last().is_some_and(|last| last == "self") {
                    path.pop();
                }
                leaves.push((path.last().cloned().unwrap_or_default(), path));
                return at;
            }
            word => {
                path.push(word.to_owned());
                at += 1;
            }
        }
    }
}

fn read(file: &str, text: &str) -> Module {
    const KINDS: [&str; 9] =
        ["fn", "struct", "enum", "trait", "type", "const", "static", "mod", "macro_rules"];
    let tokens = tokens(text);
    let mut module = Module { file: file.to_owned(), ..Module::default() };
    let mut at = 0;
    while at < tokens.len() {
        let word = tokens[at].as_str();
        let before = if at == 0 { "" } else { tokens[at - 1].as_str() };
        if word == "use" && tokens[at + 1] != "<" {
            let mut leaves = Vec::new();
            at = tree(&tokens, at + 1, &Vec::new(), &mut leaves);
            let hands_on = before == "pub" || before == ")";
            module.uses.extend(leaves.into_iter().map(|(name, path)| (name, path, hands_on)));
        } else if KINDS.contains(&before) || (before == "!" && tokens[at - 2] == "macro_rules") {
            module.defines.insert(word.to_owned());
        } else if before != "::"
            && before != "in"
            && tokens.get(at + 1).is_some_and(|next| next == "::")
        {
            let mut path = vec![word.to_owned()];
            while tokens.get(at + 1).is_some_and(|next| next == "::") {
                let Some(next) = tokens.get(at + 2) else { break };
                path.push(next.clone());
                at += 2;
            }
            module.paths.push(path);
        }
        at += 1;
    }
    module
}

impl Crate {
    fn load() -> Self {
        let mut modules = BTreeMap::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let file = path.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src/")).unwrap();
                let file = file.to_str().unwrap().to_owned();
                if path.is_dir() {
                    if !file.ends_with("tests") {
                        folders.push(path);
                    }
                    continue;
                }
                let name = file.trim_end_matches(".rs").trim_end_matches("/mod");
                if file.ends_with(".rs") && name != "main" && !name.ends_with("tests") {
                    let parts = name.split('/').filter(|part| *part != "lib");
                    let text = fs::read_to_string(&path).unwrap();
                    modules.insert(parts.map(str::to_owned).collect(), read(&file, &text));
                }
            }
        }
        Self(modules)
    }

    /// From the module `here`, a path as written: in the crate, or none.
    fn absolute(&self, here: &Name, path: &[String], deep: usize) -> Option<Name> {
        let first = path.first()?;
        let rest = &path[1..];
        let parent = &here[..here.len().saturating_sub(1)];
        let child = [here.as_slice(), std::slice::from_ref(first)].concat();
        match first.as_str() {
            "crate" | "vouch" => Some(rest.to_vec()),
            "self" => self.absolute(here, rest, deep).or_else(|| Some([here, rest].concat())),
            "super" => match rest.first().map(String::as_str) {
                Some("super") => self.absolute(&parent.to_vec(), rest, deep),
                _ => Some([parent, rest].concat()),
            },
            _ if self.0.contains_key(&child) => Some([here, path].concat()),
            _ if deep > 8 => None,
            _ => {
                let used = self.0.get(here)?.uses.iter().find(|(name, ..)| name == first)?;
                let base = self.absolute(here, &used.1, deep + 1).filter(|_| used.1 != path)?;
                Some([base.as_slice(), rest].concat())
            }
        }
    }

    /// The module whose file defines what an absolute path names.
    fn owner(&self, path: &[String], deep: usize) -> Option<Name> {
        let mut here = Name::new();
        for (at, part) in path.iter().enumerate() {
            let child = [here.as_slice(), std::slice::from_ref(part)].concat();
            let module = self.0.get(&here)?;
            if self.0.contains_key(&child) {
                here = child;
                continue;
            }
            if module.defines.contains(part) || deep > 8 {
                return Some(here);
            }
            for (name, used, _) in &module.uses {
                if name != part && name != "*" {
                    continue;
                }
                let base = if name == "*" { &used[..used.len() - 1] } else { used.as_slice() };
                let base = match self.absolute(&here, base, deep + 1) {
                    Some(base) => base,
                    // Of another crate.
                    None if name == part => return None,
                    None => continue,
                };
                let rest = if name == "*" { &path[at..] } else { &path[at + 1..] };
                let target = [base.as_slice(), rest].concat();
                if target.starts_with(&here) && target[here.len()..].starts_with(&path[at..]) {
                    continue;
                }
                let Some(owner) = self.owner(&target, deep + 1) else { continue };
                if name != "*" || self.0[&owner].defines.contains(part) {
                    return Some(owner);
                }
            }
            return Some(here);
        }
        Some(here)
    }

    /// The arrows between files, with what is named by each.
    fn arrows(&self) -> BTreeMap<(String, String), BTreeSet<String>> {
        let mut arrows = BTreeMap::<_, BTreeSet<String>>::new();
        for (here, module) in &self.0 {
            let uses = module.uses.iter().map(|(_, path, hands_on)| (path, *hands_on));
            for (path, hands_on) in uses.chain(module.paths.iter().map(|path| (path, false))) {
                let Some(absolute) = self.absolute(here, path, 0) else { continue };
                let Some(owner) = self.owner(&absolute, 0) else { continue };
                // What a module hands on from below itself, or takes whole from its parent.
                let whole = path.last().is_some_and(|last| last == "*");
                if (hands_on && owner.starts_with(here)) || owner == *here || whole {
                    continue;
                }
                let named = absolute.last().cloned().unwrap_or_default();
                let to = self.0[&owner].file.clone();
                arrows.entry((module.file.clone(), to)).or_default().insert(named);
            }
        }
        arrows
    }
}

/// The circles of a graph, largest first.
fn circles(graph: &Graph) -> Vec<Vec<String>> {
    fn reach<'a>(graph: &'a Graph, from: &'a str) -> BTreeSet<&'a str> {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(node) = next.pop() {
            for to in graph.get(node).into_iter().flatten() {
                if seen.insert(to.as_str()) {
                    next.push(to);
                }
            }
        }
        seen
    }
    let reached: BTreeMap<&str, _> =
        graph.keys().map(|node| (node.as_str(), reach(graph, node))).collect();
    let mut circles = BTreeSet::new();
    for (node, to) in reached.iter().filter(|(node, to)| to.contains(*node)) {
        let circle =
            to.iter().filter(|other| reached.get(*other).is_some_and(|to| to.contains(node)));
        circles.insert(circle.map(ToString::to_string).collect::<Vec<_>>());
    }
    let mut circles: Vec<_> = circles.into_iter().collect();
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}

/// The module of a file below its layer: `features/orders`.
fn top(file: &str) -> String {
    let parts: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    parts[..parts.len().min(2)].join("/").trim_end_matches("/mod").to_owned()
}

fn graph(arrows: impl Iterator<Item = (String, String)>) -> Graph {
    let mut graph = Graph::new();
    for (from, to) in arrows.filter(|(from, to)| from != to && from != "lib" && to != "lib") {
        graph.entry(from).or_default().insert(to);
    }
    graph
}

/// From the lowest. Files beside the layers are the crate's map and its program.
const LAYERS: [&str; 3] = ["kit/", "features/", "app/"];

fn layer(file: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| file.starts_with(layer))
}

#[test]
fn every_file_is_in_a_layer() {
    let files: Vec<String> = Crate::load().0.into_values().map(|module| module.file).collect();
    let outside = files.iter().filter(|file| layer(file).is_none() && *file != "lib.rs");
    assert_eq!(outside.collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(files.len() > 300, "the sources were read");
}

#[test]
fn arrows_point_down() {
    let arrows = Crate::load().arrows();
    let is_up = |(from, to): &&(String, String)| layer(from) < layer(to);
    assert_eq!(arrows.keys().filter(is_up).collect::<Vec<_>>(), Vec::<&(String, String)>::new());
    assert!(arrows.len() > 1_000, "the imports were read");
}

#[test]
fn no_modules_need_each_other() {
    let arrows = Crate::load().arrows();
    let modules = graph(arrows.keys().map(|(from, to)| (top(from), top(to))));
    assert_eq!(circles(&modules), Vec::<Vec<String>>::new());
    assert!(modules.len() > 40, "the imports were read");
}

#[test]
fn no_files_need_each_other() {
    let arrows = Crate::load().arrows();
    let files = graph(arrows.keys().cloned());
    let explained: Vec<String> = circles(&files)
        .iter()
        .flat_map(|circle| {
            let inside = |file: &String| circle.contains(file);
            arrows.iter().filter(move |((from, to), _)| inside(from) && inside(to))
        })
        .map(|((from, to), named)| format!("{from} -> {to}: {named:?}"))
        .collect();
    assert_eq!(explained, Vec::<String>::new());
    assert!(files.len() > 300, "the imports were read");
}

/// SQL by hand has names for its values: `kit/db/statement.rs`.
#[test]
fn values_of_statements_go_by_name() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let modules = Crate::load().0;
    let has_positions = |file: &&str| {
        let text = fs::read_to_string(src.join(file)).unwrap();
        let text = text.split("\n#[cfg(test)]").next().unwrap_or_default();
        let is_position = |two: &[u8]| two[0] == b'$' && two[1].is_ascii_digit();
        text.contains(".bind::<") || text.as_bytes().windows(2).any(is_position)
    };
    let found: Vec<&str> = modules
        .values()
        .map(|module| module.file.as_str())
        .filter(|file| *file != "kit/db/statement.rs")
        .filter(has_positions)
        .collect();
    assert_eq!(found, Vec::<&str>::new());
}

#[test]
fn handlers_name_no_table() {
    let is_answer = |part: &String| part == "HttpResponse";
    let answers = |module: &Module| {
        let mut named = module.uses.iter().map(|(_, path, _)| path).chain(&module.paths);
        named.any(|path| path.iter().any(is_answer))
    };
    let of_handlers = |module: &&Module| module.file.contains("/handlers") || answers(module);
    let modules = Crate::load().0;
    let names_table = |module: &&Module| {
        let uses = module.uses.iter().map(|(_, path, _)| path).chain(&module.paths);
        uses.into_iter().any(|path| path.iter().any(|part| part == "schema"))
    };
    let found: Vec<&str> = modules
        .values()
        .filter(of_handlers)
        .filter(names_table)
        .map(|module| module.file.as_str())
        .collect();
    assert_eq!(found, Vec::<&str>::new());
    assert!(modules.values().filter(of_handlers).count() > 100, "the handlers were found");
}

/// `arrows` leaves out test modules.
#[test]
fn tests_beside_the_code_look_down_too() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let looks_up = |file: &&str| {
        let text = fs::read_to_string(src.join(file)).unwrap();
        let above = LAYERS.iter().skip(layer(file).map_or(0, |layer| layer + 1));
        let mut named = above.map(|layer| format!("crate::{}::", layer.trim_end_matches('/')));
        layer(file).is_some() && named.any(|name| text.contains(&name))
    };
    let modules = Crate::load().0;
    let files = modules.values().map(|module| module.file.as_str());
    assert_eq!(files.filter(looks_up).collect::<Vec<_>>(), Vec::<&str>::new());
}

/// The type that a line at the margin defines, and whether it's visible outside its module.
fn defined_type(line: &str) -> Option<(&str, bool)> {
    let item = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ")?.1,
        Some(rest) => rest.strip_prefix(' ')?,
        None => line,
    };
    let (kind, rest) = item.split_once(' ')?;
    let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    ["struct", "enum", "trait", "type"].contains(&kind).then_some((name, item.len() < line.len()))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The platforms are alike: each may have its own type of a name, such as `shopify::Credentials`.
#[test]
fn a_visible_type_has_a_name_of_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    rust_files(&root.join("crates"), &mut files);
    let mut types = BTreeMap::<String, Vec<(String, bool)>>::new();
    for path in &files {
        let file = path.strip_prefix(root).unwrap().to_str().unwrap();
        let text = fs::read_to_string(path).unwrap();
        for (name, is_visible) in text.lines().filter_map(defined_type) {
            types.entry(name.to_owned()).or_default().push((file.to_owned(), is_visible));
        }
    }
    let platform = |file: &str| {
        let rest = file.strip_prefix("crates/platforms/src/")?;
        Some(rest.split_once('/')?.0.to_owned())
            .filter(|folder| ["bigcommerce", "shopify", "woocommerce"].contains(&folder.as_str()))
    };
    let is_shared = |places: &[(String, bool)]| {
        let platforms: BTreeSet<_> = places.iter().filter_map(|(file, _)| platform(file)).collect();
        places.len() > 1 && places.iter().any(|place| place.1) && platforms.len() < places.len()
    };
    let shared: Vec<_> = types.iter().filter(|(_, places)| is_shared(places)).collect();
    assert_eq!(shared, Vec::<(&String, &Vec<(String, bool)>)>::new());
    assert!(types.len() > 900, "the types were read");
}

#[test]
#[ignore = "prints"]
fn draw() {
    let arrows = Crate::load().arrows();
    for (from, to) in &graph(arrows.keys().map(|(from, to)| (top(from), top(to)))) {
        println!("{from}: {}", to.iter().cloned().collect::<Vec<_>>().join(" "));
    }
    for ((from, to), named) in &arrows {
        println!("{from} -> {to}: {}", named.iter().cloned().collect::<Vec<_>>().join(" "));
    }
}
