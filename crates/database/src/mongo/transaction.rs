//! Commits as one transaction, on a replica set or behind a router. The messages get their positions after the rows were
//! written, so that of two commits that change the same row the later one has the greater positions.

use std::time::Duration;

use anyhow::anyhow;
use mongodb::{
    ClientSession,
    bson::{Bson, Document, RawDocument},
    error::{TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT},
};
use tokio::time::sleep;
use tracing::warn;

use super::{
    Mongo,
    failure::{Failed, explained, is_duplicate},
    inbox,
    mover::raw,
    outbox,
};
use crate::{Changes, CommitError, Message};

/// The longest pause before a transaction that somebody was in the way of is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// Makes all changes or none. The caller has the time-out.
pub(super) async fn commit(mongo: &Mongo, changes: &Changes) -> Result<(), Failed> {
    let mut session = mongo.client.start_session().await?;
    let mut pause = Duration::from_millis(1);
    loop {
        match attempt(mongo, &mut session, &[changes]).await {
            Err(Failed::Again(_)) => {
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE);
            }
            done => return done,
        }
    }
}

/// Makes all changes of commits that write to different rows, or none, at one attempt: who is in the way of one is in the way
/// of all. When it fails and the server is available, nothing was done. The caller has the time-out.
pub(super) async fn commit_together(mongo: &Mongo, commits: &[&Changes]) -> Result<(), Failed> {
    attempt(mongo, &mut mongo.client.start_session().await?, commits).await
}

async fn attempt(
    mongo: &Mongo,
    session: &mut ClientSession,
    commits: &[&Changes],
) -> Result<(), Failed> {
    session.start_transaction().await?;
    let written = match commits {
        [changes] => rows(mongo, session, changes).await,
        several => {
            let writes = several.iter().flat_map(|changes| &changes.writes);
            mongo.write_together(writes, session).await
        }
    };
    let outgoing: Vec<&Message> = commits.iter().flat_map(|changes| &changes.outgoing).collect();
    let made = match written {
        Ok(()) if outgoing.is_empty() => end(session).await,
        Ok(()) => messages(mongo, session, &outgoing).await,
        Err(failed) => Err(failed),
    };
    if matches!(made, Err(Failed::Told(CommitError::Unavailable(_)))) || made.is_ok() {
        return made;
    }
    // The server forgets a transaction that it has ended itself, and says so with an error here.
    let _ = session.abort_transaction().await;
    made
}

async fn rows(mongo: &Mongo, session: &mut ClientSession, changes: &Changes) -> Result<(), Failed> {
    if !changes.handled.is_empty() {
        let inbox = mongo.durable.collection::<Document>(inbox::COLLECTION);
        let notes =
            changes.handled.iter().map(|(consumer, message)| inbox::note(consumer, message));
        let insert = inbox.insert_many(notes);
        match insert.session(&mut *session).await {
            Err(error) if is_duplicate(&error) => return Err(CommitError::AlreadyHandled.into()),
            inserted => inserted.map(drop)?,
        }
    }
    for write in &changes.writes {
        mongo.write(write, Vec::new(), &mut Some(&mut *session)).await?;
    }
    Ok(())
}

/// Puts the messages into the outbox and commits.
async fn messages(
    mongo: &Mongo,
    session: &mut ClientSession,
    outgoing: &[&Message],
) -> Result<(), Failed> {
    let pending: Vec<Bson> = outgoing.iter().copied().map(outbox::pending).collect();
    let pending = raw(&pending)?;
    let pending: Vec<&RawDocument> = pending.iter().map(AsRef::as_ref).collect();
    let reserved = mongo.positions.reserve(&mongo.quick, pending.len()).await?;
    let placed = outbox::placed(reserved.first, &pending)?;
    let inserted = outbox::insert(&mongo.durable, &placed, Some(&mut *session)).await;
    let made = match inserted {
        Ok(true) => end(session).await,
        Ok(false) => Err(Failed::Again(anyhow!("an entry of the outbox was there already"))),
        Err(failed) => Err(failed),
    };
    let is_shown = made.is_ok() && mongo.show(&reserved, &placed);
    let channels = outgoing.iter().map(|message| message.channel.as_str());
    match mongo.positions.release(reserved, &mongo.quick, channels.clone()).await {
        Ok(_) if is_shown => {}
        Ok(channels) => mongo.readers.announce(&channels),
        Err(error) => {
            warn!("readers of the outbox have to wait a while: {}", error.kind);
            mongo.readers.announce(&channels.map(str::to_owned).collect());
        }
    }
    made
}

/// Commits. Whoever does not learn what became of it asks again; the server makes a transaction once.
async fn end(session: &mut ClientSession) -> Result<(), Failed> {
    loop {
        let Err(error) = session.commit_transaction().await else { return Ok(()) };
        if error.contains_label(TRANSIENT_TRANSACTION_ERROR) {
            return Err(Failed::Again(explained(&error)));
        }
        if !error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) {
            return Err(Failed::from(error));
        }
        sleep(PAUSE).await;
    }
}
