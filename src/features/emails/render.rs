//! Renders an email as text and as simple HTML.

use std::time::{Duration, UNIX_EPOCH};

use askama::Template;
use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use super::stored::StoredEmail;
use super::text::{EmailText, signature};

/// The number of characters of a URL without a possible line break.
const PIECE: usize = 20;

/// An email with the full URL of its link.
#[derive(Template)]
#[template(path = "email/message.html")]
pub(super) struct RenderedEmail<'a> {
    program: &'a str,
    text: &'a EmailText,
    url: Option<&'a str>,
}

impl<'a> RenderedEmail<'a> {
    pub(super) fn new(program: &'a str, text: &'a EmailText, url: Option<&'a str>) -> Self {
        Self { program, text, url }
    }

    pub(super) fn plain(&self) -> String {
        let mut parts = self.text.paragraphs.clone();
        parts.extend(self.url.map(|url| format!("{}:\n{url}", self.text.link_label)));
        parts.push(format!("-- \n{}", self.signature()));
        parts.join("\n\n") + "\n"
    }

    fn signature(&self) -> String {
        signature(self.program)
    }

    /// Splits a URL into pieces that fit a narrow window, because mail programs don't break long
    /// words.
    fn parts(url: &str) -> impl Iterator<Item = &str> {
        let mut rest = url;
        std::iter::from_fn(move || {
            let end = rest.char_indices().nth(PIECE).map_or(rest.len(), |(at, _)| at);
            let (piece, after) = rest.split_at(end);
            rest = after;
            (!piece.is_empty()).then_some(piece)
        })
    }
}

/// The whole email in the mail server's format.
pub(super) fn message(
    email: &StoredEmail,
    rendered: &RenderedEmail<'_>,
    from: &Mailbox,
    host: &str,
) -> anyhow::Result<Message> {
    let seconds = u64::try_from(email.created_at.timestamp()).unwrap_or_default();
    let mut message = Message::builder()
        .from(sender(from, &email.program))
        .to(Mailbox::new(None, email.recipient.parse()?))
        .subject(email.subject())
        .message_id(Some(format!("<{}@{host}>", email.message_id)))
        .date(UNIX_EPOCH + Duration::from_secs(seconds));
    if let Some(contact) = &email.reply_to {
        message = message.reply_to(sender(&Mailbox::new(None, contact.parse()?), &email.program));
    }
    let body = MultiPart::alternative_plain_html(rendered.plain(), rendered.render()?);
    let mut message = message.multipart(body)?;
    // Prevents automatic replies such as out-of-office notes (RFC 3834).
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    message.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
    Ok(message)
}

/// The program's name, or the instance's, with an email. The mail library quotes and encodes it,
/// but fails on control characters.
fn sender(email: &Mailbox, program: &str) -> Mailbox {
    let instance = email.name.as_deref().unwrap_or("Vouch");
    let name = if program.is_empty() { instance } else { program };
    let name = name.replace(char::is_control, " ");
    Mailbox::new(Some(name), email.email.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_html_say_the_same() {
        let text = EmailText {
            subject: "Hello".to_owned(),
            paragraphs: vec!["One <b>&</b>.".to_owned(), "Two\nlines.".to_owned()],
            link_label: "Go on".to_owned(),
        };
        let url = "https://vouch.example/x?a=1&b=2";
        let rendered = RenderedEmail::new("Tea & Co", &text, Some(url));
        let plain = rendered.plain();
        assert!(
            plain.contains(
                "One <b>&</b>.\n\nTwo\nlines.\n\nGo on:\nhttps://vouch.example/x?a=1&b=2\n"
            )
        );
        let last = plain.lines().last().unwrap();
        assert!(last.contains("Tea & Co"), "{plain}");
        let html = rendered.render().unwrap();
        assert!(html.contains("One &#60;b&#62;&#38;&#60;/b&#62;."), "{html}");
        assert!(html.contains(">Two<br>lines.</p>"), "{html}");
        assert!(html.contains("href=\"https://vouch.example/x?a=1&#38;b=2\""), "{html}");
        assert!(html.contains("https://vouch.exampl<wbr>e/x?a=1&#38;b=2<wbr>"), "{html}");
        assert!(html.contains(&last.replace('&', "&#38;")), "{html}");
    }

    #[test]
    fn the_sender_is_the_program_or_the_instance() {
        let plain: Mailbox = "vouch@example.com".parse().unwrap();
        let named: Mailbox = "Desk <vouch@example.com>".parse().unwrap();
        let name = |email: &Mailbox, program: &str| sender(email, program).name.unwrap();
        assert_eq!((name(&plain, ""), name(&named, "")), ("Vouch".to_owned(), "Desk".to_owned()));
        assert_eq!(
            (name(&plain, "Tea"), name(&named, "Tea")),
            ("Tea".to_owned(), "Tea".to_owned())
        );
    }

    #[test]
    fn a_name_adds_no_header_and_no_recipient() {
        let plain: Mailbox = "vouch@example.com".parse().unwrap();
        for name in ["Tea\r\nBcc: x@y.example", "Tea\" <x@y.example>, \"", "Tee, Gruß & Co"] {
            let message = Message::builder()
                .from(sender(&plain, name))
                .to("ada@example.com".parse().unwrap())
                .subject("Hello")
                .body("Hello".to_owned())
                .unwrap();
            let bytes = String::from_utf8(message.formatted()).unwrap();
            let (head, _) = bytes.split_once("\r\n\r\n").unwrap();
            assert!(!head.to_lowercase().contains("\nbcc:"), "{head}");
            let recipients: Vec<String> =
                message.envelope().to().iter().map(ToString::to_string).collect();
            assert_eq!(recipients, ["ada@example.com"]);
            assert_eq!(message.envelope().from().unwrap().to_string(), "vouch@example.com");
        }
    }
}
