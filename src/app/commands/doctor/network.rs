//! The address that browsers use, the port, the mail server.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::report::{Finding, Report, problem};
use crate::kit::config::Config;
use crate::kit::mail;

/// A Vouch on this machine has so long to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn examine(config: &Config, report: &mut Report) {
    report.note("configuration", "configuration", public_url(config));
    report.note("port", "port", port(config.listen));
    report.note("smtp", "mail server", mail_server(config));
}

/// Values that can be used, and yet aren't what anyone wants.
fn public_url(config: &Config) -> Finding {
    if !config.is_https() && !config.is_on_this_machine() {
        return Err(problem(
            format!(
                "browsers reach Vouch over plain http at {}, where no one can sign in",
                config.public_url
            ),
            "put a proxy with a certificate in front of it, and set VOUCH_PUBLIC_URL to its https address",
        ));
    }
    Ok(format!("{}, listening on {}", config.public_url, config.listen))
}

/// Whether Vouch can listen, or one listens and answers.
fn port(listen: SocketAddr) -> Finding {
    let Err(error) = TcpListener::bind(listen) else { return Ok(format!("{listen} is free")) };
    if error.kind() != ErrorKind::AddrInUse {
        let next = "set VOUCH_LISTEN to an address of this machine and a port above 1023";
        return Err(problem(format!("Vouch can't listen on {listen}: {error}"), next));
    }
    match health(listen) {
        Ok(answer) if answer.starts_with("HTTP/1.1 200") => Ok(format!("a Vouch runs on {listen}")),
        Ok(answer) if answer.contains("Vouch") => Err(problem(
            format!("the Vouch on {listen} isn't well"),
            "read its log, and restart it if it doesn't recover",
        )),
        _ => Err(problem(
            format!("another program has {listen}"),
            "stop that program, or set VOUCH_LISTEN to another port",
        )),
    }
}

/// The beginning of what the program there answers when it's asked how it is.
fn health(listen: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&listen, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: doctor\r\nConnection: close\r\n\r\n")?;
    let mut answer = vec![0; 2048];
    let read = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
}

/// Whether the mail server accepts Vouch.
fn mail_server(config: &Config) -> Finding {
    let Some(smtp) = &config.smtp else {
        return Ok(format!(
            "no mail server is set (VOUCH_SMTP_URL): emails wait on {}/support/mail; `vouch mail list` lists them",
            config.public_url
        ));
    };
    let server = format!("{}:{}", smtp.host, smtp.port);
    mail::check(smtp, &config.public_url)
        .map(|()| format!("{server} accepts emails from {}", smtp.from))
        .map_err(|why| {
            let next = "check the address, the user and the password in VOUCH_SMTP_URL";
            problem(format!("{server} doesn't accept Vouch ({why})"), next)
        })
}
