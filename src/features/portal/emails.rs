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
        subject: format!("Your payment address with {name} was changed"),
        program: Some(name),
        paragraphs: vec![
            format!("Hello {},", affiliate.name),
            format!("The payment address in your settings with {name} was changed just now."),
            format!(
                "If this was not you, change your password, and tell {name} before they pay you."
            ),
        ],
        link: Some(EmailLink::page("See my settings", &urls::login(&urls::portal_settings()))),
    };
    post(conn, &email)
}
