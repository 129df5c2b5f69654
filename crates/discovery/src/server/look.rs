//! What the process that runs the registry sees and does in it without going through HTTP.

use std::sync::Arc;

use super::Registry;
use crate::{Instance, Status};

impl Registry {
    /// Every instance, the applications in order of their names.
    pub fn instances(&self) -> Vec<Arc<Instance>> {
        self.leases().instances().cloned().map(Arc::new).collect()
    }

    /// One instance, of an application in any case.
    pub fn instance(&self, app: &str, id: &str) -> Option<Arc<Instance>> {
        self.leases().instance(&app.to_uppercase(), id).cloned().map(Arc::new)
    }

    /// Puts an operator's status in place of the instance's own; [`Status::Unknown`] takes it away, and the instance says
    /// its own with its next sign of life. Tells whether the instance is there.
    pub fn set_status(&self, app: &str, id: &str, status: Status) -> bool {
        let (app, now) = (app.to_uppercase(), self.now());
        match status {
            Status::Unknown => self.leases().remove_override(&app, id, status, now),
            status => self.leases().override_status(&app, id, status, now),
        }
    }
}
