//! From the topic to everybody who listens.

use bytes::Bytes;
use chassis::Stop;
use messaging::{Backoff, Record, Subscription};
use tokio::time::sleep;
use tracing::{info, warn};

use crate::{Feed, event::event, listeners::lock};

/// How many messages are read at a time.
const BATCH: u32 = 64;

impl Feed {
    /// Reads the topic and gives every message to everybody who listens, until `stop`; then the streams end.
    ///
    /// # Errors
    /// None: a broker that does not answer is asked again, and the streams stay open meanwhile.
    pub async fn run(&self, stop: Stop) -> anyhow::Result<()> {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.read() => {}
        }
        lock(&self.listeners).close();
        Ok(())
    }

    async fn read(&self) {
        let mut tail = self.tail().await;
        self.reads.send_replace(true);
        let mut trouble = Trouble::default();
        loop {
            match tail.poll(BATCH).await {
                Ok(records) => {
                    trouble.is_over(&self.topic);
                    records.iter().for_each(|record| self.deliver(record));
                }
                // A tail goes on where it was, so that nothing is passed over.
                Err(cause) => trouble.goes_on(&self.topic, &cause).await,
            }
        }
    }

    async fn tail(&self) -> Box<dyn Subscription> {
        let mut trouble = Trouble::default();
        loop {
            match self.broker.tail(&self.topic).await {
                Ok(tail) => {
                    trouble.is_over(&self.topic);
                    return tail;
                }
                Err(cause) => trouble.goes_on(&self.topic, &cause).await,
            }
        }
    }

    fn deliver(&self, record: &Record) {
        // A tombstone is no text.
        let Some(payload) = &record.payload else { return };
        let event: Bytes = event(&String::from_utf8_lossy(payload));
        let sent_away = lock(&self.listeners).send(&event);
        for caller in sent_away {
            warn!(user.id = %caller, "ended a stream of {} to {caller}, who does not read it", self.topic);
        }
    }
}

/// A broker that does not answer: said once, and when it is over.
#[derive(Default)]
struct Trouble {
    backoff: Backoff,
    lasts: bool,
}

impl Trouble {
    async fn goes_on(&mut self, topic: &str, cause: &anyhow::Error) {
        if !self.lasts {
            warn!("topic {topic} cannot be read, listeners wait: {cause:#}");
        }
        self.lasts = true;
        sleep(self.backoff.next_delay()).await;
    }

    fn is_over(&mut self, topic: &str) {
        if self.lasts {
            info!("topic {topic} is read again");
        }
        *self = Trouble::default();
    }
}
