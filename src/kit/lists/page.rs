//! A page of a list, as templates show it.

use askama::Template;
use askama::filters::HtmlSafe;

use super::address::{Address, Sort};
use super::count::Count;
use super::range::Listing;

/// A page of a list: what it was asked for, its rows, the way to its neighbours.
pub(crate) struct ListPage<R> {
    pub(crate) address: Address,
    pub(crate) rows: Vec<R>,
    /// How many rows match in all, where it says so.
    count: Option<Count>,
    previous: String,
    next: String,
}

impl<R> ListPage<R> {
    pub(crate) fn new(address: Address, listing: Listing<R>, count: Option<Count>) -> Self {
        let Listing { rows, previous, next } = listing;
        let beyond = |direction, key| address.beyond(direction, &key);
        Self {
            previous: previous.map(|key| beyond("before", key)).unwrap_or_default(),
            next: next.map(|key| beyond("after", key)).unwrap_or_default(),
            address,
            rows,
            count,
        }
    }

    /// The filters that are on.
    pub(crate) fn chips(&self) -> Chips {
        Chips { chips: self.address.chips() }
    }

    /// The header cell of a column that sorts.
    pub(crate) fn sort<S: Sort>(&self, label: &'static str, sorts: &[S]) -> SortHeader {
        let (href, direction) = self.address.sorted(sorts);
        SortHeader { label, href, direction }
    }

    /// The links to its neighbours, and how many `many` there are; with one, it is an `one`.
    pub(crate) fn pages(&self, one: &str, many: &str) -> Pages {
        self.pages_of(self.count.map(|count| count.words(one, many)).unwrap_or_default())
    }

    /// The links to its neighbours alone.
    pub(crate) fn links(&self) -> Pages {
        self.pages_of(String::new())
    }

    /// The same under other words.
    pub(crate) fn pages_of(&self, shown: String) -> Pages {
        let is_first = self.previous.is_empty();
        let first = if is_first { String::new() } else { self.address.first() };
        Pages { first, previous: self.previous.clone(), next: self.next.clone(), shown }
    }
}

/// The filters of a list that are on, each with the address of the list without it.
#[derive(Template)]
#[template(path = "components/chips.html")]
pub struct Chips {
    chips: Vec<(String, String)>,
}

/// The header cell of a column that sorts.
#[derive(Template)]
#[template(path = "components/sort_header.html")]
pub struct SortHeader {
    label: &'static str,
    /// The list sorted by it; the other way round, if it is sorted so.
    href: String,
    /// As `aria-sort` has it, or "".
    direction: &'static str,
}

/// The links to other pages of a list; each is an address, or "" where there is no such page.
#[derive(Template)]
#[template(path = "components/pages.html")]
pub struct Pages {
    first: String,
    previous: String,
    next: String,
    shown: String,
}

// Their templates escape what needs it.
impl HtmlSafe for Chips {}
impl HtmlSafe for SortHeader {}
impl HtmlSafe for Pages {}
