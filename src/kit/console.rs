//! Output of commands. `println!` and `eprintln!` panic on a closed pipe or a full disk; here a
//! lost line doesn't stop a command.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The timeout for the last line.
const COMPLAINT_TIMEOUT: Duration = Duration::from_secs(1);
/// Whether a line was lost while its reader still waits.
static LOST: AtomicBool = AtomicBool::new(false);

/// Like `println!`, but never panics.
macro_rules! say {
    ($($words:tt)*) => { $crate::kit::console::print(format_args!($($words)*)) };
}
pub(crate) use say;

/// Prints a line to standard output.
pub(crate) fn print(line: Arguments<'_>) {
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => {}
        // The reader closed the pipe because it has read enough, like `head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        Err(_) => LOST.store(true, Ordering::Relaxed),
    }
}

/// Whether all lines were written. A command with lost output has failed.
pub(crate) fn is_complete() -> bool {
    !LOST.load(Ordering::Relaxed)
}

/// Prints the last line of the process to standard error. The process ends even if the line can't
/// be written.
pub(crate) fn complain(line: Arguments<'_>) {
    let line = line.to_string();
    // A failure can't be reported anywhere.
    let Ok(writer) = thread::Builder::new().spawn(move || {
        let _ = writeln!(io::stderr(), "{line}");
    }) else {
        return;
    };
    let begun = Instant::now();
    while !writer.is_finished() && begun.elapsed() < COMPLAINT_TIMEOUT {
        thread::sleep(Duration::from_millis(1));
    }
}

/// The standard output of a server, which never waits for a reader.
pub(crate) struct StdoutWriter(Option<Sender<String>>);

impl StdoutWriter {
    /// Starts the thread that writes. Without a thread, all lines are dropped.
    pub(crate) fn start() -> Self {
        let (sender, lines) = channel::<String>();
        let work = move || {
            for line in lines {
                let _ = writeln!(io::stdout(), "{line}");
            }
        };
        let started = thread::Builder::new().name("announcer".to_owned()).spawn(work);
        Self(started.ok().map(|_| sender))
    }

    /// Queues a line.
    pub(crate) fn say(&self, line: String) {
        if let Some(sender) = &self.0 {
            let _ = sender.send(line);
        }
    }
}
