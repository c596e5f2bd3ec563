//! Writes the log to standard error, on a separate thread.
//!
//! Logging only adds a line to a queue. A line is dropped if it can't be written (a full disk, a
//! closed pipe). It's also dropped if the queue is full, because nothing reads the pipe. Dropped
//! lines are counted in `vouch_log_lines_dropped_total`, and logged once writing works again.
//! `tracing-appender` doesn't count failed writes, and prints when it stops.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::panic::PanicHookInfo;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::kit::config::{Config, LogFormat};
use crate::kit::counters;

/// The maximum size of the queue in bytes.
const MAX_WAITING: usize = 1024 * 1024;
/// How long the process waits for the last lines before it ends.
const END_TIMEOUT: Duration = Duration::from_millis(500);

/// Starts the log of the process. Dropping the result writes the last lines.
pub fn start(config: &Config) -> LogEnd {
    let writer = LogWriter::new(Box::new(io::stderr()), |lines| {
        tracing::warn!(lines, "log_lines_dropped");
    });
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter(&config.log_filter))
        .with_ansi(io::stderr().is_terminal())
        // Otherwise tracing reports errors on standard error, and panics if that fails.
        .log_internal_errors(false)
        .with_writer(writer.clone());
    match config.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    std::panic::set_hook(Box::new(log_panic));
    LogEnd(writer)
}

/// `VOUCH_LOG_FILTER`, without actix-http's errors about requests that it couldn't parse and
/// rejected with 400 or 431. Otherwise anyone could trigger an administrator's alerts.
fn filter(typed: &str) -> EnvFilter {
    let refused = "actix_http::h1::dispatcher=off".parse().expect("it is a directive");
    EnvFilter::new(typed).add_directive(refused)
}

/// Replaces the standard library's hook, which waits for the reader of standard error.
fn log_panic(info: &PanicHookInfo<'_>) {
    let thread = thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let location = info.location().map(ToString::to_string);
    let error = info.payload_as_str().unwrap_or("no text");
    tracing::error!(thread, location, error, "thread_panicked");
}

/// Writes the last lines of the log when it's dropped, within a timeout.
#[must_use]
pub struct LogEnd(LogWriter);

impl Drop for LogEnd {
    fn drop(&mut self) {
        self.0.drain(END_TIMEOUT);
    }
}

/// The writer for `tracing`. It accepts whole lines, and never fails or waits.
#[derive(Clone)]
struct LogWriter(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<LineBuffer>,
    changed: Condvar,
}

#[derive(Default)]
struct LineBuffer {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Whether the thread is writing a line.
    is_writing: bool,
    /// The number of dropped lines that weren't reported yet.
    dropped: u64,
}

impl LogWriter {
    /// Writes to `output` on a separate thread. `report` receives the number of dropped lines after
    /// the next successful write. Without a thread, all lines are dropped and counted.
    fn new(output: Box<dyn Write + Send>, report: fn(u64)) -> Self {
        let writer = Self(Arc::default());
        let shared = Arc::clone(&writer.0);
        // This thread isn't supervised: supervision logs through it, and its code can't panic.
        let _ = thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || shared.work(output, report));
        writer
    }

    /// Waits until the queue is empty, or for `timeout`.
    fn drain(&self, timeout: Duration) {
        let begun = Instant::now();
        let mut queue = self.0.lock();
        while queue.is_writing || !queue.lines.is_empty() {
            let rest = timeout.saturating_sub(begun.elapsed());
            if rest.is_zero() {
                return;
            }
            let waited = self.0.changed.wait_timeout(queue, rest);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, LineBuffer> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut queue = self.lock();
        if queue.bytes + line.len() > MAX_WAITING {
            queue.drop_line();
            return;
        }
        queue.bytes += line.len();
        queue.lines.push_back(line.to_vec());
        drop(queue);
        self.changed.notify_all();
    }

    fn work(&self, mut output: Box<dyn Write + Send>, report: fn(u64)) {
        loop {
            let line = self.next();
            let written = output.write_all(&line).and_then(|()| output.flush());
            if let Some(dropped) = self.written(written.is_ok()) {
                report(dropped);
            }
        }
    }

    fn next(&self) -> Vec<u8> {
        let mut queue = self.lock();
        loop {
            if let Some(line) = queue.lines.pop_front() {
                queue.bytes -= line.len();
                queue.is_writing = true;
                return line;
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Records whether the line was written. After a success, returns the number of lines dropped
    /// before it.
    fn written(&self, is_written: bool) -> Option<u64> {
        let mut queue = self.lock();
        queue.is_writing = false;
        let mut dropped = 0;
        if is_written {
            dropped = std::mem::take(&mut queue.dropped);
        } else {
            queue.drop_line();
        }
        drop(queue);
        self.changed.notify_all();
        (dropped > 0).then_some(dropped)
    }
}

impl LineBuffer {
    fn drop_line(&mut self) {
        self.dropped += 1;
        counters::log_line_dropped();
    }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogWriter {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use super::*;

    static REPORTED: AtomicU64 = AtomicU64::new(0);

    /// An output that fails or waits on request.
    #[derive(Clone, Default)]
    struct Output {
        fails: Arc<AtomicBool>,
        waits: Arc<AtomicBool>,
        lines: Arc<Mutex<Vec<String>>>,
    }

    impl Write for Output {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            while self.waits.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
            if self.fails.load(Ordering::SeqCst) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.lines.lock().unwrap().push(String::from_utf8_lossy(line).into_owned());
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn requests_that_cannot_be_read_are_no_errors_of_ours() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter("info"))
            .with_writer(Mutex::new(LogBuffer(Arc::clone(&lines))))
            .finish();
        tracing::subscriber::with_default(log, || {
            tracing::error!(target: "actix_http::h1::dispatcher", "stream error");
            tracing::error!(target: "vouch::error", "request failed");
        });
        let lines = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
        assert!(lines.contains("request failed") && !lines.contains("stream error"), "{lines}");
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_reported_once() {
        let output = Output::default();
        let mut log = LogWriter::new(Box::new(output.clone()), |lines| {
            REPORTED.fetch_add(lines, Ordering::SeqCst);
        });
        let second = Duration::from_secs(1);
        log.write_all(b"one\n").unwrap();
        log.drain(second);
        output.fails.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            log.write_all(b"lost\n").unwrap();
        }
        log.drain(second);
        assert_eq!(REPORTED.load(Ordering::SeqCst), 0);

        output.fails.store(false, Ordering::SeqCst);
        log.write_all(b"two\n").unwrap();
        log.drain(second);
        assert_eq!(*output.lines.lock().unwrap(), ["one\n", "two\n"]);

        // Without a reader the queue fills up, logging doesn't wait, and the process can end.
        output.waits.store(true, Ordering::SeqCst);
        let begun = Instant::now();
        let line = vec![b'x'; MAX_WAITING / 16];
        for _ in 0..40 {
            log.write_all(&line).unwrap();
        }
        log.drain(Duration::from_millis(50));
        assert!(begun.elapsed() < second, "{:?}", begun.elapsed());
        output.waits.store(false, Ordering::SeqCst);
        log.drain(second);
        log.write_all(b"three\n").unwrap();
        log.drain(second);
        let written = output.lines.lock().unwrap().len() as u64 - 3;
        assert!((16..=18).contains(&written), "{written}");
        assert_eq!(REPORTED.load(Ordering::SeqCst), 3 + 40 - written);
    }

    struct LogBuffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for LogBuffer {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
