//! Networks that the registry may call, as addresses with the length of their prefix (RFC 4632).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks in which the registry may call instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Networks(Vec<Network>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Networks {
    /// Reads networks such as `10.0.0.0/8`; an address alone is a network of one.
    pub(crate) fn parse(texts: &[String]) -> Result<Self, String> {
        texts.iter().map(|text| Network::parse(text)).collect::<Result<_, _>>().map(Networks)
    }

    /// Whether an address may be called. Those that name no single machine of a network are never called, whatever is
    /// allowed: addresses of the link, where clouds tell secrets, multicast, and unspecified ones.
    pub(crate) fn admit(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        !is_special(address) && self.0.iter().any(|network| network.contains(address))
    }
}

fn is_special(address: IpAddr) -> bool {
    /// Where a large cloud tells secrets by IPv6, within the private addresses.
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address {
        IpAddr::V4(address) => {
            address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address.octets()[0] == 0
        }
        IpAddr::V6(address) => {
            address.is_unicast_link_local()
                || address.is_multicast()
                || address.is_unspecified()
                || address == METADATA
        }
    }
}

impl Network {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no network; write for example 10.0.0.0/8");
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix.trim() {
            "" if !text.contains('/') => longest,
            prefix => prefix.parse().map_err(|_| wrong())?,
        };
        if prefix > longest { Err(wrong()) } else { Ok(Network { address, prefix }) }
    }

    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                masked(network, mask) == masked(address, mask)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

fn masked(address: Ipv4Addr, mask: u32) -> u32 {
    address.to_bits() & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(text: &str) -> Networks {
        Networks::parse(&text.split(',').map(str::to_owned).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn only_allowed_networks_are_called() {
        let allowed =
            networks("127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7");
        for (address, expected) in [
            ("127.0.0.1", true),
            ("127.255.255.255", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.1.2.3", true),
            ("172.31.255.255", true),
            ("172.32.0.0", false),
            ("192.168.4.5", true),
            ("fd12::1", true),
            ("8.8.8.8", false),
            ("::ffff:8.8.8.8", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(allowed.admit(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn addresses_where_clouds_tell_secrets_are_never_called() {
        let everything = networks("0.0.0.0/0,::/0");
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "169.254.0.1",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
        ] {
            assert!(!everything.admit(address.parse().unwrap()), "{address}");
        }
        assert!(everything.admit("8.8.8.8".parse().unwrap()));
    }

    #[test]
    fn a_network_that_cannot_be_read_is_named() {
        for text in ["", "host", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129"] {
            let error = Networks::parse(&[text.to_owned()]).unwrap_err();
            assert!(error.contains("10.0.0.0/8"), "{error}");
        }
        assert!(networks("10.0.0.1").admit("10.0.0.1".parse().unwrap()));
        assert!(!networks("10.0.0.1").admit("10.0.0.2".parse().unwrap()));
    }
}
