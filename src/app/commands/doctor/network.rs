//! The address that browsers use, the port, the mail server.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use ureq::Agent;

use super::report::{CheckResult, Issue, Report, problem, warning};
use crate::kit::config::Config;
use crate::kit::email;

/// A Vouch on this machine has so long to answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The public URL has so long: it may lead out of this network and back.
const PUBLIC_TIMEOUT: Duration = Duration::from_secs(3);
const DROPPED_LINES: &str = "vouch_log_lines_dropped_total";

pub(super) fn examine(config: &Config, report: &mut Report) {
    report.note("configuration", "configuration", public_url(config));
    let port = port(config.listen);
    let is_running = matches!(&port, Ok(Port::Vouch));
    report.note("port", "port", port.map(|port| port.seen(config.listen)));
    if is_running {
        report.note("public_url", "public URL", answer_of_public_url(config));
        if let Some(lines) = dropped_lines(config) {
            report.note("log", "log", log(lines));
        }
    }
    report.note("smtp", "mail server", mail_server(config));
}

/// Values that can be used, and yet aren't what anyone wants.
fn public_url(config: &Config) -> CheckResult {
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

enum Port {
    Free,
    /// A Vouch has it, and is well.
    Vouch,
}

impl Port {
    fn seen(&self, listen: SocketAddr) -> String {
        match self {
            Self::Free => format!("{listen} is free"),
            Self::Vouch => format!("a Vouch runs on {listen}"),
        }
    }
}

/// Whether Vouch can listen, or one listens and answers.
fn port(listen: SocketAddr) -> Result<Port, Issue> {
    let Err(error) = TcpListener::bind(listen) else { return Ok(Port::Free) };
    if error.kind() != ErrorKind::AddrInUse {
        let next = "set VOUCH_LISTEN to an address of this machine and a port above 1023";
        return Err(problem(format!("Vouch can't listen on {listen}: {error}"), next));
    }
    match health(listen) {
        Ok(answer) if answer.starts_with("HTTP/1.1 200") => Ok(Port::Vouch),
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

fn get(url: &str, bearer: Option<&str>) -> Result<String, ureq::Error> {
    let agent: Agent =
        Agent::config_builder().timeout_global(Some(PUBLIC_TIMEOUT)).build().new_agent();
    let mut request = agent.get(url);
    if let Some(token) = bearer {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.call()?.body_mut().with_config().limit(4 << 20).read_to_string()
}

/// Whether the Vouch that runs here is what answers at the public URL. Not every network lets a machine
/// reach itself by its public name, so it's no more than a warning.
fn answer_of_public_url(config: &Config) -> CheckResult {
    let url = &config.public_url;
    let next = "open it in a browser; if it doesn't show Vouch there, check DNS, the proxy and VOUCH_PUBLIC_URL";
    match get(&format!("{url}/healthz"), None) {
        Ok(answer) if answer.starts_with("Vouch") => Ok(format!("Vouch answers at {url}")),
        Ok(_) => Err(warning(format!("something else than Vouch answers at {url}"), next)),
        Err(error) => {
            Err(warning(format!("{url} can't be reached from this machine ({error})"), next))
        }
    }
}

/// How many log lines the Vouch that runs here has dropped; `None` where it may not be asked.
fn dropped_lines(config: &Config) -> Option<u64> {
    let token = config.metrics_token.as_ref()?;
    let url = format!("http://{}/metrics", config.listen);
    let metrics = get(&url, Some(token.expose_secret())).ok()?;
    let line = metrics.lines().find_map(|line| line.strip_prefix(DROPPED_LINES))?;
    line.trim().parse().ok()
}

fn log(dropped: u64) -> CheckResult {
    if dropped == 0 {
        return Ok("no lines were dropped since Vouch started".to_owned());
    }
    Err(warning(
        format!("{dropped} lines were dropped since Vouch started: they couldn't be written"),
        "check that what reads Vouch's standard error runs and has disk space",
    ))
}

/// Whether the mail server accepts Vouch.
fn mail_server(config: &Config) -> CheckResult {
    let Some(smtp) = &config.smtp else {
        return Ok(format!(
            "no mail server is set (VOUCH_SMTP_URL): emails wait on {}/support/emails; `vouch email list` lists them",
            config.public_url
        ));
    };
    let server = format!("{}:{}", smtp.host, smtp.port);
    email::check(smtp, &config.public_url)
        .map(|()| format!("{server} accepts emails from {}", smtp.from))
        .map_err(|why| {
            let next = "check the address, the user and the password in VOUCH_SMTP_URL";
            problem(format!("{server} doesn't accept Vouch ({why})"), next)
        })
}
