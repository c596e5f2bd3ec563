//! Emails to affiliates about their own settings.

use diesel::prelude::*;

use crate::features::affiliates::Affiliate;
use crate::features::auth::Merchant;
use crate::features::emails::{EmailContent, EmailLink, EmailMessage, post};
use crate::kit::urls;

/// Warns an affiliate that their payout details changed, in case they didn't do it.
pub(super) fn payout_details_changed(
    conn: &mut PgConnection,
    merchant: &Merchant,
    affiliate: &Affiliate,
) -> QueryResult<()> {
    let email = EmailMessage {
        to: &affiliate.email,
        program: Some(&merchant.name),
        content: EmailContent::PayoutDetailsChanged { name: affiliate.name.clone() },
        link: Some(EmailLink::page(&urls::login(&urls::portal_settings()))),
    };
    post(conn, &email)
}
