//! Renders an email as text and as simple HTML.

use std::time::{Duration, UNIX_EPOCH};

use askama::Template;
use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use super::stored::StoredEmail;

/// The number of characters of a URL without a possible line break.
const PIECE: usize = 20;

/// The text of an email, with the full URL of its link.
#[derive(Template)]
#[template(path = "email/message.html")]
pub(super) struct EmailContent<'a> {
    pub(super) subject: &'a str,
    pub(super) program: &'a str,
    pub(super) paragraphs: &'a [String],
    pub(super) link: Option<(&'a str, &'a str)>,
}

impl EmailContent<'_> {
    pub(super) fn text(&self) -> String {
        let mut parts = self.paragraphs.to_vec();
        parts.extend(self.link.map(|(label, url)| format!("{label}:\n{url}")));
        parts.push(format!("-- \n{}", self.signature()));
        parts.join("\n\n") + "\n"
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

    fn signature(&self) -> String {
        match self.program {
            "" => "Sent by Vouch.".to_owned(),
            program => format!("Sent by Vouch for {program}."),
        }
    }
}

/// The whole email in the mail server's format.
pub(super) fn message(
    message: &StoredEmail,
    words: &EmailContent<'_>,
    from: &Mailbox,
    host: &str,
) -> anyhow::Result<Message> {
    let to = Mailbox::new(None, message.recipient.parse()?);
    let seconds = u64::try_from(message.created_at.timestamp()).unwrap_or_default();
    let mut message = Message::builder()
        .from(sender(from, &message.program))
        .to(to)
        .subject(message.subject.clone())
        .message_id(Some(format!("<{}@{host}>", message.message_id)))
        .date(UNIX_EPOCH + Duration::from_secs(seconds))
        .multipart(MultiPart::alternative_plain_html(words.text(), words.render()?))?;
    // Prevents automatic replies such as out-of-office notes (RFC 3834).
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    message.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
    Ok(message)
}

/// The program's name with the instance's own email, for example "Acme Tea via Vouch".
fn sender(from: &Mailbox, program: &str) -> Mailbox {
    if program.is_empty() {
        return from.clone();
    }
    let via = from.name.as_deref().unwrap_or("Vouch");
    Mailbox::new(Some(format!("{program} via {via}")), from.email.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(program: &'static str) -> EmailContent<'static> {
        EmailContent { subject: "Hello", program, paragraphs: &[], link: None }
    }

    #[test]
    fn text_and_html_say_the_same() {
        let paragraphs = ["One <b>&</b>.".to_owned(), "Two\nlines.".to_owned()];
        let url = "https://vouch.example/x?a=1&b=2";
        let words = EmailContent {
            paragraphs: &paragraphs,
            link: Some(("Go on", url)),
            ..words("Tea & Co")
        };
        let text = words.text();
        assert!(
            text.contains(
                "One <b>&</b>.\n\nTwo\nlines.\n\nGo on:\nhttps://vouch.example/x?a=1&b=2\n"
            )
        );
        assert!(text.ends_with("-- \nSent by Vouch for Tea & Co.\n"), "{text}");
        let html = words.render().unwrap();
        assert!(html.contains("One &#60;b&#62;&#38;&#60;/b&#62;."), "{html}");
        assert!(html.contains(">Two<br>lines.</p>"), "{html}");
        assert!(html.contains("href=\"https://vouch.example/x?a=1&#38;b=2\""), "{html}");
        assert!(html.contains("https://vouch.exampl<wbr>e/x?a=1&#38;b=2<wbr>"), "{html}");
    }

    #[test]
    fn the_sender_is_the_program_by_way_of_the_installation() {
        let plain: Mailbox = "vouch@example.com".parse().unwrap();
        let named: Mailbox = "Desk <vouch@example.com>".parse().unwrap();
        assert_eq!(sender(&plain, "").to_string(), "vouch@example.com");
        assert_eq!(sender(&plain, "Tea").name.as_deref(), Some("Tea via Vouch"));
        assert_eq!(sender(&named, "Tea").name.as_deref(), Some("Tea via Desk"));
    }
}
