//! Keys of which a message waits for a retry, so that later ones of them wait, too.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

/// How many keys may wait.
const MOST: usize = 100_000;

/// The keys; of each only a hash, so that many need little memory. A key whose hash is that of another waits with it.
#[derive(Debug, Default)]
pub(super) struct Held {
    hashes: HashSet<u64>,
    hasher: RandomState,
}

impl Held {
    /// Messages without a key have no order, but one of them may wait, too.
    pub(super) fn add(&mut self, key: Option<&str>) {
        self.hashes.insert(self.hasher.hash_one(key));
    }

    /// Whether a message of this key has to wait.
    pub(super) fn holds(&self, key: Option<&str>) -> bool {
        key.is_some() && self.hashes.contains(&self.hasher.hash_one(key))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Whether no more can be remembered.
    pub(super) fn is_full(&self) -> bool {
        self.hashes.len() >= MOST
    }

    pub(super) fn clear(&mut self) {
        self.hashes.clear();
    }

    /// Forgets the keys; answers them.
    pub(super) fn set_aside(&mut self) -> HashSet<u64> {
        std::mem::take(&mut self.hashes)
    }

    /// Remembers keys that were set aside.
    pub(super) fn add_all(&mut self, keys: HashSet<u64>) {
        self.hashes.extend(keys);
    }
}
