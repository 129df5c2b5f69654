//! A server under test: where it answers, as whom it is called, and which process it is.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde_json::Value;
use tokio::{task::JoinSet, time::sleep};

use super::instance::Instance;
use crate::{
    connection::{Line, Peer},
    http::Http,
    process::Process,
};

/// The largest answer: all instances, as XML.
pub(super) const ANSWER_LIMIT: usize = 64 << 20;

/// How many connections register instances at the same time.
const REGISTERING: usize = 16;

/// How long a list may be old: Spring's servers renew theirs every 30 s by default.
const LISTED: Duration = Duration::from_secs(90);

/// How long to wait before a list is looked at again.
const AGAIN: Duration = Duration::from_millis(500);

/// A server that is called.
pub(super) struct Server {
    pub(super) peer: Arc<Peer>,
    pub(super) process: Process,
    base: String,
    authorization: String,
    http: Http,
}

impl Server {
    /// Looks its address up.
    pub(super) async fn find(
        base: &str,
        process: Process,
        (user, password): (&str, &str),
    ) -> anyhow::Result<Server> {
        let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
        Ok(Server {
            peer: Arc::new(Peer::find(base).await?),
            process,
            base: base.trim_end_matches('/').to_owned(),
            authorization: format!("Basic {credentials}"),
            http: Http::for_answers_up_to(ANSWER_LIMIT),
        })
    }

    /// A registration.
    pub(super) fn register(&self, instance: &Instance) -> Vec<u8> {
        let headers =
            [("authorization", &*self.authorization), ("content-type", "application/json")];
        let body = instance.to_json().to_string();
        self.peer.request("POST", &instance.application_path(), &headers, body.as_bytes())
    }

    /// A renewal.
    pub(super) fn renew(&self, instance: &Instance) -> Vec<u8> {
        self.request("PUT", &instance.renewal_path(), &[])
    }

    /// A cancellation.
    pub(super) fn cancel(&self, instance: &Instance) -> Vec<u8> {
        self.request("DELETE", &instance.path(), &[])
    }

    /// A request for JSON.
    pub(super) fn read(&self, path: &str) -> Vec<u8> {
        self.request("GET", path, &[("accept", "application/json")])
    }

    /// A request without a body.
    pub(super) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
        let all = [headers, &[("authorization", &*self.authorization)]].concat();
        self.peer.request(method, path, &all, b"")
    }

    /// Asks for JSON, and reads it.
    pub(super) async fn json(&self, path: &str) -> anyhow::Result<Value> {
        let request = Request::get(format!("{}{path}", self.base))
            .header("authorization", &self.authorization)
            .header("accept", "application/json")
            .body(Full::<Bytes>::default())
            .context("the server's address")?;
        self.http.send_for_json(request).await
    }

    /// Sends each request once, over a few connections; returns how long all took.
    ///
    /// # Errors
    /// Quotes the first answer whose status is none of the good ones.
    pub(super) async fn send_all(
        &self,
        requests: Vec<Vec<u8>>,
        good: &'static [u16],
    ) -> anyhow::Result<Duration> {
        let requests: Arc<[Vec<u8>]> = requests.into();
        let mut working = JoinSet::new();
        let began = Instant::now();
        for number in 0..REGISTERING.min(requests.len()) {
            let (peer, requests) = (Arc::clone(&self.peer), Arc::clone(&requests));
            working.spawn(async move {
                let mut line = Line::open(&peer).await?;
                for request in requests.iter().skip(number).step_by(REGISTERING) {
                    let answer = line.ask(request).await?;
                    ensure!(good.contains(&answer.status), "no {good:?}: {}", answer.excerpt());
                }
                Ok(())
            });
        }
        while let Some(outcome) = working.join_next().await {
            outcome??;
        }
        Ok(began.elapsed())
    }

    /// Waits until as many of the instances that stay are listed.
    pub(super) async fn lists(&self, expected: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + LISTED;
        loop {
            let found = count(&self.json("/eureka/apps").await?);
            if found == expected {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("/eureka/apps lists {found} of {expected} instances, after {LISTED:?}");
            }
            sleep(AGAIN).await;
        }
    }
}

/// How many of the instances that stay are in a list of all.
fn count(list: &Value) -> usize {
    let applications = list["applications"]["application"].as_array().into_iter().flatten();
    applications
        .filter(|application| {
            application["name"].as_str().is_some_and(|name| name.starts_with("BENCH-"))
        })
        .filter_map(|application| application["instance"].as_array())
        .map(Vec::len)
        .sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_instances_of_the_run_are_counted() {
        let list = json!({"applications": {"application": [
            {"name": "BENCH-00", "instance": [{}, {}]},
            {"name": "JHIPSTER-REGISTRY", "instance": [{}]},
            {"name": "BENCH-01", "instance": [{}]},
        ]}});
        assert_eq!(count(&list), 3);
        assert_eq!(count(&json!({"applications": {"application": []}})), 0);
        assert_eq!(count(&json!({})), 0);
    }

    #[tokio::test]
    async fn a_request_says_who_calls() {
        let process = Process(std::process::id());
        let server =
            Server::find("http://127.0.0.1:1/", process, ("admin", "admin")).await.unwrap();
        let request = String::from_utf8(server.read("/eureka/apps")).unwrap();
        assert!(request.starts_with("GET /eureka/apps HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("\r\nauthorization: Basic YWRtaW46YWRtaW4=\r\n"), "{request}");
        assert!(request.contains("\r\naccept: application/json\r\n"), "{request}");
    }
}
