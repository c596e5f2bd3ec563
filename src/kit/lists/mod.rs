//! Lists, built once: what an address asks for, which rows those are, how a page or a file shows them.
//!
//! A list reads its filters and its sort from an [`Address`], which remembers each as links carry it
//! and as a chip says it. A [`Range`] puts the keyset condition, the order and the limit on the list's
//! query and cuts what comes back into a [`Listing`]. The same query serves the page ([`ListPage`])
//! and the file ([`export`]).

mod address;
mod count;
mod export;
mod page;
mod range;
mod search;

pub(crate) use self::address::{Address, Params, Sort};
pub(crate) use self::count::{COUNT_LIMIT, Count, count_label, count_of};
pub(crate) use self::export::export;
pub(crate) use self::page::ListPage;
pub(crate) use self::range::{Cursor, Key, Kind, Listing, Order, PAGE_SIZE, Range, Value};
pub(crate) use self::search::{
    Named, begins_with, by_parts, contains, glob, named, replanned, searched,
};
