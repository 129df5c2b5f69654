//! Tokens that were found good a moment ago, so that a caller's next request costs a digest instead of a signature.
//!
//! Only good tokens are kept, under their SHA-256 and never themselves. How long a look-up takes can tell nothing but
//! whether this very token was used within the last minute, which nobody learns who does not have the token: digests
//! are compared, and nobody can choose a token by its digest.

use std::{
    collections::HashMap,
    mem,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use tokio::time::Instant;

use super::Times;
use crate::Caller;

/// How long a token is taken as good without another look at its signature.
const LIFE: Duration = Duration::from_secs(60);
/// How many tokens are kept at most.
const ENTRIES: usize = 10_000;
/// How many bytes those tokens may have together; what is kept of them is a few times larger.
const BYTES: usize = 4 * 1024 * 1024;
/// How many requests at the same time need not wait for one another.
const SHARDS: usize = 16;

/// What finds a token again and does not give it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; SHA256_OUTPUT_LEN]);

impl Digest {
    pub(super) fn of(token: &str) -> Digest {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Digest(bytes)
    }
}

/// Good tokens and whom they name.
#[derive(Default)]
pub(super) struct Recent {
    shards: [Mutex<Shard>; SHARDS],
    hits: AtomicU64,
    misses: AtomicU64,
}

/// Half of the room is for new entries; when it is full, the older half is forgotten at once.
#[derive(Default)]
struct Shard {
    young: Half,
    old: Half,
}

#[derive(Default)]
struct Half {
    entries: HashMap<Digest, Entry>,
    bytes: usize,
}

struct Entry {
    caller: Caller,
    times: Times,
    keys: u64,
    until: Instant,
}

impl Recent {
    /// Whom a token names that was found good under these keys less than a minute ago, and holds now.
    pub(super) fn find(&self, digest: &Digest, keys: u64, now: f64) -> Option<Caller> {
        let found = self.look_up(digest, keys, now);
        let count = if found.is_some() { &self.hits } else { &self.misses };
        count.fetch_add(1, Ordering::Relaxed);
        found
    }

    fn look_up(&self, digest: &Digest, keys: u64, now: f64) -> Option<Caller> {
        let shard = self.shard(digest).lock().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.young.entries.get(digest).or_else(|| shard.old.entries.get(digest))?;
        let holds =
            entry.keys == keys && Instant::now() < entry.until && entry.times.check(now).is_ok();
        holds.then(|| entry.caller.clone())
    }

    /// How often a token was found again, and how often not.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }

    /// Remembers a token of this length that was found good under these keys.
    pub(super) fn keep(
        &self,
        digest: Digest,
        length: usize,
        caller: Caller,
        times: Times,
        keys: u64,
    ) {
        let entry = Entry { caller, times, keys, until: Instant::now() + LIFE };
        let mut shard = self.shard(&digest).lock().unwrap_or_else(PoisonError::into_inner);
        let mut forgotten = None;
        if !shard.young.has_room_for(length) {
            let full = mem::take(&mut shard.young);
            forgotten = Some(mem::replace(&mut shard.old, full));
        }
        shard.young.bytes += length;
        shard.young.entries.insert(digest, entry);
        // Nobody has to wait for the room to be cleared.
        drop(shard);
        drop(forgotten);
    }

    fn shard(&self, digest: &Digest) -> &Mutex<Shard> {
        &self.shards[usize::from(digest.0[0]) % SHARDS]
    }
}

impl Half {
    fn has_room_for(&self, length: usize) -> bool {
        self.entries.len() < ENTRIES / SHARDS / 2 && self.bytes + length <= BYTES / SHARDS / 2
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: f64 = 1_800_000_000.0;

    fn keep(recent: &Recent, token: &str, length: usize, claims: Value) {
        let claims = claims.as_object().unwrap();
        let times = Times::of(claims).unwrap();
        recent.keep(Digest::of(token), length, Caller::from_claims(claims.clone()), times, 1);
    }

    fn find(recent: &Recent, token: &str, keys: u64, now: f64) -> Option<String> {
        recent.find(&Digest::of(token), keys, now).map(|caller| caller.subject.clone())
    }

    /// How many entries there are, and how many bytes their tokens have.
    fn size(recent: &Recent) -> (usize, usize) {
        let of_shard = |shard: &Mutex<Shard>| {
            let shard = shard.lock().unwrap();
            let entries = shard.young.entries.len() + shard.old.entries.len();
            (entries, shard.young.bytes + shard.old.bytes)
        };
        recent.shards.iter().map(of_shard).fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_known_for_a_minute() {
        let recent = Recent::default();
        keep(&recent, "a", 1, json!({ "sub": "ann" }));
        tokio::time::advance(LIFE - Duration::from_millis(1)).await;
        assert_eq!(find(&recent, "a", 1, NOW), Some("ann".to_owned()));
        assert_eq!(find(&recent, "b", 1, NOW), None);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(find(&recent, "a", 1, NOW), None);
    }

    #[test]
    fn a_token_is_known_only_while_it_holds() {
        let recent = Recent::default();
        keep(&recent, "a", 1, json!({ "sub": "ann", "nbf": NOW, "exp": NOW + 10.0 }));
        for (now, known) in
            [(NOW - 61.0, false), (NOW - 60.0, true), (NOW + 70.0, true), (NOW + 70.5, false)]
        {
            assert_eq!(find(&recent, "a", 1, now).is_some(), known, "{now}");
        }
    }

    #[test]
    fn new_keys_make_every_token_be_checked_again() {
        let recent = Recent::default();
        keep(&recent, "a", 1, json!({ "sub": "ann" }));
        assert_eq!(find(&recent, "a", 2, NOW), None);
        assert_eq!(find(&recent, "a", 1, NOW), Some("ann".to_owned()));
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_and_in_bytes() {
        let recent = Recent::default();
        for number in 0..3 * ENTRIES {
            keep(&recent, &number.to_string(), 100, json!({ "sub": "ann" }));
        }
        let (entries, _) = size(&recent);
        assert!((ENTRIES / 3..=ENTRIES).contains(&entries), "{entries}");
        let newest = (3 * ENTRIES - 1).to_string();
        assert!(find(&recent, &newest, 1, NOW).is_some(), "the newest is kept");
        let recent = Recent::default();
        for number in 0..ENTRIES {
            keep(&recent, &number.to_string(), 10_000, json!({ "sub": "ann" }));
        }
        let (entries, bytes) = size(&recent);
        assert!(entries > 100 && bytes <= BYTES, "{entries} {bytes}");
    }
}
