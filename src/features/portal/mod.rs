//! The affiliate portal: codes, what they earned, and the affiliate's own details.

mod emails;
mod forms;
pub mod handlers;
mod model;
mod weeks;
