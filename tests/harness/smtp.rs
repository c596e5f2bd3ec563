//! A mail server for tests: it speaks SMTP over a real socket, and can be told to be difficult.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use vouch::kit::config::{Security, Smtp, SmtpCredentials};

/// What the next email meets. Without one it is taken.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// An answer to RCPT.
    Recipient(&'static str),
    /// An answer after the whole message.
    Message(&'static str),
    /// The line goes dead before the answer to DATA's end; the message was taken, though.
    Taken,
    /// The line goes dead at MAIL.
    HangUp,
    /// So long a silence before the message is taken.
    Slow(Duration),
}

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mail {
    pub to: String,
    pub data: String,
}

impl Mail {
    /// A header's value, unfolded.
    pub(crate) fn header(&self, name: &str) -> String {
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default();
        let unfolded = head.replace("\r\n ", " ");
        let found = unfolded.lines().find_map(|line| {
            let (field, value) = line.split_once(": ")?;
            field.eq_ignore_ascii_case(name).then(|| value.to_owned())
        });
        found.unwrap_or_else(|| panic!("no {name}: {head}"))
    }

    /// The first text part, decoded.
    pub(crate) fn text(&self) -> String {
        let part = self.data.split("Content-Type: text/plain").nth(1).expect("a text part");
        let (head, body) = part.split_once("\r\n\r\n").expect("a body");
        let kind = self.header("Content-Type");
        let boundary = kind.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next());
        let end = format!("\r\n--{}", boundary.expect("a boundary"));
        let body = body.split(&end).next().unwrap_or_default();
        if head.contains("quoted-printable") {
            return quoted_printable(body);
        }
        if head.contains("base64") {
            let joined: String = body.split_whitespace().collect();
            return String::from_utf8(STANDARD.decode(joined).unwrap()).unwrap();
        }
        body.to_owned()
    }

    /// The path of the one link, under `base`.
    pub(crate) fn link(&self, base: &str) -> String {
        let text = self.text();
        let line = text.lines().find(|line| line.trim().starts_with(base));
        line.unwrap_or_else(|| panic!("no link: {text}")).trim().replacen(base, "", 1)
    }
}

fn quoted_printable(body: &str) -> String {
    let joined = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'=' {
            let hex = std::str::from_utf8(&after[..2]).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[derive(Default)]
struct Inside {
    taken: Mutex<Vec<Mail>>,
    troubles: Mutex<VecDeque<Trouble>>,
    /// Who signed in, as sent.
    logins: Mutex<Vec<String>>,
    /// Whether the login is refused.
    refuses_login: Mutex<bool>,
    /// Everything that was said to it.
    heard: Mutex<Vec<String>>,
}

/// The server. Its thread ends with the tests.
pub(crate) struct MailServer {
    address: SocketAddr,
    inside: Arc<Inside>,
    security: Security,
    /// Its certificate, which nobody else vouches for.
    certificate: Vec<u8>,
}

/// How the server keeps a connection private.
#[derive(Clone)]
struct Private {
    security: Security,
    config: Arc<ServerConfig>,
}

/// A certificate for a name, and the server that has it.
fn certified(name: &str) -> (Vec<u8>, Arc<ServerConfig>) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (made.cert.pem().into_bytes(), Arc::new(config))
}

impl MailServer {
    /// Without encryption, as on one's own machine.
    pub(crate) fn start() -> Self {
        Self::start_with(Security::Plain, "127.0.0.1")
    }

    /// With a certificate for `name`.
    pub(crate) fn start_with(security: Security, name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inside = Arc::new(Inside::default());
        let theirs = Arc::clone(&inside);
        let (certificate, config) = certified(name);
        let private = Private { security, config };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (inside, private) = (Arc::clone(&theirs), private.clone());
                std::thread::spawn(move || {
                    let _ = answer(stream, &inside, &private);
                });
            }
        });
        Self { address, inside, security, certificate }
    }

    /// The settings of an installation that uses it.
    pub(crate) fn settings(&self) -> Smtp {
        Smtp {
            host: self.address.ip().to_string(),
            port: self.address.port(),
            security: self.security,
            login: None,
            from: "Vouch <vouch@vouch.example>".parse().unwrap(),
            authority: None,
        }
    }

    /// The same with a login, trusting the server's certificate.
    pub(crate) fn settings_with_trust(&self) -> Smtp {
        self.settings_with_login().trust(&self.certificate).unwrap()
    }

    /// The same with a login.
    pub(crate) fn settings_with_login(&self) -> Smtp {
        let login =
            SmtpCredentials { user: "vouch".to_owned(), password: "geheim".to_owned().into() };
        Smtp { login: Some(login), ..self.settings() }
    }

    /// What the next emails meet.
    pub(crate) fn expect(&self, troubles: &[Trouble]) {
        self.inside.troubles.lock().unwrap().extend(troubles);
    }

    pub(crate) fn refuse_logins(&self, refuses: bool) {
        *self.inside.refuses_login.lock().unwrap() = refuses;
    }

    /// What was taken so far.
    pub(crate) fn taken(&self) -> Vec<Mail> {
        self.inside.taken.lock().unwrap().clone()
    }

    /// What was taken for one address.
    pub(crate) fn taken_for(&self, to: &str) -> Vec<Mail> {
        self.taken().into_iter().filter(|email| email.to == to).collect()
    }

    pub(crate) fn logins(&self) -> Vec<String> {
        self.inside.logins.lock().unwrap().clone()
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.inside.heard.lock().unwrap().clone()
    }
}

/// A line of a conversation, in the clear or not.
trait Conversation: Read + Write {}

impl<T: Read + Write> Conversation for T {}

fn answer(mut stream: TcpStream, inside: &Inside, private: &Private) -> std::io::Result<()> {
    let encrypted = |stream| -> std::io::Result<_> {
        let connection = ServerConnection::new(Arc::clone(&private.config));
        Ok(StreamOwned::new(connection.map_err(std::io::Error::other)?, stream))
    };
    match private.security {
        Security::Plain => serve(&mut BufReader::new(stream), inside, true),
        Security::Tls => serve(&mut BufReader::new(encrypted(stream)?), inside, true),
        Security::StartTls => {
            until_starttls(&mut stream, inside)?;
            serve(&mut BufReader::new(encrypted(stream)?), inside, false)
        }
    }
}

/// What is said in the clear: nothing but that it is to end.
fn until_starttls(stream: &mut TcpStream, inside: &Inside) -> std::io::Result<()> {
    stream.write_all(b"220 mail.example ESMTP\r\n")?;
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let line = next_line(&mut reader, inside)?;
        match line.as_str() {
            "" => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            "STARTTLS" => return stream.write_all(b"220 2.0.0 Go on\r\n"),
            line if line.starts_with("EHLO") => {
                stream.write_all(b"250-mail.example\r\n250 STARTTLS\r\n")?;
            }
            _ => stream.write_all(b"530 5.7.0 STARTTLS first\r\n")?,
        }
    }
}

/// The next line without its end; empty when there is none.
fn next_line(reader: &mut impl BufRead, inside: &Inside) -> std::io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let line = line.trim_end().to_owned();
    inside.heard.lock().unwrap().push(line.clone());
    Ok(line)
}

fn serve<T: Conversation>(
    reader: &mut BufReader<T>,
    inside: &Inside,
    greets: bool,
) -> std::io::Result<()> {
    fn tell<T: Conversation>(reader: &mut BufReader<T>, line: &str) -> std::io::Result<()> {
        reader.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
        reader.get_mut().flush()
    }
    if greets {
        tell(reader, "220 mail.example ESMTP")?;
    }
    let (mut to, mut trouble) = (String::new(), None);
    loop {
        let line = next_line(reader, inside)?;
        let line = line.as_str();
        if line.is_empty() {
            return Ok(());
        }
        let mut say = |line: &str| tell(reader, line);
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        match verb.as_str() {
            "EHLO" => say("250-mail.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN")?,
            "AUTH" if *inside.refuses_login.lock().unwrap() => say("535 5.7.8 Wrong password")?,
            "AUTH" => {
                let sent = line.rsplit(' ').next().unwrap_or_default();
                let plain = String::from_utf8(STANDARD.decode(sent).unwrap_or_default()).unwrap();
                inside.logins.lock().unwrap().push(plain.replace('\0', "/"));
                say("235 2.7.0 Welcome")?;
            }
            "MAIL" => {
                trouble = inside.troubles.lock().unwrap().pop_front();
                if matches!(trouble, Some(Trouble::HangUp)) {
                    return Ok(());
                }
                say("250 2.1.0 Ok")?;
            }
            "RCPT" => match trouble {
                Some(Trouble::Recipient(answer)) => say(answer)?,
                _ => {
                    let inner = line.split(['<', '>']).nth(1).unwrap_or_default();
                    inner.clone_into(&mut to);
                    say("250 2.1.5 Ok")?;
                }
            },
            "DATA" => {
                say("354 Go on")?;
                let data = message(reader)?;
                let mut say = |line: &str| tell(reader, line);
                let email = Mail { to: to.clone(), data };
                match trouble.take() {
                    Some(Trouble::Message(answer)) => say(answer)?,
                    Some(Trouble::Taken) => {
                        inside.taken.lock().unwrap().push(email);
                        return Ok(());
                    }
                    other => {
                        if let Some(Trouble::Slow(silence)) = other {
                            std::thread::sleep(silence);
                        }
                        inside.taken.lock().unwrap().push(email);
                        say("250 2.0.0 Queued")?;
                    }
                }
            }
            "QUIT" => {
                say("221 Bye")?;
                return Ok(());
            }
            _ => say("250 Ok")?,
        }
    }
}

/// Up to the line with a single dot.
fn message(reader: &mut impl BufRead) -> std::io::Result<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == ".\r\n" {
            return Ok(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
