//! How many instances there are, in all and by the address that registered them.

use std::{collections::HashMap, net::IpAddr};

use crate::server::{RegistrySettings, events::Origin};

/// There is no room for another instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    /// In all.
    #[error("the registry is full: it holds {0} instances")]
    All(usize),
    /// For this caller.
    #[error("the address {0} has registered {1} instances, which is all that one may")]
    Caller(IpAddr, usize),
}

#[derive(Debug, Default)]
pub(super) struct Callers {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Callers {
    /// Counts another instance.
    pub(super) fn admit(
        &mut self,
        origin: Origin,
        settings: &RegistrySettings,
    ) -> Result<(), Full> {
        if self.all >= settings.most_instances {
            return Err(Full::All(self.all));
        }
        if let Origin::Client(Some(address)) = origin {
            let most = settings.most_instances_of_one_caller;
            let count = self.by_address.entry(address).or_default();
            if *count >= most {
                return Err(Full::Caller(address, most));
            }
            *count += 1;
        }
        self.all += 1;
        Ok(())
    }

    /// Counts an instance less.
    pub(super) fn leave(&mut self, origin: Origin) {
        self.all = self.all.saturating_sub(1);
        let Origin::Client(Some(address)) = origin else { return };
        let Some(count) = self.by_address.get_mut(&address) else { return };
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.by_address.remove(&address);
        }
    }

    pub(super) fn all(&self) -> usize {
        self.all
    }
}
