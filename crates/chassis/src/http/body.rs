//! What callers send, read within bounds of size and time.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::StatusCode,
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::Problem;

/// The largest request body that is read, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// How long a caller may take to send the body of a request: less than the request may take, so that the answer says why.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// Reads a request's body of at most [`BODY_LIMIT`] bytes.
///
/// # Errors
/// 413 when there is more, 408 when it takes longer than 20 s, 400 when the connection breaks.
pub async fn body(body: Body) -> Result<Bytes, Problem> {
    let read = timeout(BODY_TIMEOUT, Limited::new(body, BODY_LIMIT).collect());
    match read.await.map_err(|_| Problem::late())? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::too_large(BODY_LIMIT)),
        Err(_) => Err(Problem::bad_request("The request body ended early")),
    }
}

/// axum's `Form`, which refuses in plain text, with problems instead.
#[derive(Debug, Clone, Copy)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let read = timeout(BODY_TIMEOUT, axum::Form::from_request(request, state));
        match read.await.map_err(|_| Problem::late())? {
            Ok(axum::Form(form)) => Ok(Form(form)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Problem::too_large(BODY_LIMIT))
            }
            Err(rejection) => Err(Problem::new(rejection.status(), rejection.body_text())),
        }
    }
}
