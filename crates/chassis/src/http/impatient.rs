//! A connection whose other end has to go on: what cannot be written for too long fails, and so does waiting for too long for
//! the next request.

use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// How long the other end may take none of what is written to it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the head of the next request may take at least, idle time included, and half of what it may take at most.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// A stream on which a write fails once it has made no progress for half a minute, and a read once no request has come for
/// longer than that. The HTTP library has a limit of the latter kind, too, but makes a timer for each request.
pub(super) struct Impatient<S> {
    stream: S,
    /// Runs while something waits to be written.
    limit: Option<Pin<Box<Sleep>>>,
    answering: Answering,
    /// How many writes there have been.
    writes: usize,
    idle: Option<Idle>,
}

/// The wait for a request.
struct Idle {
    limit: Pin<Box<Sleep>>,
    /// How many writes there had been when it began: if there are more when it is over, there was a request meanwhile.
    writes: usize,
}

/// How many requests of a connection are being answered.
#[derive(Clone, Default)]
pub(super) struct Answering(Arc<AtomicUsize>);

/// One request is being answered while this is there.
pub(super) struct Turn(Answering);

impl Answering {
    pub(super) fn one(&self) -> Turn {
        self.0.fetch_add(1, Ordering::Relaxed);
        Turn(self.clone())
    }

    fn is_none(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        (self.0).0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<S> Impatient<S> {
    pub(super) fn new(stream: S, answering: Answering) -> Self {
        Impatient { stream, limit: None, answering, writes: 0, idle: None }
    }

    fn in_time<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.limit = None;
            self.writes = self.writes.wrapping_add(1);
            return outcome;
        }
        let limit = self.limit.get_or_insert_with(|| Box::pin(sleep(WRITE_TIMEOUT)));
        limit.as_mut().poll(context).map(|()| {
            let reason = format!("the other end has read nothing for {WRITE_TIMEOUT:?}");
            Err(io::Error::new(io::ErrorKind::TimedOut, reason))
        })
    }

    /// Ends with an error once nothing has been asked or answered for too long.
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let writes = self.writes;
        let idle =
            self.idle.get_or_insert_with(|| Idle { limit: Box::pin(sleep(HEAD_TIMEOUT)), writes });
        ready!(idle.limit.as_mut().poll(context));
        if idle.writes != writes {
            idle.writes = writes;
            idle.limit.as_mut().reset(Instant::now() + HEAD_TIMEOUT);
            ready!(idle.limit.as_mut().poll(context));
        }
        let reason = format!("no whole head of a request has come for {HEAD_TIMEOUT:?}");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, reason)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending if self.answering.is_none() => self.poll_idle(context),
            outcome => outcome,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.in_time(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::{Instant, timeout},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_stops_reading_is_given_up() {
        let (_reader, stream) = duplex(8);
        let begun = Instant::now();
        let error =
            Impatient::new(stream, Answering::default()).write_all(&[0; 9]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() >= WRITE_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_slowly_is_waited_for() {
        let (mut reader, stream) = duplex(1);
        let mut stream = Impatient::new(stream, Answering::default());
        let reading = async {
            for _ in 0..4 {
                sleep(WRITE_TIMEOUT - Duration::from_secs(1)).await;
                reader.read_u8().await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(stream.write_all(&[0; 4]), reading);
        written.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_nothing_is_given_up() {
        let (mut caller, stream) = duplex(8);
        let answering = Answering::default();
        let mut stream = Impatient::new(stream, answering.clone());
        let begun = Instant::now();
        // What comes drop by drop is no request, however often something comes.
        let dripping = async {
            loop {
                sleep(Duration::from_secs(7)).await;
                caller.write_all(b"x").await.unwrap();
            }
        };
        let reading = async {
            loop {
                if let Err(error) = stream.read_u8().await {
                    break error;
                }
            }
        };
        let error = tokio::select! { error = reading => error, () = dripping => unreachable!() };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!((HEAD_TIMEOUT..2 * HEAD_TIMEOUT).contains(&begun.elapsed()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_an_answer_or_gets_one_now_and_then_is_waited_for() {
        let (mut caller, stream) = duplex(64);
        let answering = Answering::default();
        let mut stream = Impatient::new(stream, answering.clone());
        let asking = async {
            for _ in 0..6 {
                sleep(HEAD_TIMEOUT - Duration::from_secs(1)).await;
                caller.write_all(b"?").await.unwrap();
                caller.read_u8().await.unwrap();
            }
        };
        let answered = async {
            for _ in 0..6 {
                stream.read_u8().await.unwrap();
                let turn = answering.one();
                // Nobody else has to speak while an answer is made, and the stream is watched for its end.
                let silence = timeout(3 * HEAD_TIMEOUT, stream.read_u8()).await;
                assert!(silence.is_err(), "{silence:?}");
                stream.write_all(b"!").await.unwrap();
                drop(turn);
            }
        };
        tokio::join!(asking, answered);
    }
}
