//! Emails to applicants and affiliates.

use super::parts::Parts;
use crate::features::emails::content::ApplicantStatus;

/// How a recipient reaches the merchant.
pub(super) struct Contact<'a> {
    pub(super) program: &'a str,
    pub(super) takes_replies: bool,
}

impl Contact<'_> {
    fn for_questions(&self) -> String {
        match self.takes_replies {
            true => "Questions? Reply to this email.".to_owned(),
            false => format!("Contact {} if you have questions.", self.program),
        }
    }

    fn for_account(&self) -> String {
        match self.takes_replies {
            true => "Don’t have an account yet? Reply to this email.".to_owned(),
            false => format!("Don’t have an account yet? Contact {}.", self.program),
        }
    }

    fn in_alarm(&self) -> String {
        match self.takes_replies {
            true => "Wasn’t you? Change your password, then reply to this email.".to_owned(),
            false => {
                format!("Wasn’t you? Change your password, then contact {}.", self.program)
            }
        }
    }
}

pub(super) fn confirmation(program: &str, has_code: bool) -> Parts {
    let mut paragraphs = vec![format!(
        "Confirm your email to submit your application to {program}. The link expires in 24 hours."
    )];
    if has_code {
        paragraphs.push("Your code is reserved once you confirm your email.".to_owned());
    }
    paragraphs.push("If you didn’t apply, ignore this email.".to_owned());
    (format!("Confirm your application to {program}"), paragraphs, "Confirm email")
}

pub(super) fn applied_again(
    program: &str,
    contact: &Contact<'_>,
    applicant: ApplicantStatus,
) -> Parts {
    let (subject, what, link_label) = match applicant {
        ApplicantStatus::Pending => (
            format!("You’ve already applied to {program}"),
            vec![format!(
                "You’ve already applied to {program}. Your application is still waiting for review."
            )],
            "",
        ),
        ApplicantStatus::Active => (
            format!("You’re already an affiliate of {program}"),
            vec![
                format!("You’re already an affiliate of {program}. Sign in to see your codes."),
                contact.for_account(),
            ],
            "Sign in",
        ),
        ApplicantStatus::Reviewed => (
            format!("{program} already reviewed your application"),
            vec![
                format!("{program} has already reviewed your application."),
                contact.for_questions(),
            ],
            "",
        ),
    };
    let end =
        "Your new application wasn’t submitted. If you didn’t apply again, ignore this email."
            .to_owned();
    (subject, what.into_iter().chain([end]).collect(), link_label)
}

pub(super) fn application_approved(program: &str, codes: &[String]) -> Parts {
    let code = match codes {
        [] => "You don’t have a coupon code yet. When you get one, it appears in your account."
            .to_owned(),
        codes => earning(codes),
    };
    let paragraphs = vec![
        format!("{program} approved your application. Welcome!"),
        code,
        "Set up your account to see your codes and earnings. The link works once and expires in \
         7 days."
            .to_owned(),
    ];
    (format!("{program} approved your application"), paragraphs, "Set up account")
}

pub(super) fn application_denied(program: &str, contact: &Contact<'_>, reason: &str) -> Parts {
    let denied = format!("Thank you for applying. {program} didn’t approve your application.");
    let paragraphs = with_reason(denied, program, reason, contact.for_questions());
    (format!("{program} didn’t approve your application"), paragraphs, "")
}

pub(super) fn account_invitation(program: &str) -> Parts {
    let paragraphs = vec![
        format!("Set up your {program} affiliate account to see your codes and earnings."),
        "The link works once and expires in 7 days. It replaces earlier links.".to_owned(),
    ];
    (format!("Set up your {program} affiliate account"), paragraphs, "Set up account")
}

pub(super) fn codes_approved(program: &str, name: &str, codes: &[String]) -> Parts {
    let (subject, approved, start) = match codes {
        [code] => (
            format!("{name}, your code {code} is approved"),
            format!("{program} approved your code {code}."),
            "The code works at checkout as soon as it’s in the store, which can take a few minutes.",
        ),
        _ => (
            format!("{name}, your codes are approved"),
            format!("{program} approved your codes."),
            "The codes work at checkout as soon as they’re in the store, which can take a few \
             minutes.",
        ),
    };
    (subject, vec![approved, earning(codes), start.to_owned()], "View my codes")
}

/// What the affiliate's codes do.
fn earning(codes: &[String]) -> String {
    match codes {
        [code] => {
            format!("Your coupon code is {code}. You earn commission on orders placed with it.")
        }
        codes => format!(
            "Your coupon codes are {}. You earn commission on orders placed with them.",
            listed(codes)
        ),
    }
}

pub(super) fn codes_denied(
    program: &str,
    contact: &Contact<'_>,
    codes: &[String],
    reason: &str,
) -> Parts {
    let subject = match codes {
        [code] => format!("{program} denied your request for {code}"),
        codes => format!("{program} denied your request for {} codes", codes.len()),
    };
    let denied = format!("{program} denied your request for {}.", listed(codes));
    let end = format!("You keep the codes you already have. {}", contact.for_questions());
    (subject, with_reason(denied, program, reason, end), "View my codes")
}

pub(super) fn payout_details_changed(program: &str, contact: &Contact<'_>) -> Parts {
    let changed = format!("Your payout details with {program} were just changed.");
    let subject = format!("Your payout details with {program} were changed");
    (subject, vec![changed, contact.in_alarm()], "View settings")
}

/// A denial, with what the merchant wrote about it.
fn with_reason(denied: String, program: &str, reason: &str, end: String) -> Vec<String> {
    let reason = reason.trim();
    let wrote = (!reason.is_empty()).then(|| format!("{program} wrote:\n{reason}"));
    std::iter::once(denied).chain(wrote).chain([end]).collect()
}

/// "A", "A and B" or "A, B and C".
fn listed(codes: &[String]) -> String {
    match codes {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_listed_as_people_do() {
        let codes = ["A", "B", "C"].map(str::to_owned);
        assert_eq!(listed(&codes[..1]), "A");
        assert_eq!(listed(&codes), "A, B and C");
    }
}
