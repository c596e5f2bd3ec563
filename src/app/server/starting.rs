//! Answers requests while Vouch starts. Its port opens immediately, but the database may not
//! respond for a minute.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often new connections are accepted.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How long a client may take to send and to read.
const CLIENT_TIMEOUT: Duration = Duration::from_millis(200);
/// This much of a request is read, because the request line comes first.
const HEAD: usize = 4096;

/// Answers on its own thread until it's dropped.
pub(crate) struct Starting {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Starting {
    /// Answers every request on `listener`: 200 for `/healthz`, since the process works, and 503
    /// for everything else.
    pub(crate) fn answer(listener: &TcpListener) -> io::Result<Self> {
        let listener = listener.try_clone()?;
        // The web server needs its sockets nonblocking too.
        listener.set_nonblocking(true)?;
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let work = move || {
            while !is_over.load(Ordering::Relaxed) {
                match listener.accept() {
                    // A client that's gone gets no answer.
                    Ok((client, _)) => drop(tell(client)),
                    Err(_) => thread::sleep(POLL_INTERVAL),
                }
            }
        };
        let thread = thread::Builder::new().name("starting".to_owned()).spawn(work)?;
        Ok(Self { over, thread: Some(thread) })
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(thread = "starting", "thread_panicked");
        }
    }
}

fn tell(mut client: TcpStream) -> io::Result<()> {
    client.set_nonblocking(false)?;
    client.set_read_timeout(Some(CLIENT_TIMEOUT))?;
    client.set_write_timeout(Some(CLIENT_TIMEOUT))?;
    let mut head = [0; HEAD];
    let length = client.read(&mut head)?;
    let is_health = head[..length].starts_with(b"GET /healthz ");
    let status = if is_health { "200 OK" } else { "503 Service Unavailable" };
    let body = "Vouch is starting.\n";
    write!(
        client,
        // copy: HTTP
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\nretry-after: 2\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    client.shutdown(Shutdown::Write)?;
    // Unread input would reset the connection before the client reads the answer.
    while client.read(&mut head)? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(address: std::net::SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn everybody_is_told_to_come_again_until_the_start_is_over() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let starting = Starting::answer(&listener).unwrap();
        // A silent client doesn't delay the others for long.
        let _silent = TcpStream::connect(address).unwrap();
        assert!(ask(address, "GET /healthz HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 "));
        assert!(ask(address, "GET /readyz HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 503 "));
        let order = format!("POST /hooks HTTP/1.1\r\n\r\n{}", "x".repeat(100_000));
        assert!(ask(address, &order).starts_with("HTTP/1.1 503 "));
        drop(starting);
        let _waits = TcpStream::connect(address).unwrap();
        assert!(listener.accept().is_ok(), "the next one is left to the web server");
    }
}
