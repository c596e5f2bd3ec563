use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use serde_json::value::RawValue;
use vouch_core::money::Currency;
use vouch_core::order::snapshot::{ReadNote, ReadProblem};

use super::{PayloadError, PayloadProblem};

/// The maximum number of skipped fields. A message with more isn't an order.
const MAX_PASSED_OVER: usize = 500;
/// The maximum number of stored notes per message.
const MAX_NOTES: usize = 20;
/// How often a field is skipped in single elements of a list. After that it's skipped in all of
/// them.
const ONE_BY_ONE: usize = 3;

/// The values skipped so far.
#[derive(Debug, Default)]
pub(crate) struct Notes(Vec<ReadNote>);

impl Notes {
    pub(crate) fn add(&mut self, code: ReadProblem, path: String) {
        if self.0.len() < MAX_NOTES {
            self.0.push(ReadNote { code, path });
        }
    }

    /// An amount outside the base of commission. If it can't be parsed, it's 0 with a note.
    pub(crate) fn or_zero(&mut self, code: ReadProblem, read: Result<i64, PayloadError>) -> i64 {
        read.unwrap_or_else(|error| {
            self.add(code, error.path);
            0
        })
    }

    /// Like [`Self::or_zero`], but fails if the amount `is_base`.
    pub(crate) fn unless(
        &mut self,
        is_base: bool,
        code: ReadProblem,
        read: Result<i64, PayloadError>,
    ) -> Result<i64, PayloadError> {
        if is_base { read } else { Ok(self.or_zero(code, read)) }
    }

    /// Parses a currency code and notes an unknown one. Fails if it isn't three letters.
    pub(crate) fn currency(&mut self, code: &str, path: &str) -> Result<Currency, PayloadError> {
        let currency = Currency::from_code(code)
            .map_err(|_| PayloadError::new(path, PayloadProblem::not_a_currency(code)))?;
        if !currency.is_known() {
            self.add(ReadProblem::UnknownCurrency, path.to_owned());
        }
        Ok(currency)
    }

    /// Adds the notes of a part that was parsed separately.
    pub(crate) fn append(&mut self, notes: &mut Vec<ReadNote>) {
        for note in notes.drain(..) {
            self.add(note.code, note.path);
        }
    }

    pub(crate) fn into_vec(self) -> Vec<ReadNote> {
        self.0
    }
}

/// Parses a message as JSON, with nothing after it. A field that doesn't match its type is skipped.
/// It fails if `is_base` of the field names on its path, because the base of commission would be
/// unknown.
pub(crate) fn read<T: DeserializeOwned>(
    body: &[u8],
    is_base: impl Fn(&[&str]) -> bool,
) -> Result<(T, Notes), PayloadError> {
    // Some PHP files begin with a byte order mark, so their output does too.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut text = String::from_utf8_lossy(body);
    let mut notes = Notes::default();
    let mut passed_over = BTreeSet::<Vec<Step>>::new();
    let mut by_name = BTreeMap::<String, usize>::new();
    for _ in 0..MAX_PASSED_OVER {
        let FieldMismatch { mut path, detail } = match attempt(&text) {
            Ok(value) => return Ok((value, notes)),
            Err(misfit) => misfit?,
        };
        // A skipped field that its parent requires makes the parent unusable too.
        while passed_over.contains(&path) {
            path.pop();
        }
        let names: Vec<&str> = path.iter().filter_map(Step::name).collect();
        if path.is_empty() || is_base(&names) {
            return Err(PayloadError::new(written(&path), PayloadProblem::invalid(&detail)));
        }
        let times = by_name.entry(names.join(".")).or_default();
        *times += 1;
        let wide = if *times > ONE_BY_ONE { everywhere(&path) } else { path.clone() };
        notes.add(ReadProblem::Unreadable, written(&wide));
        let mut places = Vec::new();
        find(&text, &wide, text.as_ptr() as usize, &mut places);
        let edited = text.to_mut();
        for place in places.into_iter().rev() {
            edited.replace_range(place, "null");
        }
        passed_over.insert(path);
    }
    Err(PayloadError::new("", PayloadProblem::Undocumented))
}

/// A path in the JSON whose value doesn't match its type.
struct FieldMismatch {
    path: Vec<Step>,
    detail: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Member(String),
    Element(usize),
    AnyElement,
}

impl Step {
    /// The name of a field. Numbers are keys of lists that PHP wrote as objects.
    fn name(&self) -> Option<&str> {
        match self {
            Self::Member(name) if !name.bytes().all(|byte| byte.is_ascii_digit()) => Some(name),
            _ => None,
        }
    }
}

/// Returns the value, the path that doesn't match, or an error if it isn't JSON.
fn attempt<T: DeserializeOwned>(text: &str) -> Result<T, Result<FieldMismatch, PayloadError>> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = steps(error.path());
        let error = error.into_inner();
        // serde_json reports a list in place of an object as a syntax error.
        let is_json = || serde_json::from_str::<IgnoredAny>(text).is_ok();
        if error.classify() == Category::Data || is_json() {
            Ok(FieldMismatch { path, detail: detail_of(&error) })
        } else {
            Err(PayloadError::new("", PayloadProblem::IncompleteJson))
        }
    })?;
    json.end().map_err(|_| Err(PayloadError::new("", PayloadProblem::TrailingData)))?;
    Ok(value)
}

fn steps(path: &serde_path_to_error::Path) -> Vec<Step> {
    use serde_path_to_error::Segment;
    let step = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(Step::Element(*index)),
        Segment::Map { key } => Some(Step::Member(key.clone())),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter().map_while(step).collect()
}

fn everywhere(path: &[Step]) -> Vec<Step> {
    let widen = |step: &Step| match step {
        Step::Member(_) if step.name().is_some() => step.clone(),
        _ => Step::AnyElement,
    };
    path.iter().map(widen).collect()
}

/// Formats a path as `line_items[3].price`.
fn written(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Member(name) if text.is_empty() => text.push_str(name),
            Step::Member(name) => text.extend([".", name]),
            Step::Element(at) => text.push_str(&format!("[{at}]")),
            Step::AnyElement => text.push_str("[]"),
        }
    }
    text.chars().take(200).map(kept).collect()
}

/// Finds the byte ranges of the values at `path`. `start` is the memory address of the whole text.
fn find(value: &str, path: &[Step], start: usize, found: &mut Vec<Range<usize>>) {
    let Some((step, rest)) = path.split_first() else {
        let at = value.as_ptr() as usize - start;
        found.push(at..at + value.len());
        return;
    };
    match step {
        Step::Member(name) => {
            let members: Option<HashMap<String, &RawValue>> = serde_json::from_str(value).ok();
            if let Some(member) = members.and_then(|mut members| members.remove(name)) {
                find(member.get(), rest, start, found);
            }
        }
        Step::Element(at) => {
            if let Some(element) = elements(value).get(*at) {
                find(element.get(), rest, start, found);
            }
        }
        Step::AnyElement => {
            for element in elements(value) {
                find(element.get(), rest, start, found);
            }
        }
    }
}

/// The elements of a list, also of one that PHP wrote as an object.
fn elements(value: &str) -> Vec<&RawValue> {
    let list: Option<Vec<&RawValue>> = serde_json::from_str(value).ok();
    list.unwrap_or_else(|| {
        let members: Option<HashMap<String, &RawValue>> = serde_json::from_str(value).ok();
        let mut members: Vec<&RawValue> = members.unwrap_or_default().into_values().collect();
        members.sort_by_key(|member| member.get().as_ptr());
        members
    })
}

/// The reason without line and column, because the path is more precise.
fn detail_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let detail = text.split(" at line ").next().unwrap_or(&text);
    detail.chars().take(200).collect()
}

/// Replaces U+0000, which PostgreSQL can't store.
fn kept(c: char) -> char {
    if c == '\0' { char::REPLACEMENT_CHARACTER } else { c }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::{Text, list};
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Order {
        id: u64,
        name: Option<Text>,
        buyer: Option<Buyer>,
        #[serde(default, deserialize_with = "list")]
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize)]
    struct Buyer {
        #[expect(dead_code, reason = "only that it can be read matters")]
        name: Option<Text>,
    }

    #[derive(Debug, Deserialize)]
    struct Line {
        price: u64,
        title: Option<Text>,
    }

    fn order(text: &str) -> Result<(Order, Vec<String>), PayloadError> {
        let is_base = |names: &[&str]| matches!(names, ["id"] | ["lines"] | ["lines", "price"]);
        let (order, notes) = read(text.as_bytes(), is_base)?;
        Ok((order, notes.into_vec().into_iter().map(|note| note.path).collect()))
    }

    #[test]
    fn a_field_outside_of_the_base_is_passed_over_with_a_note() {
        let (order, notes) = order(
            r#"{"id": 7, "name": {"a": 1}, "lines": [{"price": 1}, {"price": 2, "title": []}],
                "buyer": [null, null]}"#,
        )
        .unwrap();
        assert_eq!((order.id, order.lines[1].price), (7, 2));
        assert!(order.name.is_none() && order.lines[1].title.is_none());
        assert!(order.buyer.is_none());
        assert_eq!(notes[..2], ["name", "lines[1].title"]);
        assert!(notes[2].starts_with("buyer"), "{notes:?}");
    }

    #[test]
    fn a_field_of_the_base_is_an_error_with_its_place() {
        for (text, path) in [
            (r#"{"id": 7, "lines": [{"price": 1}, {"price": "x"}]}"#, "lines[1].price"),
            (r#"{"id": 7, "lines": [{}]}"#, "lines[0]"),
            (r#"{"id": 7, "lines": "x"}"#, "lines"),
            (r#"{"id": []}"#, "id"),
            ("[]", ""),
            ("{", ""),
            ("{} {}", ""),
        ] {
            assert_eq!(order(text).unwrap_err().path, path, "{text}");
        }
    }

    #[test]
    fn many_elements_with_one_fault_are_no_obstacle() {
        let line = r#"{"price": 5, "title": {}}"#;
        let text = format!(r#"{{"id": 7, "lines": [{}]}}"#, vec![line; 2_000].join(","));
        let (order, notes) = order(&text).unwrap();
        assert_eq!(order.lines.iter().map(|line| line.price).sum::<u64>(), 10_000);
        assert_eq!(notes.last().map(String::as_str), Some("lines[].title"));
    }

    #[test]
    fn lists_that_php_wrote_as_objects_keep_their_order_and_are_edited_in_place() {
        let (order, notes) = order(
            r#"{"id": 7, "lines": {"10": {"price": 1, "title": {}}, "9": {"price": 2, "title": 3}}}"#,
        )
        .unwrap();
        assert_eq!((order.lines[0].price, order.lines[1].price), (1, 2));
        assert_eq!(order.lines[1].title.as_ref().map(|title| title.0.as_str()), Some("3"));
        assert_eq!(notes, ["lines.10.title"]);
    }
}
