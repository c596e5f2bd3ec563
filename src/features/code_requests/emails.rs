//! Emails to affiliates who requested additional codes.

use diesel::prelude::*;

use super::denial::Denial;
use crate::features::affiliates::Affiliate;
use crate::features::auth::Merchant;
use crate::features::emails::{EmailContent, EmailLink, EmailMessage, post};
use crate::kit::urls;

/// Tells an affiliate that their requested codes are approved.
pub(super) fn codes_approved(
    conn: &mut PgConnection,
    merchant: &Merchant,
    affiliate: &Affiliate,
    codes: &[&str],
) -> QueryResult<()> {
    let (name, codes) = (affiliate.name.clone(), owned(codes));
    send(conn, merchant, affiliate, EmailContent::CodesApproved { name, codes })
}

/// Tells an affiliate that their requested codes are denied, if the member chose to send it.
pub(super) fn codes_denied(
    conn: &mut PgConnection,
    merchant: &Merchant,
    affiliate: &Affiliate,
    codes: &[&str],
    denial: &Denial,
) -> QueryResult<()> {
    let (name, codes, reason) = (affiliate.name.clone(), owned(codes), denial.reason.clone());
    send(conn, merchant, affiliate, EmailContent::CodesDenied { name, codes, reason })
}

fn send(
    conn: &mut PgConnection,
    merchant: &Merchant,
    affiliate: &Affiliate,
    content: EmailContent,
) -> QueryResult<()> {
    let email = EmailMessage {
        to: &affiliate.email,
        program: Some(&merchant.name),
        content,
        link: Some(EmailLink::page(&urls::login("/portal"))),
    };
    post(conn, &email)
}

fn owned(codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}
