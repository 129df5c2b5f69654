//! A topic as server-sent events: whoever is signed in may publish texts to it and listen to them.
//! Knows nothing of what the texts mean.

mod event;
mod fan_out;
mod listeners;
mod operations;
mod publish;
mod routes;

use std::sync::{Arc, Mutex};

use chassis::Outside;
use messaging::BrokerRef;
use tokio::sync::watch;

pub use operations::operations;

use listeners::Listeners;

/// A topic that browsers listen to.
///
/// Every instance of a service reads the topic on its own ([`messaging::Broker::tail`]), so that every browser gets every
/// message that is published while it listens, exactly once, whichever instance it asked.
pub struct Feed {
    broker: BrokerRef,
    topic: String,
    outside: Outside,
    listeners: Arc<Mutex<Listeners>>,
    /// Whether the topic is being read.
    reads: watch::Sender<bool>,
}

impl Feed {
    /// A feed of a topic. Nothing is read before [`Feed::run`], which has to run for listeners to get anything.
    pub fn new(broker: BrokerRef, topic: &str, outside: Outside) -> Arc<Feed> {
        Arc::new(Feed {
            broker,
            topic: topic.to_owned(),
            outside,
            listeners: Arc::default(),
            reads: watch::Sender::new(false),
        })
    }

    /// How many streams of events are open.
    pub fn open_streams(&self) -> usize {
        listeners::lock(&self.listeners).count()
    }
}
