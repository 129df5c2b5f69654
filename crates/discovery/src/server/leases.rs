//! The registrations and their rules, without time, network or locks of its own: values in, values out.
//!
//! The rules are Eureka's, with two differences. A client's own newer status counts at once, where the original
//! keeps UP or OUT_OF_SERVICE from before; and a lease is over after its duration, where the original waits twice as long.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use crate::instance::{Action, Instance, Status};

/// How long the list of changes goes back.
const WINDOW: Duration = Duration::from_secs(180);
/// The longest lease that is granted.
const LONGEST_LEASE: Duration = Duration::from_secs(24 * 60 * 60);

/// The time, as a clock that never jumps and as what is written on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) at: Instant,
    pub(super) millis: i64,
}

/// What became of a heartbeat.
#[derive(Debug, PartialEq)]
pub(super) enum Renewal {
    Renewed,
    /// The client must register again: unknown here, or changed since it did.
    Forgotten,
    /// The registry knows something newer than the peer that passed the heartbeat on.
    Newer(Box<Instance>),
}

/// A heartbeat.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heartbeat {
    /// When the client last changed its registration.
    pub(super) dirty: Option<i64>,
    /// Whether another registry passed it on.
    pub(super) from_peer: bool,
}

/// There is no room for another instance.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

#[derive(Debug)]
struct Held {
    instance: Instance,
    renewed: Instant,
}

impl Held {
    fn lease(&self) -> Duration {
        Duration::from_secs(self.instance.lease_info.duration_in_secs.into()).min(LONGEST_LEASE)
    }

    fn renew(&mut self, now: Moment) {
        self.renewed = now.at;
        self.instance.lease_info.last_renewal_timestamp = now.millis;
    }
}

/// Every registration, by application and instance id.
#[derive(Debug, Default)]
pub(super) struct Leases {
    apps: BTreeMap<String, BTreeMap<String, Held>>,
    recent: VecDeque<(Instant, Instance)>,
    changes: u64,
}

impl Leases {
    /// Takes a registration, which replaces an older one of the same id. Tells whether the instance is new.
    pub(super) fn register(
        &mut self,
        mut instance: Instance,
        now: Moment,
        limit: usize,
    ) -> Result<bool, Full> {
        let known = self.held_mut(&instance.app, instance.id()).map(|held| held.instance.clone());
        if known.is_none() && self.count() >= limit {
            return Err(Full);
        }
        let mut up_since = 0;
        if let Some(known) = &known {
            up_since = known.lease_info.service_up_timestamp;
            if known.last_dirty_timestamp > instance.last_dirty_timestamp {
                instance = known.clone();
            }
            if known.overridden_status != Status::Unknown {
                instance.overridden_status = known.overridden_status;
            }
        }
        instance.status = effective(instance.status, instance.overridden_status);
        let lease = &mut instance.lease_info;
        lease.registration_timestamp = now.millis;
        lease.last_renewal_timestamp = now.millis;
        lease.eviction_timestamp = 0;
        lease.service_up_timestamp =
            if up_since == 0 && instance.status == Status::Up { now.millis } else { up_since };
        self.changed(&mut instance, Action::Added, now);
        let app = self.apps.entry(instance.app.clone()).or_default();
        app.insert(instance.id().to_owned(), Held { instance, renewed: now.at });
        Ok(known.is_none())
    }

    /// Takes a sign of life.
    pub(super) fn renew(
        &mut self,
        app: &str,
        id: &str,
        heartbeat: Heartbeat,
        now: Moment,
    ) -> Renewal {
        let Some(held) = self.held_mut(app, id) else { return Renewal::Forgotten };
        let status = effective(held.instance.status, held.instance.overridden_status);
        if status == Status::Unknown {
            return Renewal::Forgotten;
        }
        held.instance.status = status;
        held.renew(now);
        match heartbeat.dirty {
            Some(dirty) if dirty > held.instance.last_dirty_timestamp => Renewal::Forgotten,
            Some(dirty) if dirty < held.instance.last_dirty_timestamp && heartbeat.from_peer => {
                Renewal::Newer(Box::new(held.instance.clone()))
            }
            _ => Renewal::Renewed,
        }
    }

    /// Takes an instance out. Tells whether it was there.
    pub(super) fn cancel(&mut self, app: &str, id: &str, now: Moment) -> bool {
        self.remove(app, id, now).is_some()
    }

    /// Takes out every instance that has been silent for longer than its lease.
    pub(super) fn evict(&mut self, now: Moment) -> Vec<Instance> {
        let silent = self
            .held()
            .filter(|held| now.at.saturating_duration_since(held.renewed) > held.lease());
        let silent: Vec<_> =
            silent.map(|held| (held.instance.app.clone(), held.instance.id().to_owned())).collect();
        silent.iter().filter_map(|(app, id)| self.remove(app, id, now)).collect()
    }

    /// Puts an operator's status in place of the instance's own. Tells whether the instance is there.
    pub(super) fn override_status(
        &mut self,
        app: &str,
        id: &str,
        status: Status,
        now: Moment,
    ) -> bool {
        self.modify(app, id, now, |instance| {
            instance.overridden_status = status;
            instance.status = status;
            let lease = &mut instance.lease_info;
            if status == Status::Up && lease.service_up_timestamp == 0 {
                lease.service_up_timestamp = now.millis;
            }
        })
    }

    /// Takes an operator's status away; until the instance speaks again it has the status `own`. Tells whether the instance is there.
    pub(super) fn remove_override(
        &mut self,
        app: &str,
        id: &str,
        own: Status,
        now: Moment,
    ) -> bool {
        match self.held_mut(app, id) {
            None => false,
            Some(held) if held.instance.overridden_status == Status::Unknown => {
                held.renew(now);
                true
            }
            Some(_) => self.modify(app, id, now, |instance| {
                instance.overridden_status = Status::Unknown;
                instance.status = own;
            }),
        }
    }

    pub(super) fn instance(&self, app: &str, id: &str) -> Option<&Instance> {
        self.apps.get(app)?.get(id).map(|held| &held.instance)
    }

    /// The first instance of this id in any application.
    pub(super) fn instance_anywhere(&self, id: &str) -> Option<&Instance> {
        self.apps.values().find_map(|app| app.get(id)).map(|held| &held.instance)
    }

    /// Every instance, the applications in order of their names.
    pub(super) fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.held().map(|held| &held.instance)
    }

    /// What changed lately, the last state of each instance, in order of application and id.
    pub(super) fn recent(&mut self, now: Moment) -> Vec<Instance> {
        self.forget_old_changes(now);
        let latest: BTreeMap<_, _> = self
            .recent
            .iter()
            .map(|(_, instance)| ((&instance.app, instance.id()), instance))
            .collect();
        latest.into_values().cloned().collect()
    }

    /// How many changes there have been.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    fn held(&self) -> impl Iterator<Item = &Held> {
        self.apps.values().flat_map(BTreeMap::values)
    }

    fn held_mut(&mut self, app: &str, id: &str) -> Option<&mut Held> {
        self.apps.get_mut(app)?.get_mut(id)
    }

    fn count(&self) -> usize {
        self.apps.values().map(BTreeMap::len).sum()
    }

    fn modify(
        &mut self,
        app: &str,
        id: &str,
        now: Moment,
        change: impl FnOnce(&mut Instance),
    ) -> bool {
        let Some(held) = self.held_mut(app, id) else { return false };
        held.renew(now);
        change(&mut held.instance);
        let mut instance = held.instance.clone();
        self.changed(&mut instance, Action::Modified, now);
        if let Some(held) = self.held_mut(app, id) {
            held.instance = instance;
        }
        true
    }

    fn remove(&mut self, app: &str, id: &str, now: Moment) -> Option<Instance> {
        let instances = self.apps.get_mut(app)?;
        let mut instance = instances.remove(id)?.instance;
        if instances.is_empty() {
            self.apps.remove(app);
        }
        instance.lease_info.eviction_timestamp = now.millis;
        self.changed(&mut instance, Action::Deleted, now);
        Some(instance)
    }

    fn changed(&mut self, instance: &mut Instance, action: Action, now: Moment) {
        instance.action_type = Some(action);
        instance.last_updated_timestamp = now.millis;
        self.changes += 1;
        self.forget_old_changes(now);
        // Who misses a change notices by the hash code that comes with the list, and asks for everything.
        if self.recent.len() >= super::CAPACITY {
            self.recent.pop_front();
        }
        self.recent.push_back((now.at, instance.clone()));
    }

    fn forget_old_changes(&mut self, now: Moment) {
        let old = |at: Instant| now.at.saturating_duration_since(at) > WINDOW;
        while self.recent.front().is_some_and(|(at, _)| old(*at)) {
            self.recent.pop_front();
        }
    }
}

/// The status that counts: an operator's, but never to send requests to an instance that says it cannot take any.
fn effective(own: Status, operators: Status) -> Status {
    match own {
        Status::Up | Status::OutOfService if operators != Status::Unknown => operators,
        own => own,
    }
}

#[cfg(test)]
mod tests;
