//! Telling one peer, in batches.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use chassis::Stop;
use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::{debug, info, warn};

use super::{
    Action, Change, Entry, PeerState, REGISTRY_ID,
    queue::{Name, Queue, StatusStep, Waiting},
};
use crate::{
    answer,
    instance::Instance,
    server::{Registry, eureka},
};

/// How many entries a batch has at most; Netflix's number.
const BATCH: usize = 250;
/// How large it is at most, in bytes of JSON: below what a registry of ours and Tomcat take.
const BATCH_SIZE: usize = 768 * 1024;
/// How long a batch waits for more entries.
const GATHERING: Duration = Duration::from_millis(100);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(5);
/// The waits after failures: each is twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The largest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;

/// Tells one peer.
pub(super) struct Sender {
    pub(super) registry: Registry,
    pub(super) queue: Arc<Queue>,
    http: Client,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answers {
    #[serde(default)]
    response_list: Vec<Answer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    response_entity: Option<Value>,
}

impl Sender {
    pub(super) fn new(registry: Registry, queue: Arc<Queue>) -> anyhow::Result<Self> {
        let http = chassis::client(&queue.address.url(&[]), TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy()
            .build()
            .with_context(|| format!("prepare the client for the registry at {}", queue.address))?;
        Ok(Sender { registry, queue, http })
    }

    /// Tells the peer until `stop` what it has to be told.
    pub(super) async fn run(&self, stop: &Stop) -> anyhow::Result<()> {
        let told = async {
            let mut wait = FIRST_WAIT;
            loop {
                if self.queue.count() == 0 {
                    self.queue.wake.notified().await;
                }
                if self.queue.count() < BATCH {
                    tokio::time::sleep(GATHERING).await;
                }
                if self.tell_some().await {
                    wait = FIRST_WAIT;
                } else {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            never = told => never,
        }
    }

    /// Tells a batch. Gives back whether the peer was reached.
    async fn tell_some(&self) -> bool {
        let taken = self.queue.take(BATCH);
        let (entries, told) = self.entries(taken);
        if entries.is_empty() {
            return true;
        }
        let request = self
            .request(self.http.post(self.queue.address.url(&["peerreplication", "batch", ""])))
            .json(&json!({ "replicationList": entries }));
        let answers = self.answers(request).await;
        match answers {
            Ok(answers) => {
                self.reached();
                self.follow(&entries, answers);
                true
            }
            Err(Failure::Away(error)) => {
                self.queue.put_back(told);
                self.lost(&error);
                false
            }
            Err(Failure::Refused(status)) => {
                let (peer, count) = (&self.queue.address, entries.len());
                warn!(
                    "the registry at {peer} refused a batch of {count} changes with {status}: it is not told them"
                );
                true
            }
        }
    }

    /// What a batch says, as things stand now, and the bundles that are in it; others go back.
    fn entries(&self, taken: Vec<(Name, Waiting)>) -> (Vec<Entry>, Vec<(Name, Waiting)>) {
        let (mut entries, mut told, mut size) = (Vec::new(), Vec::new(), 0);
        let mut taken = taken.into_iter();
        while let Some((name, waiting)) = taken.next() {
            let of_this = self.entries_of(&name, waiting);
            size += serde_json::to_string(&of_this).map_or(0, |text| text.len());
            if size > BATCH_SIZE && !entries.is_empty() {
                self.queue.put_back(std::iter::once((name, waiting)).chain(taken).collect());
                break;
            }
            entries.extend(of_this);
            told.push((name, waiting));
        }
        (entries, told)
    }

    fn entries_of(&self, (app, id): &Name, waiting: Waiting) -> Vec<Entry> {
        let mut entries = Vec::new();
        if waiting.cancel {
            entries.push(Entry::cancel(app, id));
        }
        let Some(instance) = self.registry.instance(app, id) else { return entries };
        if waiting.register {
            entries.push(Entry::register(&instance));
        }
        match waiting.status {
            Some(StatusStep::Override(status)) => {
                entries.push(Entry::status(&instance, Action::StatusUpdate, status));
            }
            Some(StatusStep::Remove(status)) => {
                entries.push(Entry::status(&instance, Action::DeleteStatusOverride, status));
            }
            None if waiting.heartbeat && !waiting.register => {
                entries.push(Entry::heartbeat(&instance));
            }
            None => {}
        }
        entries
    }

    /// Does what the peer's answers ask for.
    fn follow(&self, entries: &[Entry], answers: Vec<Answer>) {
        for (entry, answer) in entries.iter().zip(answers) {
            let (app, id) = (&entry.app_name, &entry.id);
            match (answer.status_code, entry.action) {
                (200..=299, _) | (404, Action::Cancel) => {}
                (404, _) => self.queue.note(app, id, Change::Register),
                (409, _) => self.take_newer(answer.response_entity),
                (status, action) => {
                    let peer = &self.queue.address;
                    debug!("the registry at {peer} answered {status} to {action:?} of {app}/{id}");
                }
            }
        }
    }

    fn take_newer(&self, instance: Option<Value>) {
        let newer = instance.and_then(|instance| Instance::from_value(instance).ok());
        if let Some(newer) = newer {
            // One that was refused for want of room is logged there.
            let _ = eureka::take_from_peer(&self.registry, newer);
        }
    }

    async fn answers(&self, request: RequestBuilder) -> Result<Vec<Answer>, Failure> {
        let answer = request.send().await.context("tell it what changed").map_err(Failure::Away)?;
        self.notice_itself(&answer);
        let status = answer.status();
        let is_poison = matches!(
            status,
            StatusCode::BAD_REQUEST
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::UNSUPPORTED_MEDIA_TYPE
                | StatusCode::UNPROCESSABLE_ENTITY
        );
        if is_poison {
            return Err(Failure::Refused(status));
        }
        let body = self.body(answer).await.map_err(Failure::Away)?;
        let answers = serde_json::from_slice::<Answers>(&body).context("read its answer");
        Ok(answers.map_err(Failure::Away)?.response_list)
    }

    pub(super) async fn get(&self, path: &[&str]) -> anyhow::Result<Response> {
        let request = self.request(self.http.get(self.queue.address.url(path)));
        request.send().await.context("ask it what it knows")
    }

    fn request(&self, request: RequestBuilder) -> RequestBuilder {
        let request =
            request.header(header::ACCEPT, "application/json").header(eureka::REPLICATION, "true");
        let address = &self.queue.address;
        if address.user().is_empty() {
            return request;
        }
        request.basic_auth(address.user(), Some(address.password()))
    }

    /// The body of an answer that says yes.
    pub(super) async fn body(&self, answer: Response) -> anyhow::Result<Vec<u8>> {
        match answer.status() {
            status if status.is_success() => {}
            StatusCode::UNAUTHORIZED => {
                return Err(anyhow!(
                    "it does not know the user or the password; correct them in its address"
                ));
            }
            status => return Err(anyhow!("it answered {status}")),
        }
        answer::body(answer, ANSWER_LIMIT).await
    }

    /// Stops telling when the one who answers is this registry.
    pub(super) fn notice_itself(&self, answer: &Response) {
        let id = answer.headers().get(REGISTRY_ID);
        if id.is_some_and(|id| id.as_bytes() == self.registry.peers.id.as_bytes())
            && self.queue.stands(PeerState::Itself) != PeerState::Itself
        {
            info!("the registry at {} is this one: it is no peer", self.queue.address);
        }
    }

    pub(super) fn reached(&self) {
        if self.queue.peer().state != PeerState::Itself
            && self.queue.stands(PeerState::Reached) != PeerState::Reached
        {
            info!("the registry at {} is told what changes here", self.queue.address);
        }
    }

    pub(super) fn lost(&self, error: &anyhow::Error) {
        let peer = &self.queue.address;
        if self.queue.stands(PeerState::Away) == PeerState::Away {
            debug!("the registry at {peer} is still away: {error:#}");
        } else {
            warn!("no contact with the registry at {peer}, trying again until there is: {error:#}");
        }
    }
}

/// Why a batch was not taken.
enum Failure {
    /// It may be taken later.
    Away(anyhow::Error),
    /// It never will be.
    Refused(StatusCode),
}
