//! From a caller to the topic, in the form of the Java services (contract §4.3).

use std::time::Duration;

use anyhow::anyhow;
use chassis::Problem;
use messaging::{BROKER, Failure, Header, Message};
use tokio::time::timeout;

use crate::Feed;

/// The longest text that is published, in bytes; what a broker takes with its defaults is a little more.
pub(crate) const TEXT_LIMIT: usize = 512 * 1024;
/// How long the broker may take to have it on disk: less than a request may take, so that the answer says why.
const PATIENCE: Duration = Duration::from_secs(10);

const AWAY: &str = "The broker cannot be reached";

impl Feed {
    /// Publishes a text; when this returns, the broker has it.
    pub(crate) async fn publish(&self, text: String) -> Result<(), Problem> {
        if text.len() > TEXT_LIMIT {
            return Err(Problem::new(
                axum::http::StatusCode::PAYLOAD_TOO_LARGE,
                format!("The message is larger than {TEXT_LIMIT} bytes"),
            ));
        }
        let messages = [self.message(text)];
        let published = timeout(PATIENCE, self.broker.publish(&messages)).await;
        let topic = &self.topic;
        let late = || anyhow!("{topic}: the broker did not answer within {PATIENCE:?}");
        let outcomes = published.map_err(|_| Problem::unavailable(AWAY, late()))?;
        match outcomes.into_iter().next() {
            Some(Ok(())) => Ok(()),
            Some(Err(Failure::Retry(cause) | Failure::NoTurn(cause))) => {
                Err(Problem::unavailable(AWAY, cause.context(format!("publish to {topic}"))))
            }
            Some(Err(Failure::Reject(cause))) => {
                Err(Problem::internal(cause.context(format!("publish to {topic}"))))
            }
            None => Err(Problem::internal(anyhow!("{topic}: the broker answered nothing"))),
        }
    }

    fn message(&self, text: String) -> Message {
        let header =
            |name: &str, value: &str| Header { name: name.into(), value: value.as_bytes().into() };
        Message {
            id: self.outside.uuid(),
            channel: BROKER.to_owned(),
            topic: self.topic.clone(),
            key: None,
            headers: vec![
                header("contentType", "text/plain"),
                header("spring_json_header_types", r#"{"contentType":"java.lang.String"}"#),
            ],
            payload: text.into_bytes(),
            created: self.outside.now(),
        }
    }
}
