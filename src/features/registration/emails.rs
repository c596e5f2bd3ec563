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
        "Hi,".to_owned(),
        format!(
            "Confirm your email to submit your application to {name}. The link expires in 24 hours."
        ),
    ];
    if !applicant.code.trim().is_empty() {
        let words = "We’ll reserve your code once you confirm.";
        paragraphs.push(words.to_owned());
    }
    paragraphs.push("If you didn’t apply, ignore this email.".to_owned());
    let path = urls::join_confirmation(&shown.slug, token);
    let email = EmailMessage {
        to: &applicant.email,
        subject: format!("Confirm your application to {name}"),
        program: Some(name),
        paragraphs,
        link: Some(EmailLink::secret(encryptor, "Confirm email", &path)),
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
    let (subject, what, link) = match status {
        AffiliateStatus::Pending => (
            format!("{name} is reviewing your application"),
            format!(
                "You’ve already applied to {name}. They’re still reviewing your application and will \
                 email you."
            ),
            None,
        ),
        AffiliateStatus::Active => (
            format!("You’re already an affiliate of {name}"),
            format!(
                "You’re already an affiliate of {name}. Sign in to see your codes. Contact {name} if \
                 you don’t have an account yet."
            ),
            Some(EmailLink::page("Sign in", &urls::login("/portal"))),
        ),
        AffiliateStatus::Denied | AffiliateStatus::Disabled => (
            format!("{name} already reviewed your application"),
            format!(
                "{name} has already reviewed your application. Contact {name} if you have questions."
            ),
            None,
        ),
    };
    let email = EmailMessage {
        to,
        subject,
        program: Some(name),
        paragraphs: vec![
            "Hi,".to_owned(),
            what,
            "Nothing has changed. If you didn’t apply again, ignore this email.".to_owned(),
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
        format!("Hi {},", affiliate.name),
        format!("{name} approved your application. Welcome!"),
    ];
    match codes {
        [] => paragraphs.push("You don’t have a coupon code yet.".to_owned()),
        [code] => paragraphs.push(format!(
            "Your coupon code is {code}. You earn commission on orders placed with it."
        )),
        codes => paragraphs.push(format!(
            "Your coupon codes are {}. You earn commission on orders placed with them.",
            codes.join(", ")
        )),
    }
    paragraphs.push(
        "Set up your account to see your codes and earnings. The link works once and expires in \
         7 days."
            .to_owned(),
    );
    let path = urls::join_account(&merchant.slug, token);
    let email = EmailMessage {
        to: &affiliate.email,
        subject: format!("{name} approved your application"),
        program: Some(name),
        paragraphs,
        link: Some(EmailLink::secret(encryptor, "Set up account", &path)),
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
        subject: format!("Set up your {name} affiliate account"),
        program: Some(name),
        paragraphs: vec![
            format!("Hi {},", affiliate.name),
            format!("Set up your {name} affiliate account to see your codes and earnings."),
            "The link works once and expires in 7 days. Earlier links no longer work.".to_owned(),
        ],
        link: Some(EmailLink::secret(encryptor, "Set up account", &path)),
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
        format!("Hi {},", affiliate.name),
        format!("Thank you for applying. {name} declined your application."),
    ];
    if !denial.reason.trim().is_empty() {
        paragraphs.push(denial.reason.trim().to_owned());
    }
    paragraphs.push(format!("Contact {name} if you have questions."));
    let email = EmailMessage {
        to: &affiliate.email,
        subject: format!("{name} declined your application"),
        program: Some(name),
        paragraphs,
        link: None,
    };
    post(conn, &email)
}
