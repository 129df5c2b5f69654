//! Taking out the silent, and when not to.

use std::sync::Arc;

use super::{Application, Leases, Moment, Record};
use crate::server::{Figures, RegistrySettings};

impl Leases {
    /// Takes out instances that have been silent for longer than their leases: all of them, or with self-preservation none
    /// while too few signs of life come, and else so few that one run cannot empty the registry. `pick` chooses a number
    /// below the one it is given.
    pub(crate) fn evict(
        &mut self,
        now: Moment,
        settings: &RegistrySettings,
        mut pick: impl FnMut(usize) -> usize,
    ) -> Vec<Arc<Record>> {
        let all = self.apps.values().flat_map(Application::all);
        let mut silent: Vec<_> = all
            .filter(|held| held.is_over(now))
            .map(|held| (held.instance().app.clone(), held.instance().id().to_owned()))
            .collect();
        if silent.is_empty() {
            return Vec::new();
        }
        if settings.self_preservation {
            if self.figures(now, settings).preserves_itself {
                return Vec::new();
            }
            let stay = (self.callers.all() as f64 * settings.renewal_percent_threshold) as usize;
            // One at least may go, or a small registry would keep its dead for ever.
            let most = (self.callers.all() - stay).max(1);
            while silent.len() > most {
                // At random, so that no application loses all of its instances first.
                silent.swap_remove(pick(silent.len()));
            }
        }
        silent.iter().filter_map(|(app, id)| self.remove(app, id, now)).collect()
    }

    /// The figures by which an operator sees whether all is well.
    pub(crate) fn figures(&self, now: Moment, settings: &RegistrySettings) -> Figures {
        let all = self.apps.values().flat_map(Application::all);
        let expected: f64 = all
            .map(|held| {
                60.0 / f64::from(held.instance().lease_info.renewal_interval_in_secs.max(1))
            })
            .sum();
        let threshold = (expected * settings.renewal_percent_threshold) as u64;
        let renewals = self.renewals.within_a_minute(now.at);
        Figures {
            instances: self.callers.all(),
            renewals_in_last_minute: renewals,
            renewal_threshold: threshold,
            is_below_threshold: renewals <= threshold,
            preserves_itself: settings.self_preservation && renewals <= threshold,
            uptime: self.renewals.age(now.at),
        }
    }
}
