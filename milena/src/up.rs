//! `milena up`: the whole system in one process, with embedded parts for everything that was not named.

mod addresses;
mod folder;
mod ports;
mod system;
mod wanted;

pub use addresses::Addresses;
pub use ports::Ports;
pub use system::{Options, System};

use tracing::warn;

/// Variables of the tutorial's compose file that this version does not follow: its embedded part is used instead.
const UNUSED: [(&str, &str); 6] = [
    ("SPRING_DATA_MONGODB_URI", "stores are kept in the data folder"),
    ("SPRING_DATASOURCE_URL", "alerts are kept in the data folder"),
    ("SPRING_R2DBC_URL", "sessions are kept in the data folder"),
    ("SPRING_CLOUD_STREAM_KAFKA_BINDER_BROKERS", "the embedded broker is used"),
    ("EUREKA_CLIENT_SERVICE_URL_DEFAULTZONE", "the registry of this process is used"),
    ("SPRING_CLOUD_CONFIG_URI", "no Config server is asked"),
];

/// Names in the log the environment variables that somebody has set and that have no effect.
pub fn warn_of_unused(variables: &[(String, String)]) {
    for (name, instead) in
        UNUSED.iter().filter(|(name, _)| variables.iter().any(|(set, _)| set == name))
    {
        warn!("{name} is set but has no effect in this version: {instead}");
    }
}
