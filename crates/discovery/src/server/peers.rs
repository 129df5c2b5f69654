//! Other registries: what clients change here is passed on to them, and what they pass on is taken, in the manner of
//! Netflix's `peerreplication/batch`.
//!
//! Every change is made at one registry and told by it to all others, which tell nobody. A registry that was away is told
//! what it missed: changes wait in its queue, and a sign of life of an instance that it does not know makes us register the
//! instance there. Discovery does not wait for a peer, except that a registry that has just started first asks one.

mod entry;
mod queue;
mod send;
mod sync;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chassis::{Outside, Stop};
use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::Registry;
use crate::{Address, instance::Status};
use queue::Queue;
use send::Sender;

pub(super) use entry::{Action, Entry};

/// How long lists are held back at most while no peer has answered the first question.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// In an answer to a peer: who answers, so that a registry that is in its own list of peers notices.
pub(super) const REGISTRY_ID: &str = "x-registry-id";

/// Another registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Where it is, without user and password.
    pub address: String,
    /// How it stands with it.
    pub state: PeerState,
    /// How many instances it has not been told the newest of.
    pub waiting: usize,
}

/// How it stands with another registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// It has not been asked or told anything yet.
    Untried,
    /// It answered the last time.
    Reached,
    /// It did not.
    Away,
    /// It is this registry, which needs not be told.
    Itself,
}

/// What is passed on about an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Register,
    Heartbeat,
    Cancel,
    Override(Status),
    RemoveOverride(Status),
}

/// The other registries and what they have still to be told.
#[derive(Debug)]
pub(super) struct Peers {
    /// Tells this process from all others.
    pub(super) id: String,
    queues: Vec<Arc<Queue>>,
    start: Instant,
    has_looked: AtomicBool,
}

impl Peers {
    pub(super) fn new(addresses: Vec<Address>, outside: &Outside, start: Instant) -> Self {
        let queues: Vec<_> = addresses.into_iter().map(|to| Arc::new(Queue::new(to))).collect();
        let has_looked = AtomicBool::new(queues.is_empty());
        Peers { id: outside.uuid(), queues, start, has_looked }
    }

    /// Whether lists may be given out: a peer was asked, or has been for long enough.
    pub(super) fn may_serve(&self) -> bool {
        self.has_looked.load(Ordering::Relaxed) || self.start.elapsed() >= FIRST_LOOK
    }

    /// Keeps a change for every peer.
    pub(super) fn note(&self, app: &str, id: &str, change: Change) {
        self.queues.iter().for_each(|queue| queue.note(app, id, change));
    }

    pub(super) fn list(&self) -> Vec<Peer> {
        self.queues.iter().map(|queue| queue.peer()).collect()
    }
}

/// Asks a peer what it knows, then passes on to all of them what happens here, until `stop`.
///
/// # Errors
/// When a client cannot be prepared.
pub(super) async fn replicate(registry: Registry, stop: Stop) -> anyhow::Result<()> {
    let queues = registry.peers.queues.iter();
    let senders = queues.map(|queue| Sender::new(registry.clone(), queue.clone()));
    let senders = senders.collect::<anyhow::Result<Vec<_>>>()?;
    if senders.is_empty() {
        stop.cancelled().await;
        return Ok(());
    }
    tokio::select! {
        () = stop.cancelled() => return Ok(()),
        _ = tokio::time::timeout(FIRST_LOOK, sync::first_look(&senders)) => {}
    }
    registry.peers.has_looked.swap(true, Ordering::Relaxed);
    try_join_all(senders.iter().map(|sender| sender.run(&stop))).await?;
    Ok(())
}
