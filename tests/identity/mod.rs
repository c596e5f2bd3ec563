//! Who someone is, and what ends it: single-use links, disabled people, closed merchants, keys,
//! passwords.

mod ends;
mod keys;
mod links;
mod mail_page;
mod passwords;
mod races;
