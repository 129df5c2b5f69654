//! A call of our own to a named service, for pages that are drawn from what services say.

use std::time::Duration;

use anyhow::{Context, anyhow};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use super::Forwarder;

/// How long a call may take as a whole.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The service answers with more than is read; asking for less may help.
    #[error("{0}: the answer is larger than {ANSWER_LIMIT} bytes")]
    TooLarge(String),
    /// No instance answered in time, or the answer broke off.
    #[error(transparent)]
    NoAnswer(#[from] anyhow::Error),
}

impl Forwarder {
    /// Calls a service and reads its whole answer. `path` starts with a slash and may have a query;
    /// `bearer` is the token of whoever this is done for.
    ///
    /// # Errors
    /// Without an instance that answers within 10 s, and when the answer is larger than 4 MiB.
    pub async fn call(
        &self,
        app: &str,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        body: Option<Value>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), CallError> {
        let what = || format!("{method} {path} at {}", app.to_uppercase());
        let request = request(&method, path, bearer, body).with_context(what)?;
        let answered = async {
            let (parts, body) = request.into_parts();
            let (parts, body) = self.send(app, parts, body).await.with_context(what)?.into_parts();
            let body = Limited::new(body, ANSWER_LIMIT).collect().await;
            let body = body.map_err(|error| match error.is::<LengthLimitError>() {
                true => CallError::TooLarge(what()),
                false => CallError::NoAnswer(anyhow!(error).context(what())),
            })?;
            Ok((parts.status, parts.headers, body.to_bytes()))
        };
        match tokio::time::timeout(TIMEOUT, answered).await {
            Ok(answer) => answer,
            Err(_) => Err(anyhow!("no answer within {TIMEOUT:?}").context(what()).into()),
        }
    }
}

fn request(
    method: &Method,
    path: &str,
    bearer: Option<&str>,
    body: Option<Value>,
) -> anyhow::Result<Request> {
    let mut request = Request::builder()
        .method(method.clone())
        .uri(path)
        .header(header::ACCEPT, "application/json");
    if let Some(token) = bearer {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .context("write the token into a header")?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    let body = match body {
        None => Body::empty(),
        Some(json) => {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(json.to_string())
        }
    };
    Ok(request.body(body)?)
}
