//! What every form keeps: it's carried out once, it overwrites nothing unseen, and what was typed survives
//! the end of a session.

mod sessions;
mod tabs;
mod twice;
mod uploads;
