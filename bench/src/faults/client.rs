//! One request to a system that may be slow, dead or in the middle of a start, and what is known after it.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use serde_json::Value;
use tokio::time::timeout;

use super::history::Outcome;
use crate::http::Http;

/// How long a caller waits for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Sends requests with a token; clones share the connections.
#[derive(Clone)]
pub(crate) struct Client {
    http: Http,
    authorization: HeaderValue,
}

/// A request with a body.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) kind: &'a str,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn new(token: &str) -> anyhow::Result<Client> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {token}"))?;
        authorization.set_sensitive(true);
        Ok(Client { http: Http::new(), authorization })
    }

    /// Asks for a change; what was answered is there only if it was JSON.
    pub(crate) async fn change(&self, ask: Ask<'_>) -> (Outcome, Value) {
        let request = Request::builder()
            .method(ask.method)
            .uri(ask.url)
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, ask.kind)
            .body(Full::new(Bytes::from(ask.body)));
        let Ok(request) = request else { return (Outcome::Refused, Value::Null) };
        match timeout(PATIENCE, self.http.ask(request)).await {
            Ok(Ok((status, body))) => {
                (outcome(status), serde_json::from_slice(&body).unwrap_or_default())
            }
            Ok(Err(_)) | Err(_) => (Outcome::Unknown, Value::Null),
        }
    }

    /// Reads something.
    pub(crate) async fn read(&self, url: &str) -> anyhow::Result<Bytes> {
        let request =
            Request::get(url).header(AUTHORIZATION, &self.authorization).body(Full::default())?;
        timeout(PATIENCE, self.http.send(request)).await?
    }
}

/// What an answer says: only a refusal that blames the caller is one for certain.
fn outcome(status: StatusCode) -> Outcome {
    match status {
        _ if status.is_success() => Outcome::Acknowledged,
        _ if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT => Outcome::Refused,
        _ => Outcome::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_answer_is_believed() {
        for (status, expected) in [
            (200, Outcome::Acknowledged),
            (201, Outcome::Acknowledged),
            (204, Outcome::Acknowledged),
            (400, Outcome::Refused),
            (409, Outcome::Refused),
            (408, Outcome::Unknown),
            (302, Outcome::Unknown),
            (500, Outcome::Unknown),
            (503, Outcome::Unknown),
        ] {
            assert_eq!(outcome(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }
}
