//! The registrations and their rules, without time, network or locks of its own: values in, values out.
//!
//! The rules are those of Netflix's server, with three differences. A client's own newer status counts at once, where the
//! original keeps UP or OUT_OF_SERVICE from before; a lease is over after its duration, where the original waits twice as
//! long; and a time of change that lies in the future is not believed, so that a wrong clock makes no entry unchangeable.

mod application;
mod callers;
mod eviction;
mod recent;
mod record;
mod renewals;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{RegistrySettings, events::Origin};
use crate::instance::{Action, Instance, Status};
use application::Application;
use callers::Callers;
use recent::{Last, Recent};
use renewals::Renewals;

pub(crate) use callers::Full;
pub use recent::Past;
pub(crate) use record::{Listed, Record};

/// The longest lease that is granted.
const LONGEST_LEASE: Duration = Duration::from_secs(24 * 60 * 60);
/// How far ahead of ours a client's clock may be to be believed.
const CLOCK_TOLERANCE: i64 = 5 * 60 * 1000;

/// The time, as a clock that never jumps and as what is written on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) at: Instant,
    pub(super) millis: i64,
}

/// What became of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registered {
    New,
    /// The instance was known; its status counts differently than before or not.
    Again {
        status_changed: bool,
    },
}

/// What became of a heartbeat.
#[derive(Debug)]
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
    /// The operator's status that the peer knows, when a peer passed the heartbeat on.
    pub(super) overridden: Option<Status>,
    /// Whether another registry passed it on.
    pub(super) from_peer: bool,
}

/// An operator's change of a status.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatusChange {
    pub(super) status: Status,
    /// When the peer that passes it on last changed the registration.
    pub(super) dirty: Option<i64>,
}

#[derive(Debug)]
struct Held {
    record: Arc<Record>,
    renewed: Moment,
    origin: Origin,
}

impl Held {
    fn instance(&self) -> &Instance {
        self.record.description()
    }

    fn listed(&self) -> Listed {
        Listed::new(self.record.clone(), self.renewed.millis)
    }

    fn is_over(&self, now: Moment) -> bool {
        let lease = match self.instance().lease_info.duration_in_secs {
            0 => 90,
            seconds => u64::from(seconds),
        };
        let silent = now.at.saturating_duration_since(self.renewed.at);
        silent > Duration::from_secs(lease).min(LONGEST_LEASE)
    }
}

/// Every registration, by application and instance id.
#[derive(Debug)]
pub(super) struct Leases {
    apps: BTreeMap<String, Application>,
    callers: Callers,
    recent: Recent,
    registered: Last,
    cancelled: Last,
    renewals: Renewals,
    changes: u64,
}

impl Leases {
    pub(super) fn new(start: Instant) -> Self {
        Leases {
            apps: BTreeMap::new(),
            callers: Callers::default(),
            recent: Recent::default(),
            registered: Last::default(),
            cancelled: Last::default(),
            renewals: Renewals::new(start),
            changes: 0,
        }
    }

    /// Takes a registration, which replaces an older one of the same id.
    ///
    /// # Errors
    /// When the instance is new and there is no room.
    pub(super) fn register(
        &mut self,
        mut instance: Instance,
        origin: Origin,
        now: Moment,
        settings: &RegistrySettings,
    ) -> Result<Registered, Full> {
        let known = self.held(&instance.app, instance.id()).map(|held| held.record.clone());
        if known.is_none() {
            self.callers.admit(origin, settings)?;
        }
        let mut up_since = 0;
        let mut registered = Registered::New;
        if let Some(known) = known.as_deref().map(Record::description) {
            up_since = known.lease_info.service_up_timestamp;
            if believable(known.last_dirty_timestamp, now) > instance.last_dirty_timestamp {
                instance = known.clone();
            }
            if known.overridden_status != Status::Unknown {
                instance.overridden_status = known.overridden_status;
            }
        }
        instance.status = effective(instance.status, instance.overridden_status);
        if let Some(known) = &known {
            let status_changed = known.description().status != instance.status;
            registered = Registered::Again { status_changed };
        }
        let lease = &mut instance.lease_info;
        lease.registration_timestamp = now.millis;
        lease.eviction_timestamp = 0;
        let is_first_up = up_since == 0 && instance.status == Status::Up;
        lease.service_up_timestamp = if is_first_up { now.millis } else { up_since };
        self.registered.add(&instance.app, instance.id(), now.millis);
        self.keep(instance, Action::Added, origin, now);
        Ok(registered)
    }

    /// Takes a sign of life. Tells also whether the status changed by it.
    pub(super) fn renew(
        &mut self,
        app: &str,
        id: &str,
        heartbeat: Heartbeat,
        now: Moment,
    ) -> (Renewal, bool) {
        let Some(held) = self.held_mut(app, id) else { return (Renewal::Forgotten, false) };
        let (instance, origin) = (held.instance(), held.origin);
        let status = effective(instance.status, instance.overridden_status);
        if status == Status::Unknown {
            return (Renewal::Forgotten, false);
        }
        held.renewed = now;
        let mut record = held.record.clone();
        let status_changed = status != record.description().status;
        if status_changed {
            let changed = Instance { status, ..record.description().clone() };
            self.keep(changed, Action::Modified, origin, now);
            record = self.held(app, id).map_or(record, |held| held.record.clone());
        }
        let known = record.description().last_dirty_timestamp;
        self.renewals.add(now.at);
        let renewal = match heartbeat.dirty {
            Some(dirty) if dirty == known => Renewal::Renewed,
            Some(dirty) if dirty > believable(known, now) => {
                self.take_override_of_peer(record.description(), heartbeat, origin, now);
                Renewal::Forgotten
            }
            Some(_) if heartbeat.from_peer => {
                let instance = self.held(app, id).map(|held| held.listed().instance());
                instance.map_or(Renewal::Forgotten, |instance| {
                    Renewal::Newer(Box::new(Arc::unwrap_or_clone(instance)))
                })
            }
            _ => Renewal::Renewed,
        };
        (renewal, status_changed)
    }

    /// Takes an instance out. Gives back what it was.
    pub(super) fn cancel(&mut self, app: &str, id: &str, now: Moment) -> Option<Arc<Record>> {
        let record = self.remove(app, id, now)?;
        self.cancelled.add(app, id, now.millis);
        Some(record)
    }

    /// Puts an operator's status in place of the instance's own. Tells whether the instance is there.
    pub(super) fn override_status(
        &mut self,
        app: &str,
        id: &str,
        change: StatusChange,
        now: Moment,
    ) -> bool {
        self.modify(app, id, now, |instance| {
            instance.overridden_status = change.status;
            instance.status = change.status;
            take_dirty(instance, change.dirty, now);
            let lease = &mut instance.lease_info;
            if change.status == Status::Up && lease.service_up_timestamp == 0 {
                lease.service_up_timestamp = now.millis;
            }
        })
    }

    /// Takes an operator's status away; until the instance speaks again it has the status of `own`. Tells whether the
    /// instance is there.
    pub(super) fn remove_override(
        &mut self,
        app: &str,
        id: &str,
        own: StatusChange,
        now: Moment,
    ) -> bool {
        match self.held_mut(app, id) {
            None => false,
            Some(held) if held.instance().overridden_status == Status::Unknown => {
                held.renewed = now;
                true
            }
            Some(_) => self.modify(app, id, now, |instance| {
                instance.overridden_status = Status::Unknown;
                instance.status = own.status;
                take_dirty(instance, own.dirty, now);
            }),
        }
    }

    fn take_override_of_peer(
        &mut self,
        known: &Instance,
        heartbeat: Heartbeat,
        origin: Origin,
        now: Moment,
    ) {
        let overridden = heartbeat.overridden.filter(|status| *status != Status::Unknown);
        let Some(overridden_status) = overridden.filter(|_| heartbeat.from_peer) else { return };
        if known.overridden_status != overridden_status {
            let changed = Instance { overridden_status, ..known.clone() };
            self.keep(changed, Action::Modified, origin, now);
        }
    }
}

mod state;

/// The time of a change, unless it lies in the future.
fn believable(dirty: i64, now: Moment) -> i64 {
    if dirty > now.millis.saturating_add(CLOCK_TOLERANCE) { i64::MIN } else { dirty }
}

fn take_dirty(instance: &mut Instance, dirty: Option<i64>, now: Moment) {
    if let Some(dirty) = dirty.filter(|dirty| *dirty > instance.last_dirty_timestamp) {
        instance.last_dirty_timestamp = dirty.min(now.millis.saturating_add(CLOCK_TOLERANCE));
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
