//! Clients of our own: one thread and one connection each, with as little work as possible, since
//! they share the machine with what they measure.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::program::Running;

/// How much at once, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub clients: usize,
    pub seconds: u64,
}

/// How long each answer took.
pub(crate) struct Measured {
    times: Vec<Duration>,
    elapsed: Duration,
}

impl Measured {
    /// From times in any order.
    pub(crate) fn of(mut times: Vec<Duration>, elapsed: Duration) -> Self {
        times.sort_unstable();
        Self { times, elapsed }
    }

    pub(crate) fn count(&self) -> usize {
        self.times.len()
    }

    /// In milliseconds.
    pub(crate) fn longest(&self) -> f64 {
        self.times.last().map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// In milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let at = (self.times.len() * percent / 100).min(self.times.len().saturating_sub(1));
        self.times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }
}

static NEXT: AtomicU64 = AtomicU64::new(10_000_000);

impl Load {
    /// Asks for one page again and again.
    pub(crate) fn pages(self, address: &str, path: &str, cookie: &str) -> Measured {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\n\
             accept-encoding: gzip\r\n\r\n"
        );
        self.run(address, &|_| request.clone().into_bytes())
    }

    /// Sends one new order after the other, with one of `codes`.
    pub(crate) fn orders(self, running: &Running, codes: &[String]) -> Measured {
        self.run(&running.address, &|_| {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let code = &codes[number as usize % codes.len()];
            running.order(number, code).request
        })
    }

    fn run(self, address: &str, request: &(dyn Fn(usize) -> Vec<u8> + Sync)) -> Measured {
        let begin = Instant::now();
        let until = begin + Duration::from_secs(self.seconds);
        let times: Vec<Duration> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients)
                .map(|client| scope.spawn(move || one_client(address, client, until, request)))
                .collect();
            clients.into_iter().flat_map(|client| client.join().expect("a client ends")).collect()
        });
        Measured::of(times, begin.elapsed())
    }
}

fn one_client(
    address: &str,
    client: usize,
    until: Instant,
    request: &(dyn Fn(usize) -> Vec<u8> + Sync),
) -> Vec<Duration> {
    let mut connection = Connection::open(address);
    let mut times = Vec::new();
    while Instant::now() < until {
        let request = request(client);
        let begin = Instant::now();
        let (status, body) = connection.ask(&request);
        times.push(begin.elapsed());
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    }
    times
}

/// One connection that is kept open.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("a socket takes the option");
        Self(BufReader::new(stream))
    }

    /// Sends raw bytes; answers status and body.
    pub(crate) fn ask(&mut self, request: &[u8]) -> (u16, Vec<u8>) {
        let (status, _, body) = self.ask_with_headers(request);
        (status, body)
    }

    /// The same with the headers, a line each.
    pub(crate) fn ask_with_headers(&mut self, request: &[u8]) -> (u16, Vec<String>, Vec<u8>) {
        self.0.get_mut().write_all(request).expect("the server reads");
        let mut line = String::new();
        self.0.read_line(&mut line).expect("the server answers");
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let (mut headers, mut length) = (Vec::new(), 0);
        loop {
            line.clear();
            self.0.read_line(&mut line).expect("the server answers");
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            headers.push(header.to_owned());
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("the server answers");
        (status, headers, body)
    }
}
