//! Cuts connections whose peer is too slow. actix-web limits only the head of a connection's first
//! request and idle connections. It waits forever for a reader that doesn't read, and for the head
//! of every later request.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// The minimum speed of a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MinRate {
    /// How long a response may take to start, from the first byte of the request. Longer than the
    /// slowest upload that's accepted.
    pub(crate) answer: Duration,
    /// How long no bytes may move in either direction.
    pub(crate) quiet: Duration,
    /// How long a reader may fall behind before the minimum rate applies.
    pub(crate) grace: Duration,
    /// The bytes per second that a reader who is behind must read.
    pub(crate) rate: u32,
    /// How often these limits are checked.
    pub(crate) every: Duration,
}

impl Default for MinRate {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(120),
            quiet: Duration::from_secs(120),
            grace: Duration::from_secs(30),
            // Slower than a modem. Data in the kernel's send buffer is read within the grace
            // period.
            rate: 2048,
            every: Duration::from_secs(5),
        }
    }
}

/// A stream that fails with `TimedOut` if the client is slower than its [`MinRate`].
pub(crate) struct MinRateStream<T> {
    io: T,
    pace: MinRate,
    timer: Pin<Box<Sleep>>,
    /// When bytes last moved.
    moved_at: Instant,
    /// When the unanswered request began.
    unanswered_since: Option<Instant>,
    behind: Option<Behind>,
}

/// A reader with unread data.
struct Behind {
    since: Instant,
    taken: u64,
}

impl<T> MinRateStream<T> {
    /// Enforces `pace` from now on.
    pub(crate) fn new(io: T, pace: MinRate) -> Self {
        let timer = Box::pin(sleep(pace.every));
        let moved_at = Instant::now();
        Self { io, pace, timer, moved_at, unanswered_since: None, behind: None }
    }

    fn is_too_slow(&self, now: Instant) -> bool {
        let pace = self.pace;
        let is_longer = |since: Instant, limit| now.duration_since(since) > limit;
        let is_too_far_behind = self.behind.as_ref().is_some_and(|behind| {
            let allowed = pace.grace + Duration::from_secs(behind.taken / u64::from(pace.rate));
            is_longer(behind.since, allowed)
        });
        is_too_far_behind
            || is_longer(self.moved_at, pace.quiet)
            || self.unanswered_since.is_some_and(|since| is_longer(since, pace.answer))
    }

    /// Pending while the client keeps up.
    fn poll_too_slow(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            if self.is_too_slow(now) {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.timer.as_mut().reset(now + self.pace.every);
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for MinRateStream<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Checked on every read, so a client that trickles bytes is cut too.
        if let Poll::Ready(error) = this.poll_too_slow(cx) {
            return Poll::Ready(Err(error));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            this.moved_at = Instant::now();
            this.unanswered_since.get_or_insert(this.moved_at);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> MinRateStream<T> {
    fn noted(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) => {
                self.moved_at = Instant::now();
                self.unanswered_since = None;
                if let Some(behind) = &mut self.behind {
                    behind.taken += count as u64;
                }
                written
            }
            Poll::Ready(Err(_)) => written,
            Poll::Pending => {
                self.behind.get_or_insert_with(|| Behind { since: Instant::now(), taken: 0 });
                self.poll_too_slow(cx).map(Err)
            }
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for MinRateStream<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.noted(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, slices);
        this.noted(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    /// actix-web flushes after it has written everything, so the reader has caught up.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.io).poll_flush(cx))?;
        this.behind = None;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const PACE: MinRate = MinRate {
        answer: Duration::from_millis(300),
        quiet: Duration::from_millis(300),
        grace: Duration::from_millis(100),
        rate: 1000,
        every: Duration::from_millis(10),
    };

    fn pair() -> (MinRateStream<DuplexStream>, DuplexStream) {
        let (ours, theirs) = duplex(1024);
        (MinRateStream::new(ours, PACE), theirs)
    }

    fn is_cut<T>(outcome: &io::Result<T>) -> bool {
        outcome.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::TimedOut)
    }

    #[actix_web::test]
    async fn a_reader_who_does_not_read_is_cut() {
        let (mut ours, _theirs) = pair();
        let begun = Instant::now();
        assert!(is_cut(&ours.write_all(&[0; 10_000]).await));
        assert!(begun.elapsed() < PACE.quiet);
    }

    #[actix_web::test]
    async fn a_reader_who_trickles_is_cut_and_one_who_keeps_up_is_not() {
        for (each, cut) in [(1, true), (512, false)] {
            let (mut ours, mut theirs) = pair();
            let reader = actix_web::rt::spawn(async move {
                let mut buffer = vec![0; each];
                while theirs.read_exact(&mut buffer).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
            let written = ours.write_all(&vec![0; 50_000]).await;
            assert_eq!(is_cut(&written), cut, "{each} bytes at a time");
            drop(ours);
            reader.await.unwrap();
        }
    }

    #[actix_web::test]
    async fn a_sender_who_trickles_is_cut_without_an_answer() {
        let (mut ours, mut theirs) = pair();
        let sender = actix_web::rt::spawn(async move {
            while theirs.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let mut buffer = [0; 16];
        let outcome = loop {
            let outcome = ours.read(&mut buffer).await;
            if outcome.is_err() {
                break outcome;
            }
        };
        assert!(is_cut(&outcome));
        drop(ours);
        sender.await.unwrap();
    }

    #[actix_web::test]
    async fn who_is_answered_goes_on_and_who_goes_quiet_is_cut() {
        let (mut ours, mut theirs) = pair();
        let mut buffer = [0; 4];
        for _ in 0..8 {
            theirs.write_all(b"ask").await.unwrap();
            tokio::time::sleep(Duration::from_millis(60)).await;
            assert_eq!(ours.read(&mut buffer).await.unwrap(), 3);
            ours.write_all(b"answer").await.unwrap();
            ours.flush().await.unwrap();
        }
        assert!(is_cut(&ours.read(&mut buffer).await));
    }
}
