//! What an operator may decide about the registry.

use std::time::Duration;

/// How the registry treats the silent and how much it takes. The names in brackets are Spring's.
#[derive(Clone, Debug, PartialEq)]
pub struct RegistrySettings {
    /// Whether nobody is evicted while far fewer signs of life come than should, which is more often the network's fault
    /// than the instances' (`eureka.server.enable-self-preservation`); while it is on, one run evicts at most the share of
    /// the instances that [`renewal_percent_threshold`](Self::renewal_percent_threshold) leaves. Off, as in JHipster's
    /// registry.
    pub self_preservation: bool,
    /// The share of the expected signs of life below which there are too few, from 0 to 1
    /// (`eureka.server.renewal-percent-threshold`): 0.85.
    pub renewal_percent_threshold: f64,
    /// How often the silent are looked for (`eureka.server.eviction-interval-timer-in-ms`). One second, where Spring takes
    /// a minute: so a lease is over when it says.
    pub eviction_interval: Duration,
    /// How many instances there may be. Further ones are refused with 429 until others are gone; those that are known stay
    /// and may change. 20,000.
    pub most_instances: usize,
    /// How many of them one address may have registered. Those that a peer passed on do not count. 15,000.
    pub most_instances_of_one_caller: usize,
}

impl Default for RegistrySettings {
    fn default() -> Self {
        RegistrySettings {
            self_preservation: false,
            renewal_percent_threshold: 0.85,
            eviction_interval: Duration::from_secs(1),
            most_instances: 20_000,
            most_instances_of_one_caller: 15_000,
        }
    }
}
