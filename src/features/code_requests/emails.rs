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
            format!("{code} is your code with {name}"),
            format!("You asked {name} for the code {code}, and it is yours now."),
            "Share it: whoever shops with it credits you. A new code can",
        ),
        codes => (
            format!("Your new codes with {name}"),
            format!("You asked {name} for codes. These are yours now: {}.", codes.join(", ")),
            "Share them: whoever shops with one of them credits you. New codes can",
        ),
    };
    let shared = format!("{share} take some minutes to work in the store; My Codes shows it.");
    let email = EmailMessage {
        to: &affiliate.email,
        subject,
        program: Some(name),
        paragraphs: vec![format!("Hello {},", affiliate.name), what, shared],
        link: Some(EmailLink::page("See my codes", &urls::login("/portal"))),
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
    let asked = match codes {
        [code] => format!("You asked {name} for the code {code}."),
        codes => format!("You asked {name} for the codes {}.", codes.join(", ")),
    };
    let it = if codes.len() == 1 { "it" } else { "them" };
    let decided = format!("{asked} {name} has decided not to give {it} out.");
    let mut paragraphs = vec![format!("Hello {},", affiliate.name), decided];
    if !denial.reason.trim().is_empty() {
        paragraphs.push(denial.reason.trim().to_owned());
    }
    paragraphs.push("The codes that are yours already stay yours.".to_owned());
    let email = EmailMessage {
        to: &affiliate.email,
        subject: format!("The code you asked {name} for"),
        program: Some(name),
        paragraphs,
        link: Some(EmailLink::page("See my codes", &urls::login("/portal"))),
    };
    post(conn, &email)
}
