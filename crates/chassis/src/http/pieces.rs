//! A body that is made while it is sent, so that a long one is never in memory as a whole.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

/// A body of these pieces, which are `length` bytes together.
pub fn in_pieces<I>(length: usize, pieces: I) -> Body
where
    I: Iterator<Item = String> + Send + Unpin + 'static,
{
    Body::new(Pieces { pieces, left: length as u64 })
}

struct Pieces<I> {
    pieces: I,
    left: u64,
}

impl<I: Iterator<Item = String> + Unpin> HttpBody for Pieces<I> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(piece) = self.pieces.next() else { return Poll::Ready(None) };
        self.left = self.left.saturating_sub(piece.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
