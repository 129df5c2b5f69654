//! The instances of one application, found by their ids and listed in the order of these.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::Held;

/// A tree alone would compare a dozen ids, each in another place of memory, to find one; heartbeats are nearly all that a
/// registry is asked.
#[derive(Debug, Default)]
pub(super) struct Application {
    held: HashMap<Arc<str>, Held>,
    order: BTreeSet<Arc<str>>,
}

impl Application {
    pub(super) fn get(&self, id: &str) -> Option<&Held> {
        self.held.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Held> {
        self.held.get_mut(id)
    }

    pub(super) fn insert(&mut self, id: &str, held: Held) {
        let id = Arc::from(id);
        self.held.insert(Arc::clone(&id), held);
        self.order.insert(id);
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Held> {
        self.order.remove(id);
        self.held.remove(id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// All of them in the order of their ids.
    pub(super) fn in_order(&self) -> impl Iterator<Item = &Held> {
        self.order.iter().filter_map(|id| self.held.get(id))
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Held> {
        self.held.values()
    }
}
