use std::net::IpAddr;

use lettre::message::Mailbox;
use lettre::transport::smtp::client::Certificate;
use secrecy::SecretString;
use url::{Host, Url};

/// The mail server, and the sender of the emails.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// A host name or an IP address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: Security,
    /// The login, if the server requires one.
    pub login: Option<SmtpCredentials>,
    /// `VOUCH_MAIL_FROM`.
    pub from: Mailbox,
    /// An additional certificate authority for the server.
    pub authority: Option<Certificate>,
}

/// The encryption of the connection to the mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (`smtps://`).
    Tls,
    /// STARTTLS (`smtp://`). A server that doesn't offer it isn't used.
    StartTls,
    /// No encryption, because the server is on this machine.
    Plain,
}

/// The credentials for the mail server.
#[derive(Clone, Debug)]
pub struct SmtpCredentials {
    pub user: String,
    pub password: SecretString,
}

impl Smtp {
    /// Parses `VOUCH_SMTP_URL` and `VOUCH_MAIL_FROM`.
    ///
    /// Fails with the setting and the reason, which never contains the password.
    pub(crate) fn parse(url: &str, from: Option<&str>) -> Result<Self, (&'static str, String)> {
        let refuse = |reason: &str| ("VOUCH_SMTP_URL", reason.to_owned());
        let parsed = Url::parse(url.trim())
            .map_err(|_| refuse("enter a URL such as smtp://user:password@mail.example.com:587"))?;
        let host = parsed.host().ok_or_else(|| refuse("enter the host name of the mail server"))?;
        if !matches!(parsed.path(), "" | "/") || parsed.query().is_some() {
            return Err(refuse("remove everything after the host and the port"));
        }
        let security = match parsed.scheme() {
            "smtps" => Security::Tls,
            "smtp" if is_loopback(&host) => Security::Plain,
            "smtp" => Security::StartTls,
            _ => return Err(refuse("the URL must begin with smtp:// or smtps://")),
        };
        let usual = match security {
            Security::Tls => 465,
            Security::StartTls => 587,
            Security::Plain => 25,
        };
        let login = match (parsed.username(), parsed.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => Some(SmtpCredentials {
                user: decoded(user).ok_or_else(|| refuse("the user isn't valid UTF-8"))?,
                password: decoded(password)
                    .ok_or_else(|| refuse("the password isn't valid UTF-8"))?
                    .into(),
            }),
            _ => {
                return Err(refuse(
                    "enter both the user and the password, as in user:password@host",
                ));
            }
        };
        let from = from.ok_or((
            "VOUCH_MAIL_FROM",
            "enter the sender of the emails, because VOUCH_SMTP_URL is set".to_owned(),
        ))?;
        Ok(Self {
            host: host.to_string().trim_matches(['[', ']']).to_owned(),
            port: parsed.port().unwrap_or(usual),
            security,
            login,
            from: from.trim().parse().map_err(|_| {
                let reason =
                    format!("{from:?} isn't a sender, such as \"Vouch <vouch@example.com>\"");
                ("VOUCH_MAIL_FROM", reason)
            })?,
            authority: None,
        })
    }

    /// Also trusts the certificates in `pem`, for servers without a certificate of a public
    /// authority.
    ///
    /// Fails if `pem` contains no certificate.
    pub fn trust(self, pem: &[u8]) -> Result<Self, &'static str> {
        const NONE: &str = "contains no PEM certificate, which begins with BEGIN CERTIFICATE";
        if !pem.windows(17).any(|part| part == b"BEGIN CERTIFICATE") {
            return Err(NONE);
        }
        let authority = Certificate::from_pem(pem).map_err(|_| NONE)?;
        Ok(Self { authority: Some(authority), ..self })
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            *name == "localhost"
                || name.ends_with(".localhost")
                // `url` only parses IP addresses for schemes of the web.
                || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Percent-decodes the text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => match hex::decode([*high, *low]) {
                Ok(byte) => (byte[0], after),
                Err(_) => (b'%', &rest[1..]),
            },
            _ => (*first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    const FROM: Option<&str> = Some("Vouch <vouch@example.com>");

    #[test]
    fn the_scheme_and_the_host_say_how_the_way_is_kept_private() {
        for (url, security, host, port) in [
            ("smtps://mail.example.com", Security::Tls, "mail.example.com", 465),
            ("smtp://mail.example.com", Security::StartTls, "mail.example.com", 587),
            ("smtp://10.0.0.7:25", Security::StartTls, "10.0.0.7", 25),
            ("smtp://127.0.0.1", Security::Plain, "127.0.0.1", 25),
            ("smtp://localhost:2525/", Security::Plain, "localhost", 2525),
            ("smtp://[::1]:25", Security::Plain, "::1", 25),
            ("smtps://127.0.0.1", Security::Tls, "127.0.0.1", 465),
        ] {
            let smtp = Smtp::parse(url, FROM).unwrap();
            assert_eq!((smtp.security, smtp.host.as_str(), smtp.port), (security, host, port));
        }
    }

    #[test]
    fn user_and_password_may_hold_anything() {
        let smtp = Smtp::parse("smtp://a%40b.c:p%3A%2F%25x@mail.example.com", FROM).unwrap();
        let login = smtp.login.clone().unwrap();
        assert_eq!((login.user.as_str(), login.password.expose_secret()), ("a@b.c", "p:/%x"));
        assert!(!format!("{smtp:?}").contains("p:/"), "a password is never printed");
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_its_password() {
        for (url, from, setting) in [
            ("mail.example.com:hunter2", FROM, "VOUCH_SMTP_URL"),
            ("https://u:hunter2@mail.example.com", FROM, "VOUCH_SMTP_URL"),
            ("smtp://u:hunter2@", FROM, "VOUCH_SMTP_URL"),
            ("smtp://u@mail.example.com", FROM, "VOUCH_SMTP_URL"),
            ("smtp://u:hunter2@mail.example.com/x", FROM, "VOUCH_SMTP_URL"),
            ("smtp://u:hunter2@mail.example.com", None, "VOUCH_MAIL_FROM"),
            ("smtp://u:hunter2@mail.example.com", Some("nobody"), "VOUCH_MAIL_FROM"),
        ] {
            let (named, reason) = Smtp::parse(url, from).unwrap_err();
            assert_eq!(named, setting, "{url}");
            assert!(!reason.contains("hunter2"), "{reason}");
        }
    }
}
