//! What commands say. A line that can't be written ends no command: `println!` and `eprintln!`
//! panic on a closed pipe or a full disk, in the middle of the work.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long the last line may take.
const COMPLAINT_TIMEOUT: Duration = Duration::from_secs(1);
/// Whether a line was lost that its reader still waits for.
static LOST: AtomicBool = AtomicBool::new(false);

/// Like `println!`, and never panics.
macro_rules! say {
    ($($words:tt)*) => { $crate::kit::console::print(format_args!($($words)*)) };
}
pub(crate) use say;

/// Prints a line to the standard output.
pub(crate) fn print(line: Arguments<'_>) {
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => {}
        // Whoever reads has seen enough, as `head` has.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        Err(_) => LOST.store(true, Ordering::Relaxed),
    }
}

/// Whether all lines were written: a command whose answer was lost has failed.
pub(crate) fn is_complete() -> bool {
    !LOST.load(Ordering::Relaxed)
}

/// Prints a line to the standard error: the last one of the process, which ends also when nobody
/// reads it.
pub(crate) fn complain(line: Arguments<'_>) {
    let line = line.to_string();
    // There is nowhere left to say that it can't be said.
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

/// The standard output of a server, which waits for no reader.
pub(crate) struct StdoutWriter(Option<Sender<String>>);

impl StdoutWriter {
    /// Without a thread nothing is said.
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

    /// Says a line, at once or as soon as it can be written.
    pub(crate) fn say(&self, line: String) {
        if let Some(sender) = &self.0 {
            let _ = sender.send(line);
        }
    }
}
