mod accept;
mod forms;
mod page;
mod team;

pub use self::accept::{join, show};
pub use self::team::{
    change_role, index, invite, leave, remove, require_two_factor, resend, withdraw,
};
