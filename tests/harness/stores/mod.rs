//! Mock stores: real HTTP on loopback, with a script of what goes wrong.

#![allow(dead_code, reason = "each platform's tests use their share")]

pub(crate) mod bigcommerce;
mod bigcommerce_bodies;
pub(crate) mod shopify;
pub(crate) mod woocommerce;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A call as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    /// What follows the question mark.
    pub query: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Request {
    /// A header, empty when it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The body as JSON; null when it is none.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// What the query says of `name`.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let pairs: Vec<(String, String)> = serde_html_form::from_str(&self.query).unwrap();
        pairs.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Reply {
    /// JSON.
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { status, headers, body: body.to_string() }
    }

    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// This answer instead of the store's own; the store does nothing.
    Instead(Reply),
    /// The store does what was asked, and the connection breaks before it answers.
    LostAfterWrite,
    /// The store does nothing, and the connection breaks.
    Lost,
    /// Nothing comes for so long; then the store does what was asked.
    Late(Duration),
    /// The first half of the answer.
    Truncated,
    /// An answer without end, nor a word of how long it is.
    Huge,
    /// The same, in chunks.
    HugeInChunks,
    /// Half a gibibyte of spaces, packed into half a mebibyte.
    Bomb,
}

impl Fault {
    /// A web page.
    pub(crate) fn html() -> Self {
        Self::Instead(Reply {
            status: 200,
            headers: vec![("content-type", "text/html".to_owned())],
            body: "<!doctype html><title>Maintenance</title>".to_owned(),
        })
    }

    /// An empty answer of that status.
    pub(crate) fn status(status: u16) -> Self {
        Self::Instead(Reply { status, headers: Vec::new(), body: String::new() })
    }

    /// A redirect.
    pub(crate) fn redirect(to: &str) -> Self {
        Self::Instead(
            Reply { status: 302, headers: Vec::new(), body: String::new() }.header("location", to),
        )
    }
}

/// What a platform does with a call.
pub(crate) trait Platform: Send + 'static {
    fn answer(&mut self, request: &Request) -> Reply;
}

struct Script {
    /// In the path or the body of the calls it is for.
    needle: String,
    fault: Fault,
    times: usize,
}

struct Shared<P> {
    platform: Mutex<P>,
    script: Mutex<Vec<Script>>,
    requests: Mutex<Vec<Request>>,
}

/// A store that stands on a port of its own until the test ends.
pub(crate) struct MockStore<P> {
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    shared: Arc<Shared<P>>,
}

impl<P: Platform> MockStore<P> {
    pub(crate) fn start(platform: P) -> Self {
        Self::start_at("127.0.0.1:0", platform)
    }

    /// The same on a given port.
    pub(crate) fn start_at(address: &str, platform: P) -> Self {
        let listener = TcpListener::bind(address)
            .unwrap_or_else(|error| panic!("nothing can stand on {address}: {error}"));
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            platform: Mutex::new(platform),
            script: Mutex::default(),
            requests: Mutex::default(),
        });
        let weak = Arc::downgrade(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(shared) = weak.upgrade() else { return };
                thread::spawn(move || serve(&stream, &shared));
            }
        });
        Self { base, shared }
    }

    /// The store itself, to look into it or change it.
    pub(crate) fn store(&self) -> MutexGuard<'_, P> {
        self.shared.platform.lock().unwrap()
    }

    /// The next call whose path or body holds `needle` goes wrong.
    pub(crate) fn once(&self, needle: &str, fault: Fault) {
        self.times(1, needle, fault);
    }

    /// So do the next `times` of them.
    pub(crate) fn times(&self, times: usize, needle: &str, fault: Fault) {
        let needle = needle.to_owned();
        self.shared.script.lock().unwrap().push(Script { needle, fault, times });
    }

    /// Nothing goes wrong from now on.
    pub(crate) fn recover(&self) {
        self.shared.script.lock().unwrap().clear();
    }

    /// The calls so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How many calls so far held `needle` in the path or the body.
    pub(crate) fn count(&self, needle: &str) -> usize {
        self.requests().iter().filter(|request| holds(request, needle)).count()
    }
}

fn holds(request: &Request, needle: &str) -> bool {
    request.path.contains(needle) || request.body.contains(needle)
}

/// The calls of one connection, one after the other.
fn serve<P: Platform>(stream: &TcpStream, shared: &Shared<P>) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        shared.requests.lock().unwrap().push(request.clone());
        let fault = take(shared, &request);
        let answer = || shared.platform.lock().unwrap().answer(&request);
        let reply = match fault {
            None => answer(),
            Some(Fault::Instead(reply)) => reply,
            Some(Fault::Lost) => return,
            Some(Fault::LostAfterWrite) => return drop(answer()),
            Some(Fault::Late(pause)) => {
                thread::sleep(pause);
                answer()
            }
            Some(Fault::Truncated) => {
                let bytes = write(&answer());
                let _ = (&mut &*stream).write_all(&bytes[..bytes.len() / 2]);
                return;
            }
            Some(Fault::Huge) => {
                let _ = (&mut &*stream).write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"data\": \"");
                while (&mut &*stream).write_all(&[b'x'; 65_536]).is_ok() {}
                return;
            }
            Some(Fault::HugeInChunks) => {
                let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
                let chunk = [b"10000\r\n".as_slice(), &[b' '; 65_536], b"\r\n"].concat();
                let _ = (&mut &*stream).write_all(head);
                while (&mut &*stream).write_all(&chunk).is_ok() {}
                return;
            }
            Some(Fault::Bomb) => {
                let _ = (&mut &*stream).write_all(&bomb());
                return;
            }
        };
        if (&mut &*stream).write_all(&write(&reply)).is_err() {
            return;
        }
    }
}

/// A whole answer. What follows one packed piece goes on the one before.
fn bomb() -> Vec<u8> {
    let mut packing = GzEncoder::new(Vec::new(), Compression::fast());
    packing.write_all(&vec![b' '; 8 * 1024 * 1024]).unwrap();
    let packed = packing.finish().unwrap().repeat(64);
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        packed.len()
    );
    [head.as_bytes(), &packed].concat()
}

fn take<P>(shared: &Shared<P>, request: &Request) -> Option<Fault> {
    let mut script = shared.script.lock().unwrap();
    let at = script.iter().position(|line| holds(request, &line.needle))?;
    script[at].times -= 1;
    let fault = script[at].fault.clone();
    if script[at].times == 0 {
        script.remove(at);
    }
    Some(fault)
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn write(reply: &Reply) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Answer\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", reply.body.len()));
    [head.as_bytes(), reply.body.as_bytes()].concat()
}
