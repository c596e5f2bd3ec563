//! Finds the socket of a connection. Diesel doesn't expose it, so it's the new one among the
//! process's sockets.

use std::collections::BTreeSet;
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use crate::kit::os::{self, SocketReadiness};

/// A second handle on a connection's socket.
#[derive(Debug)]
pub(in crate::kit::db) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The state of an idle connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kit::db) enum Condition {
    /// No data, as expected.
    Quiet,
    /// The server sent something unasked, for example because it's shutting down.
    Talking,
    /// The other end closed or reset the connection.
    Dead,
}

impl Socket {
    /// Ends all current and future waits on the connection, without sending anything to the server.
    pub(in crate::kit::db) fn cut(&self) {
        // An error means that the connection is already closed.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }

    /// Checks the socket without contacting the server. Only for an idle connection.
    pub(in crate::kit::db) fn condition(&self) -> Condition {
        let fd = match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
        };
        match os::waiting_on(fd) {
            SocketReadiness::Nothing => Condition::Quiet,
            SocketReadiness::Bytes => Condition::Talking,
            SocketReadiness::End => Condition::Dead,
        }
    }

    /// The handle, if its other end is a database at one of `ports`.
    fn of_database(handle: OwnedFd, ports: &[u16]) -> Option<Self> {
        let stream = TcpStream::from(handle);
        if let Ok(peer) = stream.peer_addr() {
            return ports.contains(&peer.port()).then_some(Self::Tcp(stream));
        }
        let stream = UnixStream::from(OwnedFd::from(stream));
        let peer = stream.peer_addr().ok()?;
        let name = peer.as_pathname()?.file_name()?.to_str()?;
        let is_database =
            ports.iter().any(|port| name.strip_prefix(".s.PGSQL.") == Some(&port.to_string()));
        is_database.then_some(Self::Unix(stream))
    }
}

/// All open sockets, as descriptor and inode.
pub(super) fn open_now() -> BTreeSet<(RawFd, u64)> {
    os::sockets().into_iter().collect()
}

/// The one new socket to a database at one of `ports`; `None` if there are several.
pub(super) fn find_new(before: &BTreeSet<(RawFd, u64)>, ports: &[u16]) -> Option<Socket> {
    let new = os::sockets().into_iter().filter(|socket| !before.contains(socket));
    let mut found = new
        .filter_map(|(fd, inode)| os::second_handle(fd, inode))
        .filter_map(|handle| Socket::of_database(handle, ports));
    match (found.next(), found.next()) {
        (Some(socket), None) => Some(socket),
        _ => None,
    }
}
