mod accept;
mod forms;
mod page;
mod team;

pub(crate) use self::accept::{join, show};
pub(crate) use self::team::{
    change_role, index, invite, leave, remove, require_two_factor, resend, withdraw,
};
