//! What the address of a list says, and the addresses that lead on from it.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Deserialize;
use vouch_core::TextEnum;

use super::range::{Cursor, Key, Order, Range};
use crate::kit::urls::with_query;
use crate::kit::web::display_time::{day, read_day};

/// What is searched for is at most so long.
const MAX_SEARCH_CHARS: usize = 255;

/// The parameters of an address, as they came. Of one that came twice, the last counts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Params(HashMap<String, String>);

impl Params {
    /// Of the list at `path`.
    pub(crate) fn at(self, path: impl Into<String>) -> Address {
        Address { path: path.into(), params: self, parts: Vec::new(), cursor: None, usual_sort: "" }
    }
}

/// What a list can go by.
pub(crate) trait Sort: TextEnum {
    fn order(self) -> Order;
}

/// The address of a list. Reading a parameter also records it: as links carry it, and as the words of a
/// chip that takes it away. What can't be read isn't asked for, as in an old bookmark, and no link
/// carries it on.
#[derive(Clone, Debug)]
pub struct Address {
    pub(crate) path: String,
    params: Params,
    /// What was read and understood, in the order of reading.
    parts: Vec<Part>,
    cursor: Option<(&'static str, Key)>,
    usual_sort: &'static str,
}

#[derive(Clone, Debug)]
struct Part {
    name: &'static str,
    value: String,
    /// What stands before `words` on its chip; empty for a sort, which has none.
    title: String,
    words: String,
}

impl Address {
    /// What is searched for, or "".
    pub(crate) fn search(&mut self) -> String {
        let typed: String = self.param("q").trim().chars().take(MAX_SEARCH_CHARS).collect();
        if !typed.is_empty() {
            self.record("q", typed.clone(), "Search: ", typed.clone());
        }
        typed
    }

    /// One of a closed set.
    pub(crate) fn choice<T: TextEnum>(&mut self, name: &'static str, title: &str) -> Option<T> {
        let choice = T::parse(self.param(name))?;
        let words = choice.label().to_owned();
        self.record(name, choice.as_str().to_owned(), &format!("{title}: "), words);
        Some(choice)
    }

    /// The key of a row, which [`Self::name`] may give a name.
    pub(crate) fn key(&mut self, name: &'static str, title: &str) -> Option<i64> {
        let key: i64 = self.param(name).parse().ok()?;
        self.record(name, key.to_string(), &format!("{title}: "), "unknown".to_owned());
        Some(key)
    }

    pub(crate) fn day(&mut self, name: &'static str, title: &str) -> Option<NaiveDate> {
        let found = read_day(self.param(name))?;
        self.record(name, found.to_string(), &format!("{title} "), day(found));
        Some(found)
    }

    /// Anything else: `parse` makes it of the text, `words` says it on a chip.
    pub(crate) fn parsed<T>(
        &mut self,
        name: &'static str,
        title: &str,
        parse: impl FnOnce(&str) -> Option<T>,
        words: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let text = self.param(name).trim().to_owned();
        let found = parse(&text)?;
        let words = words(&found);
        self.record(name, text, &format!("{title}: "), words);
        Some(found)
    }

    /// What the list goes by; `usual` unless the address says otherwise.
    pub(crate) fn sort<S: Sort>(&mut self, usual: S) -> S {
        let sort = S::parse(self.param("sort")).unwrap_or(usual);
        self.usual_sort = usual.as_str();
        if sort != usual {
            self.record("sort", sort.as_str().to_owned(), "", String::new());
        }
        sort
    }

    /// The page it asks for.
    pub(crate) fn page(&mut self, order: Order) -> Range {
        let cursor = Cursor::read(order, self.param("after"), self.param("before"));
        self.cursor = match &cursor {
            Cursor::Start => None,
            Cursor::After(key) => Some(("after", key.clone())),
            Cursor::Before(key) => Some(("before", key.clone())),
        };
        Range::page(order, cursor)
    }

    /// Says on its chip what the row is called whose key `part` is.
    pub(crate) fn name(&mut self, part: &str, called: &str) {
        if let Some(part) = self.parts.iter_mut().find(|one| one.name == part) {
            called.clone_into(&mut part.words);
        }
    }

    /// Takes back what was read and turned out to say nothing.
    pub(crate) fn ignore(&mut self, part: &str) {
        self.parts.retain(|one| one.name != part);
    }

    fn param(&self, name: &str) -> &str {
        self.params.0.get(name).map_or("", String::as_str)
    }

    fn record(&mut self, name: &'static str, value: String, title: &str, words: String) {
        self.parts.push(Part { name, value, title: title.to_owned(), words });
    }

    /// A part as a field of the filters shows it, or "".
    pub(crate) fn value(&self, name: &str) -> &str {
        self.parts.iter().find(|part| part.name == name).map_or("", |part| &part.value)
    }

    /// Whether anything is filtered out.
    pub(crate) fn is_filtered(&self) -> bool {
        self.parts.iter().any(|part| !part.title.is_empty())
    }

    /// The first page of the list as it stands.
    pub(crate) fn first(&self) -> String {
        self.link(&self.path, |_| true, ("", ""))
    }

    /// This very page.
    pub(crate) fn here(&self) -> String {
        match &self.cursor {
            Some((direction, key)) => self.beyond(direction, key),
            None => self.first(),
        }
    }

    /// The page `after` or `before` a row.
    pub(super) fn beyond(&self, direction: &str, key: &Key) -> String {
        self.link(&self.path, |_| true, (direction, &key.encode()))
    }

    /// The list as it stands at another path: as a file.
    pub(crate) fn export_url(&self, path: &str) -> String {
        self.link(path, |_| true, ("", ""))
    }

    /// The same, where `path` needs one more parameter.
    pub(crate) fn export_url_with(&self, path: &str, more: (&str, &str)) -> String {
        self.link(path, |_| true, more)
    }

    /// The filters that are on: their words, and the address of the list without them.
    pub(crate) fn chips(&self) -> Vec<(String, String)> {
        let filters = self.parts.iter().filter(|part| !part.title.is_empty());
        filters
            .map(|part| {
                let without = self.link(&self.path, |other| other.name != part.name, ("", ""));
                (format!("{}{}", part.title, part.words), without)
            })
            .collect()
    }

    /// The list sorted by the first of `sorts`, or by the one that follows on what it goes by now; and
    /// whether it goes up or down by one of them, for `aria-sort`.
    pub(super) fn sorted<S: Sort>(&self, sorts: &[S]) -> (String, &'static str) {
        let now = match self.value("sort") {
            "" => self.usual_sort,
            sort => sort,
        };
        let at = sorts.iter().position(|sort| sort.as_str() == now);
        let next = sorts[at.map_or(0, |at| (at + 1) % sorts.len())].as_str();
        let direction = match at.map(|at| sorts[at].order().descending) {
            None => "",
            Some(false) => "ascending",
            Some(true) => "descending",
        };
        let next = if next == self.usual_sort { "" } else { next };
        (self.link(&self.path, |part| part.name != "sort", ("sort", next)), direction)
    }

    fn link(&self, path: &str, keep: impl Fn(&Part) -> bool, more: (&str, &str)) -> String {
        let parts = self.parts.iter().filter(|part| keep(part));
        let parts = parts.map(|part| (part.name, part.value.as_str()));
        with_query(path, &parts.chain([more]).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use vouch_core::text_enum;

    use super::super::range::Kind;
    use super::*;

    text_enum! {
        enum State {
            On = "on", "Switched on";
        }
    }

    text_enum! {
        enum By {
            Newest = "newest", "Newest";
            Oldest = "oldest", "Oldest";
            Name = "name", "Name";
        }
    }

    impl Sort for By {
        fn order(self) -> Order {
            const AGE: &[(&str, Kind)] = &[("id", Kind::Number)];
            match self {
                Self::Newest => Order::descending(AGE),
                Self::Oldest => Order::ascending(AGE),
                Self::Name => Order::ascending(&[("name", Kind::Text), ("id", Kind::Number)]),
            }
        }
    }

    fn address(params: &[(&str, &str)]) -> Address {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut address = Params(params.iter().map(owned).collect()).at("/things");
        address.search();
        address.choice::<State>("state", "State");
        address.key("owner", "Owner");
        address.day("from", "From");
        let sort = address.sort(By::Newest);
        address.page(sort.order());
        address
    }

    #[test]
    fn a_list_is_in_its_address() {
        let key = Key::from((7_i64,));
        let after = key.encode();
        let list = address(&[
            ("q", " 50% "),
            ("state", "on"),
            ("owner", "7"),
            ("from", "2026-03-01"),
            ("sort", "oldest"),
            ("after", &after),
        ]);
        let first = "/things?q=50%25&state=on&owner=7&from=2026-03-01&sort=oldest";
        assert_eq!(list.first(), first);
        assert_eq!(list.here(), format!("{first}&after={after}"));
        assert_eq!(list.beyond("before", &key), format!("{first}&before={after}"));
        assert_eq!(list.export_url("/things.csv"), first.replacen("things", "things.csv", 1));
        assert_eq!(list.value("q"), "50%");
    }

    #[test]
    fn each_filter_has_a_chip_that_takes_it_away() {
        let mut list = address(&[("q", "tea"), ("state", "on"), ("owner", "7"), ("sort", "name")]);
        list.name("owner", "Maya");
        let chips = list.chips();
        let chips: Vec<_> = chips.iter().map(|(words, to)| (words.as_str(), to.as_str())).collect();
        assert_eq!(
            chips,
            [
                ("Search: tea", "/things?state=on&owner=7&sort=name"),
                ("State: Switched on", "/things?q=tea&owner=7&sort=name"),
                ("Owner: Maya", "/things?q=tea&state=on&sort=name"),
            ]
        );
        let day = address(&[("from", "2026-03-01")]);
        assert_eq!(day.chips(), [("From 1 Mar 2026".to_owned(), "/things".to_owned())]);
    }

    #[test]
    fn what_is_not_understood_is_not_asked_for() {
        let list = address(&[
            ("q", "  "),
            ("state", "On"),
            ("owner", "Maya"),
            ("from", "soon"),
            ("sort", "rubbish"),
            ("after", "rubbish"),
            ("of", "another list"),
        ]);
        assert!(!list.is_filtered() && list.chips().is_empty());
        assert_eq!((list.first(), list.here()), ("/things".to_owned(), "/things".to_owned()));
        assert_eq!(list.value("state"), "");
        assert!(!address(&[("sort", "name")]).is_filtered());
    }

    #[test]
    fn a_column_sorts_one_way_and_then_the_other() {
        let by_age = [By::Newest, By::Oldest];
        let sorted = |sort: &str, sorts: &[By]| address(&[("sort", sort)]).sorted(sorts);
        assert_eq!(sorted("", &by_age), ("/things?sort=oldest".to_owned(), "descending"));
        assert_eq!(sorted("oldest", &by_age), ("/things".to_owned(), "ascending"));
        assert_eq!(sorted("name", &by_age), ("/things".to_owned(), ""));
        assert_eq!(sorted("", &[By::Name]), ("/things?sort=name".to_owned(), ""));
        assert_eq!(sorted("name", &[By::Name]), ("/things?sort=name".to_owned(), "ascending"));
    }
}
