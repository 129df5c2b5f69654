//! Who reads what: the members of each group and the partitions that each of them has.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use tokio::sync::watch;

/// The members of all groups.
#[derive(Default)]
pub(super) struct Groups {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next_member: u64,
    groups: HashMap<(String, String), Group>,
}

struct Group {
    members: Vec<u64>,
    /// Counts joins and leaves; members look at their share again when it changes.
    generation: watch::Sender<u64>,
}

impl Groups {
    /// Adds a member; returns its number and what tells it of changes.
    pub(super) fn join(&self, topic: &str, group: &str) -> (u64, watch::Receiver<u64>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.next_member += 1;
        let member = state.next_member;
        let key = (topic.to_owned(), group.to_owned());
        let group = state
            .groups
            .entry(key)
            .or_insert_with(|| Group { members: Vec::new(), generation: watch::Sender::new(0) });
        group.members.push(member);
        group.generation.send_modify(|generation| *generation += 1);
        (member, group.generation.subscribe())
    }

    /// Removes a member; the others take over its partitions.
    pub(super) fn leave(&self, topic: &str, group: &str, member: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (topic.to_owned(), group.to_owned());
        if let Some(group) = state.groups.get_mut(&key) {
            group.members.retain(|other| *other != member);
            group.generation.send_modify(|generation| *generation += 1);
        }
    }

    /// The partitions of a member: consecutive ranges in the order of joining, as Kafka's range assignor deals them.
    pub(super) fn share(&self, topic: &str, group: &str, member: u64, partitions: i32) -> Vec<i32> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(group) = state.groups.get(&(topic.to_owned(), group.to_owned())) else {
            return Vec::new();
        };
        let Some(place) = group.members.iter().position(|other| *other == member) else {
            return Vec::new();
        };
        range(place, group.members.len(), partitions)
    }
}

fn range(place: usize, members: usize, partitions: i32) -> Vec<i32> {
    let (place, members) =
        (i32::try_from(place).unwrap_or(i32::MAX), i32::try_from(members).unwrap_or(i32::MAX));
    let (each, more) = (partitions / members, partitions % members);
    let start = place * each + place.min(more);
    (start..start + each + i32::from(place < more)).collect()
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn deals_every_partition_to_one_member() {
        assert_eq!(
            [range(0, 1, 3), range(0, 2, 3), range(1, 2, 3)],
            [vec![0, 1, 2], vec![0, 1], vec![2]]
        );
        assert_eq!([range(0, 2, 1), range(1, 2, 1)], [vec![0], vec![]]);
    }
}
