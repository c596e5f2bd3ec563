//! Emails to applicants.

use diesel::prelude::*;

use super::applicant::Applicant;
use super::settings::PublicProgram;
use crate::features::affiliates::{Affiliate, AffiliateStatus};
use crate::features::auth::Merchant;
use crate::features::code_requests::Denial;
use crate::features::emails::{ApplicantStatus, EmailContent, EmailLink, EmailMessage, post};
use crate::kit::secrets::Encryptor;
use crate::kit::urls;

/// To the email in the form, which anyone can enter.
pub(super) fn confirm(
    conn: &mut PgConnection,
    shown: &PublicProgram,
    encryptor: &Encryptor,
    applicant: &Applicant,
    token: &str,
) -> QueryResult<()> {
    let path = urls::join_confirmation(&shown.slug, token);
    let has_code = !applicant.code.trim().is_empty();
    let email = EmailMessage {
        to: &applicant.email,
        program: Some(&shown.name),
        content: EmailContent::ApplicationConfirmation { has_code },
        link: Some(EmailLink::secret(encryptor, &path)),
    };
    post(conn, &email)
}

/// To a person who applies again.
pub(super) fn known(
    conn: &mut PgConnection,
    shown: &PublicProgram,
    to: &str,
    status: AffiliateStatus,
) -> QueryResult<()> {
    let applicant = match status {
        AffiliateStatus::Pending => ApplicantStatus::Pending,
        AffiliateStatus::Active => ApplicantStatus::Active,
        AffiliateStatus::Denied | AffiliateStatus::Disabled => ApplicantStatus::Reviewed,
    };
    let is_active = status == AffiliateStatus::Active;
    let email = EmailMessage {
        to,
        program: Some(&shown.name),
        content: EmailContent::AppliedAgain { applicant },
        link: is_active.then(|| EmailLink::page(&urls::login("/portal"))),
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
    let path = urls::join_account(&merchant.slug, token);
    let (name, codes) = (affiliate.name.clone(), codes.to_vec());
    let email = EmailMessage {
        to: &affiliate.email,
        program: Some(&merchant.name),
        content: EmailContent::ApplicationApproved { name, codes },
        link: Some(EmailLink::secret(encryptor, &path)),
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
    let path = urls::join_account(&merchant.slug, token);
    let email = EmailMessage {
        to: &affiliate.email,
        program: Some(&merchant.name),
        content: EmailContent::AccountInvitation { name: affiliate.name.clone() },
        link: Some(EmailLink::secret(encryptor, &path)),
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
    let (name, reason) = (affiliate.name.clone(), denial.reason.clone());
    let email = EmailMessage {
        to: &affiliate.email,
        program: Some(&merchant.name),
        content: EmailContent::ApplicationDenied { name, reason },
        link: None,
    };
    post(conn, &email)
}
