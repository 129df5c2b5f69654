//! What an operator does in the process that runs the registry, without going through HTTP.

use super::{Author, Registry, leases::StatusChange};
use crate::Status;

impl Registry {
    /// Puts an operator's status in place of the instance's own, of an application in any case; [`Status::Unknown`] takes
    /// it away, and the instance says its own with its next sign of life. Whoever keeps the history is told the operator's
    /// name. Tells whether the instance is there.
    pub fn set_status(&self, app: &str, id: &str, status: Status, operator: &str) -> bool {
        let (app, by) = (app.to_uppercase(), Author::Operator(operator.to_owned()));
        let change = StatusChange { status, dirty: None };
        match status {
            Status::Unknown => self.remove_override(&app, id, change, by),
            _ => self.override_status(&app, id, change, by),
        }
    }
}
