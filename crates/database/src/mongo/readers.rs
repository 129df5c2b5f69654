//! How the outbox is looked into for those who read it.

use mongodb::{
    Collection,
    bson::RawDocumentBuf,
    options::{CollectionOptions, ReadConcern},
};

use super::{
    Mongo, outbox,
    positions::{self, Reservation},
};
use crate::{Message, readers::Look};

impl Mongo {
    /// Messages of a channel after a position, oldest first.
    pub(super) async fn read_outbox(
        &self,
        channel: &str,
        after: i64,
        limit: u32,
    ) -> anyhow::Result<Vec<(i64, Message)>> {
        let look = || self.look(channel, after, limit);
        // Nobody else may be there to remove a note.
        let clean = async {
            let clean = self.positions.clean(&self.quick);
            self.ask(|| "read the outbox".to_owned(), clean).await
        };
        self.readers.unsent((channel, after, limit), look, clean).await
    }

    async fn look(&self, channel: &str, after: i64, limit: u32) -> anyhow::Result<Look> {
        let what = || "read the outbox".to_owned();
        let decided = self.ask(what, positions::decided(&self.quick)).await?;
        let (messages, are_all) = match decided.last > after {
            true => {
                let range = (after, decided.last);
                self.ask(what, outbox::unsent(&self.outbox(), channel, range, limit)).await?
            }
            false => (Vec::new(), true),
        };
        // What a majority has may be older than the positions are, after another server has become the primary.
        let upto = (are_all && !self.transactions).then_some(decided.last);
        Ok(Look { messages, upto, is_behind: decided.is_behind })
    }

    /// Shows messages that were put into the outbox to the relay, if it is in this process and nothing that it has not seen
    /// comes before them; false when they are to be announced.
    pub(super) fn show(&self, reserved: &Reservation, placed: &[RawDocumentBuf]) -> bool {
        let Some(after) = reserved.after else { return false };
        let messages = placed.iter().map(|message| outbox::message(message));
        let messages = messages.collect::<anyhow::Result<Vec<_>>>();
        messages.is_ok_and(|messages| self.readers.show(after, messages))
    }

    /// The outbox for readers. What they have seen is not taken back.
    fn outbox(&self) -> Collection<RawDocumentBuf> {
        let mut options = CollectionOptions::default();
        if self.transactions {
            options.read_concern = Some(ReadConcern::majority());
        }
        self.quick.collection_with_options(outbox::COLLECTION, options)
    }
}
