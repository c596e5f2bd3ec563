//! The public URL, the port and the mail server.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use ureq::Agent;

use super::report::{CheckResult, Issue, Report, problem, warning};
use super::text;
use crate::kit::config::Config;
use crate::kit::email;

/// The timeout for Vouch on this machine.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The timeout for the public URL, which may lead out of this network and back.
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

/// Values that are valid but useless.
fn public_url(config: &Config) -> CheckResult {
    if !config.is_https() && !config.is_on_this_machine() {
        return Err(problem(text::plain_http(&config.public_url)));
    }
    Ok(text::urls(&config.public_url, config.listen))
}

enum Port {
    Available,
    /// A healthy Vouch uses it.
    Vouch,
}

impl Port {
    fn seen(&self, listen: SocketAddr) -> String {
        match self {
            Self::Available => text::port_available(listen),
            Self::Vouch => text::port_of_vouch(listen),
        }
    }
}

/// Whether Vouch can listen on the port, or already does.
fn port(listen: SocketAddr) -> Result<Port, Issue> {
    let Err(error) = TcpListener::bind(listen) else { return Ok(Port::Available) };
    if error.kind() != ErrorKind::AddrInUse {
        return Err(problem(text::port_forbidden(listen, error)));
    }
    match health(listen) {
        Ok(answer) if answer.starts_with("HTTP/1.1 200") => Ok(Port::Vouch),
        Ok(answer) if answer.contains("Vouch") => Err(problem(text::vouch_unhealthy(listen))),
        _ => Err(problem(text::port_in_use(listen))),
    }
}

/// The beginning of the program's answer to `/healthz`.
fn health(listen: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&listen, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    // copy: HTTP
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

/// Whether Vouch answers at the public URL. Only a warning, because in some networks a machine can't
/// reach itself by its public name.
fn answer_of_public_url(config: &Config) -> CheckResult {
    let url = &config.public_url;
    match get(&format!("{url}/healthz"), None) {
        Ok(answer) if answer.starts_with("Vouch") => Ok(text::public_url_answers(url)),
        Ok(_) => Err(warning(text::public_url_wrong(url))),
        Err(error) => Err(warning(text::public_url_unreachable(url, error))),
    }
}

/// How many log lines the running Vouch has dropped; `None` without a token for its metrics.
fn dropped_lines(config: &Config) -> Option<u64> {
    let token = config.metrics_token.as_ref()?;
    let url = format!("http://{}/metrics", config.listen);
    let metrics = get(&url, Some(token.expose_secret())).ok()?;
    let line = metrics.lines().find_map(|line| line.strip_prefix(DROPPED_LINES))?;
    line.trim().parse().ok()
}

fn log(dropped: u64) -> CheckResult {
    if dropped == 0 {
        return Ok(text::LOG_COMPLETE.to_owned());
    }
    Err(warning(text::log_dropped(dropped)))
}

/// Whether the mail server accepts Vouch.
fn mail_server(config: &Config) -> CheckResult {
    let Some(smtp) = &config.smtp else {
        return Err(warning(text::no_mail_server()));
    };
    let server = format!("{}:{}", smtp.host, smtp.port);
    email::check(smtp, &config.public_url)
        .map(|()| text::mail_server(&server, &smtp.from))
        .map_err(|why| problem(text::mail_server_refuses(&server, why)))
}
