//! Two bodies: one that can be sent again as long as nobody has read from it, and one that must not pause for ever.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

/// A body that every clone reads from: an attempt that fails before it has read leaves it whole for the next.
#[derive(Clone, Debug)]
pub(super) struct Resendable(Arc<Mutex<Reading>>);

#[derive(Debug)]
struct Reading {
    body: Body,
    started: bool,
    /// The reader wanted more than the caller had sent.
    waits: bool,
}

impl Resendable {
    pub(super) fn new(body: Body) -> Self {
        Resendable(Arc::new(Mutex::new(Reading { body, started: false, waits: false })))
    }

    /// Whether somebody has read from it.
    pub(super) fn is_started(&self) -> bool {
        self.reading().started
    }

    /// Whether its reader waits for the caller to send more: neither for an answer to all of it, nor for a service
    /// that stopped reading.
    pub(super) fn waits_for_caller(&self) -> bool {
        self.reading().waits
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Resendable {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut reading = self.reading();
        reading.started = true;
        let frame = Pin::new(&mut reading.body).poll_frame(context);
        reading.waits = frame.is_pending();
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.reading().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.reading().body.size_hint()
    }
}

/// A body that ends with an error when nothing comes for a while.
#[derive(Debug)]
pub(super) struct IdleLimit {
    body: Incoming,
    limit: Duration,
    deadline: Pin<Box<Sleep>>,
}

impl IdleLimit {
    pub(super) fn new(body: Incoming, limit: Duration) -> Self {
        IdleLimit { body, limit, deadline: Box::pin(tokio::time::sleep(limit)) }
    }
}

impl HttpBody for IdleLimit {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            let next = Instant::now() + self.limit;
            self.deadline.as_mut().reset(next);
            return Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new)));
        }
        if self.deadline.as_mut().poll(context).is_ready() {
            let silence = format!("the service sent nothing for {:?}", self.limit);
            return Poll::Ready(Some(Err(axum::Error::new(std::io::Error::other(silence)))));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
