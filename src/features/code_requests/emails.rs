//! Emails to affiliates who requested additional codes.

use diesel::prelude::*;

use super::denial::Denial;
use crate::features::affiliates::Affiliate;
use crate::features::auth::Merchant;
use crate::kit::email::{EmailLink, EmailMessage, post};
use crate::kit::urls;

/// Tells an affiliate that their requested codes are approved.
pub(super) fn codes_approved(
    conn: &mut PgConnection,
    merchant: &Merchant,
    affiliate: &Affiliate,
    codes: &[&str],
) -> QueryResult<()> {
    let name = &merchant.name;
    let (subject, what, share) = match codes {
        [code] => (
            format!("{}, your code {code} is approved", affiliate.name),
            format!(
                "{name} approved your code {code}. You earn commission on orders placed with it."
            ),
            "It can take a few minutes to work at checkout. My Codes lists the stores where it works.",
        ),
        codes => (
            format!("{}, your codes are approved", affiliate.name),
            format!(
                "{name} approved your codes {}. You earn commission on orders placed with them.",
                codes.join(", ")
            ),
            "They can take a few minutes to work at checkout. My Codes lists the stores where they \
             work.",
        ),
    };
    let email = EmailMessage {
        to: &affiliate.email,
        subject,
        program: Some(name),
        paragraphs: vec![format!("Hi {},", affiliate.name), what, share.to_owned()],
        link: Some(EmailLink::page("View my codes", &urls::login("/portal"))),
    };
    post(conn, &email)
}

/// Tells an affiliate that their requested codes are denied, if the member chose to send it.
pub(super) fn codes_denied(
    conn: &mut PgConnection,
    merchant: &Merchant,
    affiliate: &Affiliate,
    codes: &[&str],
    denial: &Denial,
) -> QueryResult<()> {
    let name = &merchant.name;
    let subject = match codes {
        [code] => format!("{name} declined your request for {code}"),
        codes => format!("{name} declined your request for {} codes", codes.len()),
    };
    let decided = format!("{name} declined your request for {}.", codes.join(", "));
    let mut paragraphs = vec![format!("Hi {},", affiliate.name), decided];
    if !denial.reason.trim().is_empty() {
        paragraphs.push(denial.reason.trim().to_owned());
    }
    paragraphs.push(format!(
        "You keep the codes you already have. Contact {name} if you have questions."
    ));
    let email = EmailMessage {
        to: &affiliate.email,
        subject,
        program: Some(name),
        paragraphs,
        link: Some(EmailLink::page("View my codes", &urls::login("/portal"))),
    };
    post(conn, &email)
}
