//! Sends emails to the mail server.

use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use secrecy::ExposeSecret;

use crate::kit::config::{Security, Smtp};

/// The timeout for each response of the mail server. An email needs about ten, so it ends before a
/// run counts as hung (180 seconds).
const TIMEOUT: Duration = Duration::from_secs(15);

/// The result of an attempt to send an email.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SendOutcome {
    /// The mail server accepted it.
    Delivered,
    /// A later attempt may succeed.
    Later(String),
    /// No attempt will succeed.
    Refused(String),
    /// No connection to the mail server, so the email itself may be fine.
    Unreachable(String),
}

/// A connection to the mail server, opened for the first email and reused for the next ones.
pub(crate) struct MailServerConnection<'a> {
    smtp: &'a Smtp,
    /// How Vouch identifies itself: the host of its public URL.
    name: &'a str,
    open: Option<SmtpConnection>,
}

impl<'a> MailServerConnection<'a> {
    pub(crate) fn new(smtp: &'a Smtp, name: &'a str) -> Self {
        Self { smtp, name, open: None }
    }

    pub(crate) fn send(&mut self, message: &Message) -> SendOutcome {
        let mut connection = match self.connection() {
            Ok(connection) => connection,
            Err(error) => return SendOutcome::Unreachable(in_words(&error)),
        };
        match connection.send(message.envelope(), &message.formatted()) {
            Ok(_) => {
                self.open = Some(connection);
                SendOutcome::Delivered
            }
            // The server rejected it permanently, or it can't be encoded for this server.
            Err(error) if error.is_permanent() || error.is_client() => {
                SendOutcome::Refused(in_words(&error))
            }
            Err(error) => SendOutcome::Later(in_words(&error)),
        }
    }

    fn connection(&mut self) -> Result<SmtpConnection, Error> {
        match self.open.take() {
            Some(open) => Ok(open),
            None => connect(self.smtp, self.name),
        }
    }
}

impl Drop for MailServerConnection<'_> {
    fn drop(&mut self) {
        if let Some(mut open) = self.open.take() {
            let _ = open.quit();
        }
    }
}

fn connect(smtp: &Smtp, name: &str) -> Result<SmtpConnection, Error> {
    let hello = ClientId::Domain(name.to_owned());
    let tls = || {
        let trusted = TlsParameters::builder(smtp.host.clone());
        match &smtp.authority {
            Some(authority) => trusted.add_root_certificate(authority.clone()).build(),
            None => trusted.build(),
        }
    };
    let server = (smtp.host.as_str(), smtp.port);
    let wrapper = match smtp.security {
        Security::Tls => Some(tls()?),
        Security::StartTls | Security::Plain => None,
    };
    let mut connection =
        SmtpConnection::connect(server, Some(TIMEOUT), &hello, wrapper.as_ref(), None)?;
    if smtp.security == Security::StartTls {
        // Fails if the server doesn't offer TLS, so that nothing is sent unencrypted.
        connection.starttls(&tls()?, &hello)?;
    }
    if let Some(login) = &smtp.login {
        let password = login.password.expose_secret().to_owned();
        connection.auth(DEFAULT_MECHANISMS, &Credentials::new(login.user.clone(), password))?;
    }
    Ok(connection)
}

/// Whether the mail server accepts Vouch's connection and credentials, for `vouch doctor`. Fails
/// with the reason as text.
pub fn check(smtp: &Smtp, public_url: &str) -> Result<(), String> {
    let mut connection = connect(smtp, host_of(public_url)).map_err(|error| in_words(&error))?;
    let _ = connection.quit();
    Ok(())
}

/// The error with its causes on one line. They contain the mail server's own text.
fn in_words(error: &Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_words = inner.to_string();
        if !words.contains(&inner_words) {
            words = format!("{words}: {inner_words}");
        }
        cause = inner.source();
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The host of a public URL. Vouch identifies itself with it, and it's part of every Message-ID.
pub(crate) fn host_of(public_url: &str) -> &str {
    let authority = public_url.split("://").nth(1).unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}
