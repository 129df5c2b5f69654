//! Where an instance says that it can be managed: its host and its management port, and nothing else of what it said.

use std::net::{IpAddr, SocketAddr};

use discovery::Instance;
use reqwest::Url;
use serde_json::Value;

use super::Failure;

/// The longest name of a host (RFC 1035 §2.3.4).
const HOST_LIMIT: usize = 253;

/// The address without a path: `http://10.0.0.7:8082/`. Whatever could make it mean another host is refused.
pub(super) fn base(instance: &Instance) -> Option<Url> {
    let plain = instance.port.enabled;
    let (scheme, usual) = match plain || !instance.secure_port.enabled {
        true => ("http", plain.then_some(instance.port.number)),
        false => ("https", Some(instance.secure_port.number)),
    };
    let port = management_port(instance).or(usual)?;
    let host = match instance.host_name.as_str() {
        "" => &instance.ip_addr,
        host => host,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) if is_name(host) => host.to_owned(),
        Err(_) => return None,
    };
    Url::parse(&format!("{scheme}://{host}:{port}/")).ok()
}

/// The addresses of a URL's host. A name in the form of a number has become an address when the URL was read.
pub(super) async fn addresses(url: &Url) -> Result<Vec<SocketAddr>, Failure> {
    let host = url.host_str().ok_or(Failure::NoAddress)?;
    let port = url.port_or_known_default().ok_or(Failure::NoAddress)?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let unknown = |_| Failure::Silent("its name has no address".to_owned());
    let found: Vec<_> = tokio::net::lookup_host((host, port)).await.map_err(unknown)?.collect();
    if found.is_empty() {
        Err(Failure::Silent("its name has no address".to_owned()))
    } else {
        Ok(found)
    }
}

/// The port of the management endpoints, where an instance has named one.
fn management_port(instance: &Instance) -> Option<u16> {
    match instance.metadata.get("management.port")? {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => u16::try_from(number.as_u64()?).ok(),
        _ => None,
    }
    .filter(|port| *port != 0)
}

fn is_name(host: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=HOST_LIMIT).contains(&host.len()) && host.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(members: Value, expected: Option<&str>) {
        let mut instance = json!({ "app": "A", "hostName": "10.0.0.7", "port": { "$": 8082, "@enabled": "true" } });
        for (name, value) in members.as_object().unwrap() {
            instance[name] = value.clone();
        }
        let instance: Instance = serde_json::from_value(instance).unwrap();
        let found = base(&instance);
        assert_eq!(found.as_ref().map(Url::as_str), expected, "{members}");
    }

    #[test]
    fn only_host_and_management_port_count() {
        let plain = Some("http://10.0.0.7:8082/");
        check(json!({}), plain);
        check(
            json!({ "homePageUrl": "http://evil/x", "healthCheckUrl": "file:///etc/passwd" }),
            plain,
        );
        check(json!({ "metadata": { "management.port": "9999" } }), Some("http://10.0.0.7:9999/"));
        check(json!({ "metadata": { "management.port": 9999 } }), Some("http://10.0.0.7:9999/"));
        check(json!({ "metadata": { "management.port": "80/x" } }), Some("http://10.0.0.7:8082/"));
        check(json!({ "metadata": { "management.port": "0" } }), plain);
        check(json!({ "hostName": "", "ipAddr": "10.0.0.8" }), Some("http://10.0.0.8:8082/"));
        check(json!({ "hostName": "::1" }), Some("http://[::1]:8082/"));
        let closed = json!({ "$": 8082, "@enabled": "false" });
        let secure = json!({ "$": 8443, "@enabled": "true" });
        check(json!({ "port": closed, "securePort": secure }), Some("https://10.0.0.7:8443/"));
        check(json!({ "port": closed }), None);
    }

    #[test]
    fn a_host_that_means_something_else_is_refused() {
        for host in [
            "",
            "a/b",
            "a@b",
            "a:1",
            "a b",
            "a?b",
            "a#b",
            "a\\b",
            "a%2fb",
            "ä",
            "a\r\nb",
            &"a".repeat(254),
        ] {
            check(json!({ "hostName": host, "ipAddr": "" }), None);
        }
    }

    #[tokio::test]
    async fn a_number_in_place_of_a_name_is_the_address_that_it_means() {
        for host in ["2852039166", "0xa9fea9fe", "169.254.43518"] {
            let instance =
                json!({ "app": "A", "hostName": host, "port": { "$": 80, "@enabled": "true" } });
            let url = base(&serde_json::from_value(instance).unwrap()).unwrap();
            let found = addresses(&url).await.unwrap();
            assert_eq!(found, ["169.254.169.254:80".parse().unwrap()], "{host}");
        }
    }
}
