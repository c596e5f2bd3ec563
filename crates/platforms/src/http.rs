//! The one door through which stores are called over HTTP. What a store, or whoever sits at its
//! address, can do to Vouch is bounded here: time, size, redirects, and where an address may lead.

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use ureq::config::Config;
use ureq::http::header::DATE;
use ureq::http::{HeaderMap, Request, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use super::CallError;

/// From the look-up of the name to the last byte of the answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Longer answers are not read; unpacked bytes, as they count in memory.
pub const MAX_RESPONSE_BYTES: u64 = 4 * 1024 * 1024;

/// Calls stores. Cheap to clone; the clones share their connections.
#[derive(Clone, Debug)]
pub struct Http {
    agent: Agent,
    local_stores: bool,
}

/// The verb of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes.
    Post,
    /// Changes.
    Put,
    /// Removes.
    Delete,
}

/// What is sent. Without `Debug`: headers and bodies carry secrets.
pub struct Call {
    method: Method,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Call {
    /// A call without a body.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// With one more header. A value that no header can have ends in [`CallError::Unanswered`].
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &serde_json::Value) -> Self {
        self.body("application/json", body.to_string())
    }
}

/// What came back, whatever its status. Redirects are answers, too: they are never followed.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: HeaderMap,
    /// Complete, unpacked.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`CallError::Unanswered`] when it is none, or not of that shape: also a web page in place of
    /// an answer, or a maintenance notice.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|_| {
            CallError::Unanswered(format!(
                "The store’s answer (HTTP {}) is not what its platform answers: {}",
                self.status,
                if self.body.starts_with(b"<") {
                    "it is a web page."
                } else {
                    "it cannot be read."
                }
            ))
        })
    }
}

impl Http {
    /// Calls stores on public addresses over https only, unless there may be `local_stores`
    /// (`Config::local_stores`), which may be anywhere and on plain http.
    pub fn new(local_stores: bool) -> Self {
        Self::patient(local_stores, TIMEOUT)
    }

    fn patient(local_stores: bool, patience: Duration) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(patience))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .https_only(!local_stores)
            // A proxy would look up names itself, past the resolver below.
            .proxy(None)
            .user_agent(concat!("Vouch/", env!("CARGO_PKG_VERSION")))
            .build();
        let resolver = PublicOnly { inner: DefaultResolver::default(), local_stores };
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        Self { agent, local_stores }
    }

    /// Whether stores may be anywhere and on plain http.
    pub fn local_stores(&self) -> bool {
        self.local_stores
    }

    /// Sends, and waits for the whole answer: ten seconds at the most, so never on a thread that
    /// serves pages.
    ///
    /// # Errors
    /// [`CallError::Unanswered`] with a sentence for people, which names no address and no secret.
    pub fn send(&self, call: Call) -> Result<Answer, CallError> {
        let answer = self.exchange(call).map_err(|error| {
            tracing::debug!(%error, "a call to a store failed");
            CallError::Unanswered(in_words(&error))
        })?;
        Ok(answer)
    }

    fn exchange(&self, call: Call) -> Result<Answer, Error> {
        let Call { method, url, headers, body } = call;
        let (verb, has_body) = match method {
            Method::Get => ("GET", false),
            Method::Post => ("POST", true),
            Method::Put => ("PUT", true),
            Method::Delete => ("DELETE", false),
        };
        let mut request = Request::builder().method(verb).uri(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let asked_at = now();
        let answer = if has_body {
            self.agent.run(request.body(body)?)?
        } else {
            self.agent.run(request.body(())?)?
        };
        let (parts, mut body) = answer.into_parts();
        let date = parts.headers.get(DATE).and_then(|value| value.to_str().ok());
        if let Some(dated) = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()) {
            LAST_CLOCK.set(Some(behind_seconds(dated.with_timezone(&Utc), asked_at, now())));
        }
        let body = body.with_config().limit(MAX_RESPONSE_BYTES).read_to_vec()?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}

/// The wall clock, to tell how far the store's is from it. All else here is told the time.
#[expect(clippy::disallowed_methods, reason = "the two clocks are compared as the answer comes")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

thread_local! {
    /// What the last answer on this thread said of its server's clock.
    static LAST_CLOCK: Cell<Option<i32>> = const { Cell::new(None) };
}

/// By how many seconds the clock of the server that answered last on this thread is behind Vouch's, at
/// least; below zero where it's ahead. Asked again, it answers nothing until the next answer.
pub fn take_clock() -> Option<i32> {
    LAST_CLOCK.take()
}

/// The smallest difference that explains `dated`: the server wrote it, in whole seconds, between the
/// question and the answer.
fn behind_seconds(
    dated: DateTime<Utc>,
    asked_at: DateTime<Utc>,
    answered_at: DateTime<Utc>,
) -> i32 {
    let least = (asked_at - dated).num_milliseconds() - 1_000;
    let most = (answered_at - dated).num_milliseconds();
    let milliseconds = 0.clamp(least.min(most), most);
    i32::try_from(milliseconds / 1_000).unwrap_or_default()
}

fn in_words(error: &Error) -> String {
    let words = match error {
        Error::Timeout(_) => "The store did not answer within ten seconds.",
        Error::HostNotFound => "There is no store at this address.",
        Error::BodyExceedsLimit(_) => "The store’s answer is longer than 4 MiB and was not read.",
        Error::RequireHttpsOnly(_) => "The store’s address is not an https address.",
        Error::BadUri(_) | Error::Http(_) => "The store’s address cannot be called.",
        Error::Tls(_) | Error::Rustls(_) | Error::Pem(_) | Error::TlsRequired => {
            "No secure connection to the store came about."
        }
        Error::Other(error) if error.is::<NotPublic>() => {
            "The store’s address leads into a private network, where Vouch calls nobody."
        }
        Error::Io(error) => match error.kind() {
            ErrorKind::TimedOut => "The store did not answer within ten seconds.",
            ErrorKind::ConnectionRefused => "Nobody answers at the store’s address.",
            ErrorKind::InvalidData => "No secure connection to the store came about.",
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                "The connection to the store broke off before its answer was complete."
            }
            _ => "The store could not be reached.",
        },
        _ => "The store’s answer could not be read.",
    };
    words.to_owned()
}

/// An address that leads into a private network.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to no public address")]
struct NotPublic;

/// Looks names up and lets public addresses through only. Here, and not where an address is typed:
/// a name can lead elsewhere tomorrow.
#[derive(Debug)]
struct PublicOnly {
    inner: DefaultResolver,
    local_stores: bool,
}

impl Resolver for PublicOnly {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        if self.local_stores {
            return Ok(found);
        }
        let mut public = self.empty();
        for address in found.iter().filter(|address| is_public(address.ip())) {
            public.push(*address);
        }
        if public.is_empty() { Err(Error::Other(Box::new(NotPublic))) } else { Ok(public) }
    }
}

/// Whether an address is one of the internet's at large (IANA's special-purpose registries).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match within_v6(ip) {
            Some(ip) => is_public_v4(ip),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let special = match ip.octets() {
        [0 | 10 | 127 | 224..=255, ..] => true,
        // Carrier-grade NAT.
        [100, b, ..] => (64..128).contains(&b),
        // Link-local: also where clouds answer with credentials.
        [169, 254, ..] => true,
        [172, b, ..] => (16..32).contains(&b),
        [192, 168, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] => true,
        // Benchmarks; documentation.
        [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        _ => false,
    };
    !special
}

/// The IPv4 address that an IPv6 address stands for: mapped, or behind NAT64 (RFC 6052).
fn within_v6(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, a, b] => {
            let [[a, b], [c, d]] = [a.to_be_bytes(), b.to_be_bytes()];
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => ip.to_ipv4_mapped(),
    }
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        // Protocols and tunnels (Teredo among them), documentation, 6to4.
        [0x2001, 0..0x200, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..] | [0x3fff, ..] => false,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}
