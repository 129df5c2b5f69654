//! Where the real servers are that the project's script has started, and how a client is kept on its way through a door.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context, bail};

use crate::faults::proxy::{Proxy, Swap};

/// How often a door is opened until its port has as many digits as the server's.
const TRIES: usize = 200;

/// The servers.
pub(super) struct Addresses {
    pub(super) mongodb: SocketAddr,
    pub(super) replica_set: SocketAddr,
    pub(super) postgresql: SocketAddr,
    pub(super) kafka: SocketAddr,
    pub(super) script: PathBuf,
}

impl Addresses {
    /// Reads them from the environment.
    pub(super) fn read() -> anyhow::Result<Addresses> {
        Ok(Addresses {
            mongodb: address("REAL_MONGODB")?,
            replica_set: address("REAL_MONGODB_REPLICA_SET")?,
            postgresql: address("REAL_POSTGRESQL")?,
            kafka: address("REAL_KAFKA")?,
            script: variable("REAL_SERVERS")?.into(),
        })
    }
}

fn variable(name: &str) -> anyhow::Result<String> {
    let value = std::env::var_os(name).and_then(|value| value.into_string().ok());
    value.with_context(|| {
        format!(
            "{name} is not set: run this under `tests/real/servers run`, which starts the servers"
        )
    })
}

fn address(name: &str) -> anyhow::Result<SocketAddr> {
    let url = variable(name)?;
    authority(&url).parse().with_context(|| format!("{name} has no address with a port: {url}"))
}

/// Host and port of a URL, or of an address that is none.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next().unwrap_or(rest);
    rest.rsplit_once('@').map_or(rest, |(_, host)| host)
}

/// A door to a server that tells its clients its address: as text, as MongoDB does, or as a text and a number of four
/// bytes, as Kafka does.
pub(super) fn door(server: SocketAddr) -> anyhow::Result<Proxy> {
    for _ in 0..TRIES {
        let door = Proxy::open()?;
        let here = door.address();
        if here.to_string().len() == server.to_string().len() {
            door.lead_to(Some(server));
            door.swap(vec![
                Swap { from: in_bytes(server), to: in_bytes(here) },
                Swap { from: server.to_string().into(), to: here.to_string().into() },
            ]);
            return Ok(door);
        }
    }
    bail!("no port has as many digits as that of {server}")
}

fn in_bytes(address: SocketAddr) -> Vec<u8> {
    let mut bytes = address.ip().to_string().into_bytes();
    bytes.extend(u32::from(address.port()).to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_found_in_a_url() {
        for url in [
            "127.0.0.1:5432",
            "mongodb://127.0.0.1:5432",
            "mongodb://127.0.0.1:5432/?replicaSet=rs0",
            "postgres://postgres@127.0.0.1:5432/postgres",
        ] {
            assert_eq!(authority(url), "127.0.0.1:5432", "{url}");
        }
    }

    #[test]
    fn kafka_tells_a_port_in_four_bytes() {
        let address = "127.0.0.1:258".parse().unwrap();
        assert_eq!(in_bytes(address), b"127.0.0.1\0\0\x01\x02");
    }
}
