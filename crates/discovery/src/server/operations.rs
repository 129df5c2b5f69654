//! What can be done to the registry: under its rules, told to whoever listens, and passed on to the peers.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;
use tracing::{info, warn};

use super::{
    Author, Event, Kind, Origin, Registry,
    leases::{Full, Heartbeat, Registered, Renewal, StatusChange},
    peers::Change,
};
use crate::instance::Instance;

/// How long the log is silent about further refusals after one.
const QUIET: Duration = Duration::from_secs(60);

/// When a registration was last refused for want of room and logged.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Option<Instant>>);

/// Why metadata was not taken.
pub(super) enum NotTaken {
    Unknown,
    TooLarge,
}

impl Registry {
    /// Takes a registration that has been checked.
    pub(super) fn register(&self, instance: Instance, origin: Origin) -> Result<(), Full> {
        let (app, id, now) = (instance.app.clone(), instance.id().to_owned(), self.now());
        let registered = self.leases().register(instance, origin, now, &self.settings);
        let registered = registered.inspect_err(|full| self.refusals.log(*full, &app, &id))?;
        if registered == Registered::New {
            info!(instance.app = app, instance.id = id, "registered {app}/{id}");
        }
        let kind = match (origin, registered) {
            (Origin::Peer, _) => Kind::Replicated,
            (_, Registered::Again { status_changed: true }) => Kind::StatusChanged,
            _ => Kind::Registered,
        };
        self.tell(kind, origin, &app, &id);
        self.pass_on(&origin.into(), &app, &id, Change::Register);
        Ok(())
    }

    pub(super) fn renew(
        &self,
        app: &str,
        id: &str,
        heartbeat: Heartbeat,
        origin: Origin,
    ) -> Renewal {
        let now = self.now();
        let (renewal, status_changed) = self.leases().renew(app, id, heartbeat, now);
        if status_changed {
            self.tell(Kind::StatusChanged, origin, app, id);
        }
        if matches!(renewal, Renewal::Renewed) {
            self.pass_on(&origin.into(), app, id, Change::Heartbeat);
        }
        renewal
    }

    pub(super) fn cancel(&self, app: &str, id: &str, origin: Origin) -> bool {
        let now = self.now();
        let Some(record) = self.leases().cancel(app, id, now) else { return false };
        info!(instance.app = app, instance.id = id, "cancelled {app}/{id}");
        self.tell_of(Kind::Cancelled, origin.into(), record.description());
        self.pass_on(&origin.into(), app, id, Change::Cancel);
        true
    }

    pub(super) fn override_status(
        &self,
        app: &str,
        id: &str,
        change: StatusChange,
        by: impl Into<Author>,
    ) -> bool {
        let (now, by) = (self.now(), by.into());
        let there = self.leases().override_status(app, id, change, now);
        if there {
            self.pass_on(&by, app, id, Change::Override(change.status));
            self.tell(Kind::StatusOverridden, by, app, id);
        }
        there
    }

    pub(super) fn remove_override(
        &self,
        app: &str,
        id: &str,
        own: StatusChange,
        by: impl Into<Author>,
    ) -> bool {
        let (now, by) = (self.now(), by.into());
        let there = self.leases().remove_override(app, id, own, now);
        if there {
            self.pass_on(&by, app, id, Change::RemoveOverride(own.status));
            self.tell(Kind::OverrideRemoved, by, app, id);
        }
        there
    }

    /// Adds to an instance's metadata, whose whole description must stay within `limit` bytes.
    pub(super) fn add_metadata(
        &self,
        (app, id): (&str, &str),
        added: Vec<(String, String)>,
        limit: usize,
        origin: Origin,
    ) -> Result<(), NotTaken> {
        let now = self.now();
        {
            let mut leases = self.leases();
            let known = leases.instance(app, id).ok_or(NotTaken::Unknown)?;
            let mut changed = known.description().clone();
            let added = added.into_iter().map(|(name, value)| (name, Value::from(value)));
            Arc::make_mut(&mut changed.metadata).extend(added);
            if changed.to_value().to_string().len() > limit {
                return Err(NotTaken::TooLarge);
            }
            let registered = leases.register(changed, origin, now, &self.settings);
            registered.map_err(|_| NotTaken::Unknown)?;
        }
        self.tell(Kind::MetadataChanged, origin, app, id);
        self.pass_on(&origin.into(), app, id, Change::Register);
        Ok(())
    }

    /// Takes out those whose leases are over.
    pub(super) fn evict_once(&self) {
        let now = self.now();
        let pick = |below: usize| {
            let number = u64::from_le_bytes(self.outside.bytes());
            (number % below.max(1) as u64) as usize
        };
        let evicted = self.leases().evict(now, &self.settings, pick);
        for record in evicted {
            let instance = record.description();
            let (app, id, lease) =
                (&instance.app, instance.id(), instance.lease_info.duration_in_secs);
            warn!(
                instance.app = app,
                instance.id = id,
                "evicted {app}/{id}: silent for more than {lease} s"
            );
            self.tell_of(Kind::Evicted, Origin::Registry.into(), instance);
        }
    }

    fn pass_on(&self, by: &Author, app: &str, id: &str, change: Change) {
        // What came from a peer has been told to the others by that peer.
        if *by != Author::Origin(Origin::Peer) {
            self.peers.note(app, id, change);
        }
    }

    fn tell(&self, kind: Kind, by: impl Into<Author>, app: &str, id: &str) {
        if self.events.receiver_count() == 0 {
            return;
        }
        let listed = self.leases().instance(app, id);
        if let Some(listed) = listed {
            self.tell_of(kind, by.into(), listed.description());
        }
    }

    fn tell_of(&self, kind: Kind, by: Author, instance: &Instance) {
        let event = Event {
            at: self.outside.now(),
            kind,
            app: instance.app.clone(),
            id: instance.id().to_owned(),
            status: instance.status,
            address: instance.authority().unwrap_or_default(),
            by,
        };
        // Nobody may be listening.
        let _ = self.events.send(event);
    }
}

impl Refusals {
    /// Logs a refusal, unless one was logged within the last minute: whoever sends many would fill the log.
    fn log(&self, full: Full, app: &str, id: &str) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= QUIET) {
            *last = Some(Instant::now());
            warn!(
                instance.app = app,
                instance.id = id,
                "refused {app}/{id}, and is silent about others for a minute: {full}"
            );
        }
    }
}
