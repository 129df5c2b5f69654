//! Wakes other processes by documents in a small capped collection, which everybody reads to its end and waits for more:
//! a stand-alone server does that too, while it has no change streams. What is lost with a crash is seen by looking.

use std::time::Duration;

use anyhow::anyhow;
use futures_util::{FutureExt, StreamExt};
use mongodb::{
    bson::{Document, RawDocument, doc},
    options::CursorType,
    raw_batch_cursor::RawBatchCursor,
};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::{
    Mongo,
    failure::{code, explained},
};

const COLLECTION: &str = "milena_wakes";
/// How large the collection is: what nobody has read in time is overwritten.
const BYTES: u64 = 64 * 1024;
/// How long the server waits for a document before it answers that there is none.
const WAIT: Duration = Duration::from_secs(2);
/// How long we wait before we read again after the cursor was lost.
const PAUSE: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

impl Mongo {
    /// Wakes other processes that wait for messages of our commits, and is woken by theirs, for ever.
    pub(super) async fn wake_on(&self) {
        let tell = |channels| self.tell(channels).boxed();
        tokio::join!(self.follow_on(), self.readers.wakes.tell_on(tell));
    }

    async fn tell(&self, channels: Vec<String>) -> anyhow::Result<()> {
        let wakes = self.quick.collection::<Document>(COLLECTION);
        let insert = async { wakes.insert_one(doc! { "channels": channels }).await };
        let told = self.ask(|| "wake other processes".to_owned(), insert).await;
        told.map(drop).inspect_err(|cause| debug!("other processes are not woken: {cause:#}"))
    }

    /// Reads for ever, with a new cursor whenever the last one was lost.
    async fn follow_on(&self) {
        let [shortest, longest] = PAUSE;
        let mut pause = shortest;
        loop {
            let cause = match self.ask(|| "read what others tell".to_owned(), self.tail()).await {
                Ok(cursor) => {
                    if pause > shortest {
                        info!("hears of other processes' messages again");
                    }
                    pause = shortest;
                    // What was told while nobody read.
                    self.readers.all();
                    self.follow(cursor).await
                }
                Err(cause) => cause,
            };
            if pause == shortest {
                warn!("does not hear of other processes' messages, trying again: {cause:#}");
            }
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// A cursor that waits at the end of the collection, which is made when it is not there.
    async fn tail(&self) -> mongodb::error::Result<RawBatchCursor> {
        match self.quick.create_collection(COLLECTION).capped(true).size(BYTES).await {
            // It is there, perhaps of another size.
            Err(error) if code(&error) == Some(48) => {}
            created => created?,
        }
        let wakes = self.quick.collection::<Document>(COLLECTION);
        // A cursor does not wait at the end of nothing.
        if wakes.find_one(doc! {}).await?.is_none() {
            wakes.insert_one(doc! { "channels": [] }).await?;
        }
        let tail = wakes.find(doc! {}).cursor_type(CursorType::TailableAwait).max_await_time(WAIT);
        let cursor = tail.batch().await;
        if cursor.as_ref().is_err_and(|error| code(error) == Some(2)) {
            // Somebody told something after the collection was dropped and before it was made again, and so made one
            // that is not capped.
            let size = i64::try_from(BYTES).unwrap_or(i64::MAX);
            self.quick.run_command(doc! { "convertToCapped": COLLECTION, "size": size }).await?;
        }
        cursor
    }

    /// Wakes who is told of, until the cursor is lost.
    async fn follow(&self, mut cursor: RawBatchCursor) -> anyhow::Error {
        loop {
            let batch = match timeout(WAIT + self.answer, cursor.next()).await {
                Ok(Some(Ok(batch))) => batch,
                Ok(Some(Err(error))) => return explained(&error).context("wait for documents"),
                Ok(None) => return anyhow!("collection {COLLECTION} was read to its end"),
                Err(_) => return self.silent(),
            };
            let documents = batch.doc_slices().into_iter().flatten().flatten();
            for document in documents {
                if let Some(document) = document.as_document() {
                    self.hear(document);
                }
            }
        }
    }

    fn hear(&self, document: &RawDocument) {
        let channels = document.get_array("channels").into_iter().flatten().flatten();
        for channel in channels.filter_map(|channel| channel.as_str()) {
            self.readers.told(channel);
        }
    }
}
