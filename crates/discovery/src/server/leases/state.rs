//! What is registered, read and changed as a whole.

use std::sync::Arc;

use super::{Application, Held, Leases, Listed, Moment, Past, Record};
use crate::{
    instance::{Action, Instance},
    server::events::Origin,
};

impl Leases {
    pub(crate) fn instance(&self, app: &str, id: &str) -> Option<Listed> {
        self.held(app, id).map(Held::listed)
    }

    /// The first instance of this id in any application.
    pub(crate) fn instance_anywhere(&self, id: &str) -> Option<Listed> {
        self.apps.values().find_map(|app| app.get(id)).map(Held::listed)
    }

    /// Every instance for which `wanted` is true, the applications in order of their names.
    pub(crate) fn list(&self, wanted: impl Fn(&Instance) -> bool) -> Vec<Listed> {
        let all = self.apps.values().flat_map(Application::in_order);
        all.filter(|held| wanted(held.instance())).map(Held::listed).collect()
    }

    /// Every instance of an application.
    pub(crate) fn list_app(&self, app: &str) -> Vec<Listed> {
        self.apps.get(app).into_iter().flat_map(Application::in_order).map(Held::listed).collect()
    }

    /// What changed lately, the last state of each instance, in order of application and id.
    pub(crate) fn recent(&mut self, now: Moment) -> Vec<Listed> {
        self.recent.latest(now)
    }

    /// How many changes there have been.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    pub(crate) fn last_registered(&self) -> Vec<Past> {
        self.registered.to_vec()
    }

    pub(crate) fn last_cancelled(&self) -> Vec<Past> {
        self.cancelled.to_vec()
    }

    pub(super) fn held(&self, app: &str, id: &str) -> Option<&Held> {
        self.apps.get(app)?.get(id)
    }

    pub(super) fn held_mut(&mut self, app: &str, id: &str) -> Option<&mut Held> {
        self.apps.get_mut(app)?.get_mut(id)
    }

    pub(super) fn modify(
        &mut self,
        app: &str,
        id: &str,
        now: Moment,
        change: impl FnOnce(&mut Instance),
    ) -> bool {
        let Some(held) = self.held(app, id) else { return false };
        let (mut instance, origin) = (held.instance().clone(), held.origin);
        change(&mut instance);
        self.keep(instance, Action::Modified, origin, now);
        true
    }

    /// Puts a state in place of the one that is there, if one is.
    pub(super) fn keep(
        &mut self,
        mut instance: Instance,
        action: Action,
        origin: Origin,
        now: Moment,
    ) {
        instance.action_type = Some(action);
        instance.last_updated_timestamp = now.millis;
        instance.lease_info.last_renewal_timestamp = now.millis;
        let (app, id) = (instance.app.clone(), instance.id().to_owned());
        if let Some(neighbour) = self.apps.get(&app).and_then(|app| app.all().next()) {
            instance.share_with(neighbour.instance());
        }
        let record = Arc::new(Record::new(instance));
        self.note(record.clone(), now);
        match self.held_mut(&app, &id) {
            Some(held) => (held.record, held.renewed) = (record, now),
            None => {
                let held = Held { record, renewed: now, origin };
                self.apps.entry(app).or_default().insert(&id, held);
            }
        }
    }

    pub(super) fn remove(&mut self, app: &str, id: &str, now: Moment) -> Option<Arc<Record>> {
        let instances = self.apps.get_mut(app)?;
        let held = instances.remove(id)?;
        if instances.is_empty() {
            self.apps.remove(app);
        }
        self.callers.leave(held.origin);
        let mut instance = Arc::unwrap_or_clone(held.listed().instance());
        instance.lease_info.eviction_timestamp = now.millis;
        instance.action_type = Some(Action::Deleted);
        instance.last_updated_timestamp = now.millis;
        let record = Arc::new(Record::new(instance));
        self.note(record.clone(), now);
        Some(record)
    }

    fn note(&mut self, record: Arc<Record>, now: Moment) {
        self.changes += 1;
        let renewed = record.description().lease_info.last_renewal_timestamp;
        self.recent.add(record, renewed, now);
    }
}
