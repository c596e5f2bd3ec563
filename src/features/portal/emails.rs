//! Emails to affiliates about their own settings.

use diesel::prelude::*;

use crate::features::affiliates::Affiliate;
use crate::features::auth::Merchant;
use crate::kit::email::{EmailLink, EmailMessage, post};
use crate::kit::urls;

/// Warns an affiliate that their payout details changed, in case they didn't do it. The email
/// doesn't contain the details.
pub(super) fn payment_address_changed(
    conn: &mut PgConnection,
    merchant: &Merchant,
    affiliate: &Affiliate,
) -> QueryResult<()> {
    let name = &merchant.name;
    let email = EmailMessage {
        to: &affiliate.email,
        subject: format!("Your payout details with {name} were changed"),
        program: Some(name),
        paragraphs: vec![
            format!("Hi {},", affiliate.name),
            format!("Your payout details with {name} were just changed."),
            format!("Wasn’t you? Change your password, then contact {name}."),
        ],
        link: Some(EmailLink::page("View settings", &urls::login(&urls::portal_settings()))),
    };
    post(conn, &email)
}
