//! The rules of "Who is credited" and "Commission", one by one, then their laws.

mod attribution;
mod commission;
mod fixtures;
mod laws;
mod payments;
mod words;
