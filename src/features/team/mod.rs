//! The team of a merchant: members and open invitations.

mod emails;
pub(crate) mod handlers;
mod invitations;
mod members;
mod text;

pub(crate) use self::invitations::{
    Invitation, InvitationRow, InviteError, find, invited_address, open_invitations, withdraw,
    withdraw_of_inviter,
};
pub use self::invitations::{Joining, accept, invite, resend};
pub use self::members::{MemberError, change_role, remove, require_two_factor};
pub(crate) use self::members::{MemberRow, end_membership, leave, members, requires_two_factor};
