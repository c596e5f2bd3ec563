//! Emails to applicants.

use diesel::prelude::*;

use super::applicant::Applicant;
use super::settings::PublicProgram;
use crate::features::affiliates::{Affiliate, AffiliateStatus};
use crate::features::auth::Merchant;
use crate::features::code_requests::Denial;
use crate::kit::email::{EmailLink, EmailMessage, post};
use crate::kit::secrets::Encryptor;
use crate::kit::urls;

/// To the email in the form, which anyone can enter. It contains nothing else from the form, so
/// strangers can't send text to people through Vouch.
pub(super) fn confirm(
    conn: &mut PgConnection,
    shown: &PublicProgram,
    encryptor: &Encryptor,
    applicant: &Applicant,
    token: &str,
) -> QueryResult<()> {
    let name = &shown.name;
    let mut paragraphs = vec![
        "Hello,".to_owned(),
        format!(
            "You applied to be an affiliate of {name}. Please confirm that this is your e-mail \
             address: your application counts from then on. The link works for 24 hours."
        ),
    ];
    if !applicant.code.trim().is_empty() {
        let words = "The coupon code you asked for isn’t reserved until you confirm.";
        paragraphs.push(words.to_owned());
    }
    paragraphs.push("If this was not you, do nothing: nothing happens then.".to_owned());
    let path = urls::join_confirmation(&shown.slug, token);
    let email = EmailMessage {
        to: &applicant.email,
        subject: format!("Confirm your application to {name}"),
        program: Some(name),
        paragraphs,
        link: Some(EmailLink::secret(encryptor, "Confirm my e-mail address", &path)),
    };
    post(conn, &email)
}

/// To a person who applies again. The page didn't reveal that to the sender.
pub(super) fn known(
    conn: &mut PgConnection,
    shown: &PublicProgram,
    to: &str,
    status: AffiliateStatus,
) -> QueryResult<()> {
    let name = &shown.name;
    let (what, link) = match status {
        AffiliateStatus::Pending => (
            format!(
                "You have applied to {name} already. {name} has not decided yet, and writes to you."
            ),
            None,
        ),
        AffiliateStatus::Active => (
            format!("You are an affiliate of {name} already. Sign in to see your codes."),
            Some(EmailLink::page("Sign in", &urls::login("/portal"))),
        ),
        AffiliateStatus::Denied | AffiliateStatus::Disabled => (
            format!(
                "You applied to {name} before, and {name} has decided about it. Please ask {name} if you think that this should change."
            ),
            None,
        ),
    };
    let email = EmailMessage {
        to,
        subject: format!("Your application to {name}"),
        program: Some(name),
        paragraphs: vec![
            format!("Somebody, probably you, has just applied to {name} with this e-mail address."),
            what,
            "Nothing was changed.".to_owned(),
        ],
        link,
    };
    post(conn, &email)
}

/// To a new affiliate, with their code and the link to their account.
pub(super) fn welcome(
    conn: &mut PgConnection,
    merchant: &Merchant,
    encryptor: &Encryptor,
    affiliate: &Affiliate,
    codes: &[String],
    token: &str,
) -> QueryResult<()> {
    let name = &merchant.name;
    let mut paragraphs = vec![
        format!("Hello {},", affiliate.name),
        format!("{name} has accepted your application. Welcome!"),
    ];
    match codes {
        [] => paragraphs.push(format!("{name} will give you a coupon code of your own.")),
        codes => paragraphs.push(format!(
            "Your coupon code is {}. Share it: whoever shops with it credits you.",
            codes.join(", ")
        )),
    }
    paragraphs.push(
        "In your account you see what your codes earn. The link works once, and for 7 days."
            .to_owned(),
    );
    let path = urls::join_account(&merchant.slug, token);
    let email = EmailMessage {
        to: &affiliate.email,
        subject: format!("Welcome to {name}"),
        program: Some(name),
        paragraphs,
        link: Some(EmailLink::secret(encryptor, "Open my account", &path)),
    };
    post(conn, &email)
}

/// To an affiliate whose link got lost or expired.
pub(super) fn invitation(
    conn: &mut PgConnection,
    merchant: &Merchant,
    encryptor: &Encryptor,
    affiliate: &Affiliate,
    token: &str,
) -> QueryResult<()> {
    let name = &merchant.name;
    let path = urls::join_account(&merchant.slug, token);
    let email = EmailMessage {
        to: &affiliate.email,
        subject: format!("Your account with {name}"),
        program: Some(name),
        paragraphs: vec![
            format!("Hello {},", affiliate.name),
            format!(
                "{name} invites you to your account: there you see your codes, and what they earn."
            ),
            "The link works once, and for 7 days. Earlier links no longer work.".to_owned(),
        ],
        link: Some(EmailLink::secret(encryptor, "Open my account", &path)),
    };
    post(conn, &email)
}

/// To a denied applicant, if the merchant chose to send it.
pub(super) fn denied(
    conn: &mut PgConnection,
    merchant: &Merchant,
    affiliate: &Affiliate,
    denial: &Denial,
) -> QueryResult<()> {
    let name = &merchant.name;
    let mut paragraphs = vec![
        format!("Hello {},", affiliate.name),
        format!("Thank you for your application. {name} has decided not to accept it."),
    ];
    if !denial.reason.trim().is_empty() {
        paragraphs.push(denial.reason.trim().to_owned());
    }
    let email = EmailMessage {
        to: &affiliate.email,
        subject: format!("Your application to {name}"),
        program: Some(name),
        paragraphs,
        link: None,
    };
    post(conn, &email)
}
