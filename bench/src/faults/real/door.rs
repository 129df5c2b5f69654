//! A door to a server that tells its clients where it is: how they are kept on their way through it.

use std::net::SocketAddr;

use anyhow::bail;

use crate::faults::proxy::{Proxy, Swap};

/// How often a door is opened until its port has as many digits as the server's.
const TRIES: usize = 200;

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
    fn kafka_tells_a_port_in_four_bytes() {
        let address = "127.0.0.1:258".parse().unwrap();
        assert_eq!(in_bytes(address), b"127.0.0.1\0\0\x01\x02");
    }
}
