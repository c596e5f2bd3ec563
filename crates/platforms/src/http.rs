//! The only way to call stores over HTTP. It limits what a store, or a server in its place, can do
//! to Vouch: time, size, redirects, and where a URL may lead.

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

use super::{CallError, Reason};

/// Covers the whole call, from the DNS lookup to the last byte of the response.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// The limit for unpacked bytes, because those use memory.
pub const MAX_RESPONSE_BYTES: u64 = 4 * 1024 * 1024;

/// Calls stores. Clones are cheap and share their connections.
#[derive(Clone, Debug)]
pub struct Http {
    agent: Agent,
    local_stores: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Delete,
}

/// A request to a store. It has no `Debug`, because headers and bodies contain secrets.
pub struct Call {
    method: Method,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Call {
    /// A request without a body.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header. An invalid header value fails the call with [`CallError::Unanswered`].
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn body(mut self, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    #[must_use]
    pub fn json(self, body: &serde_json::Value) -> Self {
        self.body("application/json", body.to_string())
    }
}

/// The response, with any status. Redirects are responses too, because they're never followed.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    /// Header names are lower case.
    pub headers: HeaderMap,
    /// The complete body, unpacked.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name, if it's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Parses the body as JSON. Fails with [`CallError::Unanswered`] if it isn't JSON of that
    /// shape, for example if it's a web page or a maintenance notice.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|_| {
            CallError::Unanswered(Reason::NotJson {
                status: self.status,
                is_web_page: self.body.starts_with(b"<"),
            })
        })
    }
}

impl Http {
    /// Allows public addresses over https only. With `local_stores` (`Config::local_stores`),
    /// stores may have any address, also over plain http.
    pub fn new(local_stores: bool) -> Self {
        Self::with_timeout(local_stores, TIMEOUT)
    }

    fn with_timeout(local_stores: bool, timeout: Duration) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .https_only(!local_stores)
            // A proxy would resolve names itself and bypass the resolver below.
            .proxy(None)
            .user_agent(concat!("Vouch/", env!("CARGO_PKG_VERSION")))
            .build();
        let resolver = PublicOnly { inner: DefaultResolver::default(), local_stores };
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        Self { agent, local_stores }
    }

    /// Whether stores may have any address, also over plain http.
    pub fn local_stores(&self) -> bool {
        self.local_stores
    }

    /// Sends the request and waits up to ten seconds for the whole response, so never call it on a
    /// thread that serves pages. Fails with [`CallError::Unanswered`] and a message without URLs or
    /// secrets.
    pub fn send(&self, call: Call) -> Result<Response, CallError> {
        let answer = self.exchange(call).map_err(|error| {
            tracing::debug!(%error, "store_call_failed");
            CallError::Unanswered(reason(&error))
        })?;
        Ok(answer)
    }

    fn exchange(&self, call: Call) -> Result<Response, Error> {
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
        Ok(Response { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}

/// The wall clock, to measure how far the store's clock differs. All other code here gets the time
/// as an argument.
#[expect(clippy::disallowed_methods, reason = "compares the two clocks when a response arrives")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

thread_local! {
    /// The clock difference in the last response on this thread.
    static LAST_CLOCK: Cell<Option<i32>> = const { Cell::new(None) };
}

/// By how many seconds, at least, the clock of the last server called on this thread is behind
/// Vouch's clock. It's negative if that clock is ahead. A second call returns `None` until the next
/// response.
pub fn take_clock() -> Option<i32> {
    LAST_CLOCK.take()
}

/// The smallest difference that explains `dated`. The server wrote it, in whole seconds, between
/// the request and the response.
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

fn reason(error: &Error) -> Reason {
    match error {
        Error::Timeout(_) => Reason::Timeout,
        Error::HostNotFound => Reason::UnknownHost,
        Error::BodyExceedsLimit(_) => Reason::ResponseTooLarge,
        Error::RequireHttpsOnly(_) => Reason::NotHttps,
        Error::BadUri(_) | Error::Http(_) => Reason::InvalidUrl,
        Error::Tls(_) | Error::Rustls(_) | Error::Pem(_) | Error::TlsRequired => {
            Reason::InsecureConnection
        }
        Error::Other(error) if error.is::<NotPublic>() => Reason::PrivateNetwork,
        Error::Io(error) => match error.kind() {
            ErrorKind::TimedOut => Reason::Timeout,
            ErrorKind::ConnectionRefused => Reason::ConnectionRefused,
            ErrorKind::InvalidData => Reason::InsecureConnection,
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                Reason::Interrupted
            }
            _ => Reason::Unreachable,
        },
        _ => Reason::UnreadableResponse,
    }
}

/// The URL leads into a private network.
#[derive(Debug, thiserror::Error)]
#[error("the host name has no public IP address")]
struct NotPublic;

/// Resolves names and allows only public addresses. It checks at call time, not when the URL is
/// typed, because a name can resolve to another address tomorrow.
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

/// Whether an IP address is on the public internet (IANA's special-purpose registries).
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
        // Link-local, where clouds also serve credentials.
        [169, 254, ..] => true,
        [172, b, ..] => (16..32).contains(&b),
        [192, 168, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] => true,
        // Benchmarks and documentation.
        [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        _ => false,
    };
    !special
}

/// The IPv4 address in an IPv6 address: mapped, or behind NAT64 (RFC 6052).
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
