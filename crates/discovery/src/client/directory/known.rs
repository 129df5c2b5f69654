//! What a directory knows: instances by service, whose turn it is, and who is passed over.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    hash_code::hash_code,
    instance::{Action, Instance},
};

/// How long an instance that accepted no connection is passed over at most.
const PASSED_OVER: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(super) struct Known {
    apps: BTreeMap<String, App>,
    passed_over: HashMap<(String, String), Refusal>,
    /// When the registry was last asked, whether it answered or not.
    pub(super) asked: Option<Instant>,
    /// The registry's name for this list, if it has one.
    pub(super) tag: Option<String>,
}

#[derive(Debug, Default)]
struct App {
    instances: Vec<Arc<Instance>>,
    turn: usize,
}

#[derive(Debug)]
struct Refusal {
    at: Instant,
    /// The instance's last sign of life at that time, as the registry had it.
    renewed: i64,
}

impl Known {
    /// Takes a new list. Whose turn it is stays; a sign of life ends a passing over.
    pub(super) fn replace(&mut self, instances: Vec<Instance>) {
        let mut apps: BTreeMap<String, App> = BTreeMap::new();
        for instance in instances {
            let name = instance.app.to_lowercase();
            let turn = self.apps.get(&name).map_or(0, |app| app.turn);
            let app = apps.entry(name).or_insert_with(|| App { instances: Vec::new(), turn });
            app.instances.push(Arc::new(instance));
        }
        self.apps = apps;
        self.forget_refusals();
    }

    /// Takes what has changed since. Returns how many instances have which status now, as [`hash_code`] tells it.
    pub(super) fn apply(&mut self, changes: Vec<Instance>) -> String {
        for changed in changes {
            let app = self.apps.entry(changed.app.to_lowercase()).or_default();
            let place = app.instances.iter().position(|known| known.id() == changed.id());
            match (place, changed.action_type == Some(Action::Deleted)) {
                (Some(place), true) => drop(app.instances.remove(place)),
                (Some(place), false) => app.instances[place] = Arc::new(changed),
                (None, true) => {}
                (None, false) => app.instances.push(Arc::new(changed)),
            }
        }
        self.apps.retain(|_, app| !app.instances.is_empty());
        self.forget_refusals();
        hash_code(self.apps.values().flat_map(|app| &app.instances).map(Arc::as_ref))
    }

    /// Whoever has given a sign of life since it refused, or is gone, is passed over no longer.
    fn forget_refusals(&mut self) {
        let mut passed_over = std::mem::take(&mut self.passed_over);
        let listed = self.apps.values().flat_map(|app| &app.instances);
        self.passed_over = listed
            .filter_map(|instance| {
                let refusal = passed_over.remove(&key(instance))?;
                let silent = refusal.renewed == instance.lease_info.last_renewal_timestamp;
                silent.then(|| (key(instance), refusal))
            })
            .collect();
    }

    /// The next instance of a service that is up and not passed over.
    pub(super) fn next(&mut self, app: &str, now: Instant) -> Option<Arc<Instance>> {
        let (passed_over, app) = (&self.passed_over, self.apps.get_mut(app)?);
        let usable = |instance: &Instance| {
            let refusal = passed_over.get(&key(instance));
            instance.is_up()
                && instance.authority().is_some()
                && refusal
                    .is_none_or(|refusal| now.saturating_duration_since(refusal.at) >= PASSED_OVER)
        };
        let count = app.instances.len();
        let (position, instance) = (0..count)
            .map(|step| (app.turn + step) % count)
            .filter_map(|position| Some((position, app.instances.get(position)?)))
            .find(|(_, instance)| usable(instance))?;
        app.turn = position + 1;
        Some(instance.clone())
    }

    pub(super) fn passed_over(&mut self, instance: &Instance, now: Instant) {
        let refusal = Refusal { at: now, renewed: instance.lease_info.last_renewal_timestamp };
        self.passed_over.insert(key(instance), refusal);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.apps.is_empty()
    }

    pub(super) fn apps(&self) -> Vec<String> {
        self.apps.keys().cloned().collect()
    }

    pub(super) fn instances(&self) -> Vec<Arc<Instance>> {
        self.apps.values().flat_map(|app| &app.instances).cloned().collect()
    }
}

fn key(instance: &Instance) -> (String, String) {
    (instance.app.clone(), instance.id().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(id: &str, status: &str, renewed: i64) -> Instance {
        let body = format!(
            r#"{{"instance":{{"instanceId":"{id}","app":"BOOK","status":"{status}","port":{{"$":1,"@enabled":"true"}},"leaseInfo":{{"lastRenewalTimestamp":{renewed}}}}}}}"#
        );
        Instance::from_registration(body.as_bytes()).unwrap()
    }

    fn picks(known: &mut Known, count: usize, now: Instant) -> String {
        let ids = (0..count)
            .map(|_| known.next("book", now).map_or("none".to_owned(), |i| i.id().to_owned()));
        ids.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn takes_turns_among_those_that_are_up_and_keeps_the_turn_over_a_new_list() {
        let now = Instant::now();
        let list = || vec![book("a", "UP", 1), book("b", "DOWN", 1), book("c", "UP", 1)];
        let mut known = Known::default();
        assert_eq!(picks(&mut known, 1, now), "none");
        known.replace(list());
        assert_eq!(picks(&mut known, 3, now), "a c a");
        known.replace(list());
        assert_eq!(picks(&mut known, 2, now), "c a");
    }

    #[test]
    fn changes_are_laid_over_the_list() {
        let now = Instant::now();
        let mut known = Known::default();
        known.replace(vec![book("a", "UP", 1), book("b", "UP", 1), book("c", "UP", 1)]);
        let mut gone = book("b", "UP", 1);
        gone.action_type = Some(Action::Deleted);
        let mut unknown = book("x", "UP", 1);
        unknown.action_type = Some(Action::Deleted);
        let changes = vec![book("a", "DOWN", 1), gone, unknown, book("d", "UP", 1)];
        assert_eq!(known.apply(changes), "DOWN_1_UP_2_");
        assert_eq!(picks(&mut known, 3, now), "c d c");
        let mut last = ["a", "c", "d"].map(|id| book(id, "UP", 1));
        last.iter_mut().for_each(|instance| instance.action_type = Some(Action::Deleted));
        assert_eq!(known.apply(last.into()), "");
        assert!(known.is_empty());
    }

    #[test]
    fn passes_over_who_refused_until_a_sign_of_life() {
        let now = Instant::now();
        let mut known = Known::default();
        known.replace(vec![book("a", "UP", 1), book("b", "UP", 1)]);
        known.passed_over(&book("a", "UP", 1), now);
        assert_eq!(picks(&mut known, 2, now), "b b");
        known.replace(vec![book("a", "UP", 1), book("b", "UP", 2)]);
        assert_eq!(picks(&mut known, 2, now), "b b");
        known.replace(vec![book("a", "UP", 2), book("b", "UP", 2)]);
        assert_eq!(picks(&mut known, 2, now), "a b");
    }

    #[test]
    fn passes_over_who_refused_for_ten_seconds_at_most() {
        let now = Instant::now();
        let mut known = Known::default();
        known.replace(vec![book("a", "UP", 1)]);
        known.passed_over(&book("a", "UP", 1), now);
        assert_eq!(picks(&mut known, 1, now + Duration::from_millis(9_999)), "none");
        assert_eq!(picks(&mut known, 1, now + Duration::from_secs(10)), "a");
    }
}
