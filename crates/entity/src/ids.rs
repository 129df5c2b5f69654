//! New ids, of the kinds that the Java services make.

use std::{
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::Context;
use chassis::Outside;
use database::{DatabaseRef, Id, IdKind};
use tokio::sync::Semaphore;

/// How many numbers are taken from the sequence at a time, as Hibernate's pooled optimizer does (contract §3.3).
const BLOCK: i64 = 50;
/// The first number of a fresh sequence.
const FIRST: i64 = 1001;
/// The sequence of all entities of a JHipster database.
const SEQUENCE: &str = "sequence_generator";

/// Makes the ids of one entity.
pub struct Ids {
    kind: IdKind,
    outside: Outside,
    database: DatabaseRef,
    process: [u8; 5],
    counter: AtomicU32,
    /// Who asks first gets the smaller number, also while a block is being reserved: a list is ordered by its ids.
    turn: Semaphore,
    block: Mutex<Range<i64>>,
}

impl Ids {
    /// Makes ids of this kind; sequences are kept in the database.
    pub fn new(kind: IdKind, database: DatabaseRef, outside: Outside) -> Self {
        let process = outside.bytes();
        Ids {
            kind,
            outside,
            database,
            process,
            counter: AtomicU32::new(0),
            turn: Semaphore::new(1),
            block: Mutex::default(),
        }
    }

    /// Makes a new id. Later ids are greater.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn next(&self) -> anyhow::Result<Id> {
        match self.kind {
            IdKind::ObjectId => Ok(Id::Text(self.object_id())),
            IdKind::Sequence => self.number().await.map(Id::Integer),
        }
    }

    /// Four bytes of seconds, five that differ from process to process, three that count.
    fn object_id(&self) -> String {
        let seconds =
            u32::try_from(self.outside.now().as_second()).unwrap_or(u32::MAX).to_be_bytes();
        let counter = self.counter.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let bytes = seconds.iter().chain(&self.process).chain(&counter[1..]);
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }

    async fn number(&self) -> anyhow::Result<i64> {
        let _turn = self.turn.acquire().await.context("wait for a turn")?;
        if let Some(number) = self.reserved() {
            return Ok(number);
        }
        let first = self.database.reserve(SEQUENCE, FIRST, BLOCK).await?;
        *self.block.lock().unwrap_or_else(PoisonError::into_inner) = first + 1..first + BLOCK;
        Ok(first)
    }

    fn reserved(&self) -> Option<i64> {
        self.block.lock().unwrap_or_else(PoisonError::into_inner).next()
    }
}

#[cfg(test)]
mod tests {
    use database::{Durability, Sqlite};

    use super::*;

    #[tokio::test]
    async fn who_asks_later_gets_a_greater_number_also_where_a_block_ends() {
        let folder = tempfile::tempdir().unwrap();
        let database = Sqlite::open(&folder.path().join("ids.db"), &[], Durability::ProcessCrash)
            .await
            .unwrap();
        let ids = Ids::new(IdKind::Sequence, database, Outside::system());
        let mut given = Vec::new();
        for _ in 1..BLOCK {
            given.push(ids.next().await.unwrap());
        }
        let (last, first, second) = tokio::join!(ids.next(), ids.next(), ids.next());
        given.extend([last.unwrap(), first.unwrap(), second.unwrap(), ids.next().await.unwrap()]);
        assert_eq!(given, (FIRST..).take(given.len()).map(Id::Integer).collect::<Vec<_>>());
    }
}
