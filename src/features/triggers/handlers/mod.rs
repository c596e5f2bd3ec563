//! Handlers, by action.

mod add;
mod chooser;
mod fields;
mod list;
mod of_affiliate;
mod reassign;
mod show;
mod view;

pub(crate) use self::add::create;
pub(crate) use self::add::new;
pub(crate) use self::list::{export, index};
pub(crate) use self::of_affiliate::{create_of_affiliate, index_of_affiliate, new_of_affiliate};
pub(crate) use self::reassign::reassign;
pub(crate) use self::reassign::{cancel_reassignment, reassignment};
pub(crate) use self::show::show;
pub(crate) use self::show::{reinstate, retire};
