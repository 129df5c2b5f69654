//! A map that never grows beyond a limit: whoever comes last pushes out the oldest.

use std::collections::{HashMap, VecDeque};

use super::hash::Hash;

/// How many entries are kept.
const LIMIT: usize = 10_000;

/// Entries by the hash of the secret that names them, in the order of their arrival.
pub(super) struct Recent<V> {
    limit: usize,
    entries: HashMap<Hash, V>,
    // May name entries that are gone already; they leave with their turn.
    order: VecDeque<Hash>,
}

impl<V> Recent<V> {
    pub(super) fn new() -> Self {
        Recent { limit: LIMIT, entries: HashMap::new(), order: VecDeque::new() }
    }

    pub(super) fn insert(&mut self, name: Hash, entry: V) {
        while self.order.len() >= self.limit {
            let Some(oldest) = self.order.pop_front() else { break };
            self.entries.remove(&oldest);
        }
        self.order.push_back(name);
        self.entries.insert(name, entry);
    }

    pub(super) fn get_mut(&mut self, name: &Hash) -> Option<&mut V> {
        self.entries.get_mut(name)
    }

    pub(super) fn remove(&mut self, name: &Hash) -> Option<V> {
        self.entries.remove(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let mut recent = Recent { limit: 2, ..Recent::new() };
        for name in 1..=3 {
            recent.insert([name; 32], name);
        }
        assert_eq!(
            [1, 2, 3].map(|name| recent.get_mut(&[name; 32]).copied()),
            [None, Some(2), Some(3)]
        );
    }

    #[test]
    fn removed_entries_do_not_pile_up() {
        let mut recent = Recent { limit: 2, ..Recent::new() };
        for name in 1..=100 {
            recent.insert([name; 32], name);
            recent.remove(&[name; 32]);
        }
        assert!(recent.order.len() <= 2);
        assert!(recent.entries.is_empty());
    }
}
