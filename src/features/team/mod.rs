//! The team of a merchant: members and open invitations.

mod emails;
pub mod handlers;
mod invitations;
mod members;

pub use self::invitations::{
    Invitation, InvitationRow, InviteError, Joining, Withdrawn, accept, find, invite,
    invited_address, open_invitations, resend, withdraw, withdraw_of_inviter,
};
pub use self::members::{
    MemberError, MemberRow, change_role, end_membership, leave, members, remove,
    require_two_factor, requires_two_factor,
};
