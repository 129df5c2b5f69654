//! Hands dead letters of a group to its handler again.

use std::{collections::HashSet, sync::Arc};

use anyhow::anyhow;
use async_trait::async_trait;
use database::{Changes, CommitError, DatabaseRef, Message};

use crate::{
    Clock, Delivery, Failure, Publish, Stop,
    dead_letters::{REPLAY, take_note},
    relay,
};

/// Handles replayed dead letters of a group until `stop`, as [`crate::consume()`] handles records: each once, with its
/// id in the inbox. What is rejected again is a dead letter again.
///
/// # Errors
/// None while it runs: what fails is retried.
pub async fn replay<H, F>(
    database: DatabaseRef,
    group: &str,
    handle: H,
    now: Clock,
    stop: Stop,
) -> anyhow::Result<()>
where
    H: Fn(Arc<Delivery>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Changes, Failure>> + Send,
{
    let again = Again { database: database.clone(), group: group.to_owned(), handle };
    relay(&format!("{REPLAY}{group}"), database, Arc::new(again), now, stop).await
}

/// A group's handler as a destination.
struct Again<H> {
    database: DatabaseRef,
    group: String,
    handle: H,
}

impl<H, F> Again<H>
where
    H: Fn(Arc<Delivery>) -> F + Send + Sync,
    F: Future<Output = Result<Changes, Failure>> + Send,
{
    async fn handle(&self, mut message: Message) -> Result<(), Failure> {
        let Some(note) = take_note(&mut message) else {
            return Err(Failure::Reject(anyhow!("it is no replayed message")));
        };
        let delivery = Arc::new(note.delivery(message));
        let changes = (self.handle)(delivery.clone()).await?;
        match self.database.commit(changes.handled(&self.group, &delivery.id)).await {
            Ok(()) | Err(CommitError::AlreadyHandled) => Ok(()),
            Err(CommitError::Refused(reason)) => Err(Failure::Reject(anyhow!(reason))),
            Err(error) => Err(Failure::Retry(error.into())),
        }
    }
}

#[async_trait]
impl<H, F> Publish for Again<H>
where
    H: Fn(Arc<Delivery>) -> F + Send + Sync,
    F: Future<Output = Result<Changes, Failure>> + Send,
{
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        let (mut outcomes, mut waiting) = (Vec::with_capacity(messages.len()), HashSet::new());
        for message in messages {
            if message.key.is_some() && waiting.contains(&message.key) {
                outcomes.push(Err(Failure::Retry(anyhow!("an earlier one of its key waits"))));
                continue;
            }
            let outcome = self.handle(message.clone()).await;
            if matches!(outcome, Err(Failure::Retry(_) | Failure::NoTurn(_))) {
                waiting.insert(&message.key);
            }
            outcomes.push(outcome);
        }
        outcomes
    }
}
