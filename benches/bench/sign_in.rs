//! What wrong passwords do to the server's memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::load::{Connection, Measured};
use crate::program::Running;
use crate::report;

/// How many are tried, and how many at once.
const MAX_ATTEMPTS: usize = 500;
const CLIENTS: usize = 30;

/// Tries wrong passwords for as many accounts from as many networks, so that no limit is in the way.
pub(crate) fn measure(running: &Running) {
    let before = running.resident_mebibytes();
    let attempts = try_passwords(running, MAX_ATTEMPTS);
    // The last one is answered a moment before its memory goes back.
    std::thread::sleep(Duration::from_secs(1));
    let (after, peak) = (running.resident_mebibytes(), running.peak_mebibytes());
    report::sign_in([before, peak, after], &attempts);
}

fn try_passwords(running: &Running, count: usize) -> Measured {
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let times = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let mut times = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            return times;
                        }
                        times.push(try_password(running, number));
                    }
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().expect("a client ends")).collect()
    });
    Measured::of(times, begun.elapsed())
}

fn try_password(running: &Running, number: usize) -> Duration {
    let mut connection = Connection::open(&running.address);
    let (cookie, token) = running.sign_in_form(&mut connection);
    let form = format!("csrf={token}&email=nobody{number}%40example.com&password=wrong&next=");
    let post = format!(
        "POST /login HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}\r\n\
         x-forwarded-for: 198.18.{}.{}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        running.address,
        number / 250,
        number % 250,
        form.len()
    );
    let begun = Instant::now();
    let (status, _) = connection.ask(post.as_bytes());
    assert_eq!(status, 422, "a wrong password is refused as such");
    begun.elapsed()
}
