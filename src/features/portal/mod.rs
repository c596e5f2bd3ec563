//! The affiliate portal: codes, what they earned, and the affiliate's own details.

mod emails;
mod forms;
pub(crate) mod handlers;
mod model;
mod text;
mod weeks;
