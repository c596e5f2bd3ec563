//! A TCP proxy that does to a database what networks do to it.
//!
//! Needs nothing of the harness but `libc`, so that benches can include it by `#[path]`.

#![allow(dead_code, reason = "not everything that includes it needs every mode")]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How often a thread that waits for bytes looks at the mode.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
const CHUNK: usize = 64 * 1024;

/// What happens to connections from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Bytes go through.
    Pass,
    /// Bytes vanish, without a word and for ever: a connection that sent some, or was made, meanwhile
    /// stays silent for as long as it lives, whatever comes after. The kernel still acknowledges, so
    /// that neither keepalives nor `tcp_user_timeout` notice: the hardest kind.
    BlackHole,
    /// Connections are reset, those there are and those that are made.
    Reset,
    /// Nothing listens; connections that are there end.
    Refuse,
    /// Every chunk of bytes waits this long, in each direction.
    Delay(Duration),
}

/// Where bytes go.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A server on the network.
    Tcp(SocketAddr),
    /// A server on a Unix socket, such as the embedded one: `FOLDER/.s.PGSQL.5432`.
    Unix(PathBuf),
}

impl From<SocketAddr> for Target {
    fn from(addr: SocketAddr) -> Self {
        Self::Tcp(addr)
    }
}

impl From<PathBuf> for Target {
    fn from(path: PathBuf) -> Self {
        Self::Unix(path)
    }
}

/// Listens on a port of its own until it is dropped, which resets every connection.
pub(crate) struct Proxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    target: Target,
    mode: Mutex<Mode>,
    /// What to close when the mode changes.
    ends: Mutex<Vec<Arc<Ends>>>,
    over: AtomicBool,
}

/// Both ends of one connection.
struct Ends {
    client: TcpStream,
    server: Option<Stream>,
    /// Whether something of it has vanished.
    lost: AtomicBool,
    closed: AtomicBool,
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Proxy {
    /// Begins to pass bytes to `target`.
    pub(crate) fn start(target: impl Into<Target>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let addr = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            target: target.into(),
            mode: Mutex::new(Mode::Pass),
            ends: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept(listener, addr));
        Self { addr, shared }
    }

    /// Where to connect.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Changes what happens to all connections, those there are included.
    pub(crate) fn set(&self, mode: Mode) {
        *held(&self.shared.mode) = mode;
        if let Mode::Reset | Mode::Refuse = mode {
            self.shared.close_all(mode == Mode::Reset);
        }
        // The listener notices within `POLL_INTERVAL`; who sets a mode may rely on it.
        thread::sleep(POLL_INTERVAL * 2);
    }

    /// How many connections there are.
    pub(crate) fn connections(&self) -> usize {
        let ends = held(&self.shared.ends);
        ends.iter().filter(|ends| !ends.closed.load(Ordering::Relaxed)).count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        self.shared.close_all(true);
    }
}

impl Shared {
    fn mode(&self) -> Mode {
        *held(&self.mode)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn accept(self: &Arc<Self>, listener: TcpListener, addr: SocketAddr) {
        let mut listener = Some(listener);
        while !self.is_over() {
            if self.mode() == Mode::Refuse {
                listener = None;
                thread::sleep(POLL_INTERVAL);
                continue;
            }
            let Some(open) = &listener else {
                listener = TcpListener::bind(addr).ok();
                continue;
            };
            open.set_nonblocking(true).expect("a socket can");
            match open.accept() {
                Ok((client, _)) => {
                    let shared = Arc::clone(self);
                    thread::spawn(move || shared.take(client));
                }
                Err(_) => thread::sleep(POLL_INTERVAL / 4),
            }
        }
    }

    fn take(self: &Arc<Self>, client: TcpStream) {
        let _ = client.set_nonblocking(false);
        let _ = client.set_nodelay(true);
        let server = match self.mode() {
            Mode::BlackHole => None,
            Mode::Reset | Mode::Refuse => return reset(&client),
            Mode::Pass | Mode::Delay(_) => match Stream::to(&self.target) {
                Some(server) => Some(server),
                None => return reset(&client),
            },
        };
        let lost = AtomicBool::new(server.is_none());
        let ends = Arc::new(Ends { client, server, lost, closed: AtomicBool::new(false) });
        let mut all = held(&self.ends);
        all.retain(|ends| !ends.closed.load(Ordering::Relaxed));
        all.push(Arc::clone(&ends));
        drop(all);
        // It may have changed since it was asked for.
        if let Mode::Reset | Mode::Refuse = self.mode() {
            return ends.close(true);
        }
        let (up, down) = (Arc::clone(self), Arc::clone(self));
        let (up_ends, down_ends) = (Arc::clone(&ends), ends);
        thread::spawn(move || up.pump(&up_ends, true));
        thread::spawn(move || down.pump(&down_ends, false));
    }

    /// Carries bytes one way until an end closes: to the server when `up`.
    fn pump(&self, ends: &Ends, up: bool) {
        let mut chunk = vec![0; CHUNK];
        while !self.is_over() {
            let read = match up {
                true => read(&ends.client, &mut chunk),
                false => match &ends.server {
                    Some(server) => server.read(&mut chunk),
                    None => return,
                },
            };
            let Some(read) = read else { continue };
            if read == 0 {
                break;
            }
            match self.mode() {
                Mode::BlackHole => ends.lost.store(true, Ordering::Relaxed),
                Mode::Delay(time) => thread::sleep(time),
                Mode::Pass | Mode::Reset | Mode::Refuse => {}
            }
            if ends.lost.load(Ordering::Relaxed) {
                continue;
            }
            let sent = match (up, &ends.server) {
                (true, Some(server)) => server.write(&chunk[..read]),
                _ => (&ends.client).write_all(&chunk[..read]).is_ok(),
            };
            if !sent {
                break;
            }
        }
        // In a black hole not even the end of a connection is heard on the other side.
        if self.mode() != Mode::BlackHole && !ends.lost.load(Ordering::Relaxed) {
            ends.close(false);
        } else if up {
            ends.closed.store(true, Ordering::Relaxed);
            if let Some(server) = &ends.server {
                server.shutdown();
            }
        }
    }

    fn close_all(&self, reset: bool) {
        for ends in held(&self.ends).drain(..) {
            ends.close(reset);
        }
    }
}

impl Ends {
    fn close(&self, with_reset: bool) {
        self.closed.store(true, Ordering::Relaxed);
        if with_reset {
            reset(&self.client);
        } else {
            let _ = self.client.shutdown(Shutdown::Both);
        }
        if let Some(server) = &self.server {
            server.shutdown();
        }
    }
}

impl Stream {
    fn to(target: &Target) -> Option<Self> {
        match target {
            Target::Tcp(addr) => {
                let stream = TcpStream::connect_timeout(addr, Duration::from_secs(2)).ok()?;
                let _ = stream.set_nodelay(true);
                Some(Self::Tcp(stream))
            }
            Target::Unix(path) => UnixStream::connect(path).ok().map(Self::Unix),
        }
    }

    fn read(&self, chunk: &mut [u8]) -> Option<usize> {
        match self {
            Self::Tcp(stream) => read(stream, chunk),
            Self::Unix(stream) => {
                let _ = stream.set_read_timeout(Some(POLL_INTERVAL));
                received((&mut &*stream).read(chunk))
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Tcp(stream) => (&mut &*stream).write_all(bytes).is_ok(),
            Self::Unix(stream) => (&mut &*stream).write_all(bytes).is_ok(),
        }
    }

    fn shutdown(&self) {
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

/// How many bytes came, none at the end; `None` when none came yet.
fn read(mut stream: &TcpStream, chunk: &mut [u8]) -> Option<usize> {
    let _ = stream.set_read_timeout(Some(POLL_INTERVAL));
    received(stream.read(chunk))
}

fn received(outcome: std::io::Result<usize>) -> Option<usize> {
    use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    match outcome {
        Ok(read) => Some(read),
        Err(error) if matches!(error.kind(), WouldBlock | TimedOut | Interrupted) => None,
        Err(_) => Some(0),
    }
}

/// Ends a connection with a reset, also while other threads hold it.
fn reset(stream: &TcpStream) {
    // To connect a socket to no address ends its connection at once, with a reset (Linux).
    let nowhere =
        libc::sockaddr { sa_family: libc::AF_UNSPEC as libc::sa_family_t, sa_data: [0; 14] };
    let length = libc::socklen_t::try_from(size_of_val(&nowhere)).expect("sixteen fits");
    // SAFETY: the pointer and the length are those of `nowhere`, which outlives the call.
    unsafe { libc::connect(stream.as_raw_fd(), &raw const nowhere, length) };
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
