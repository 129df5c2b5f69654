//! Where an instance says that it can be managed: its host and its management port, and of the paths that it names a
//! beginning of plain names.

use std::net::{IpAddr, SocketAddr};

use discovery::Instance;
use reqwest::Url;
use serde_json::Value;

use super::Failure;

/// The longest name of a host (RFC 1035 §2.3.4).
const HOST_LIMIT: usize = 253;
/// The most names in a path before what is asked for, and the longest of them.
const NAMES: usize = 4;
const NAME_LIMIT: usize = 253;
/// Where Java services have their management endpoints: JHipster's place, which is assumed, and Spring's own.
const MANAGEMENT: [&str; 2] = ["management", "actuator"];

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

/// The path below which all of the instance is: empty, or `/shop` (`context-path` in the metadata).
pub(super) fn context(instance: &Instance) -> String {
    let path = instance.metadata.get("context-path").and_then(Value::as_str).unwrap_or_default();
    plain(path).unwrap_or_default()
}

/// The path below which the management endpoints are, `/shop/management` for example: that of the health check, where it
/// is one of [`MANAGEMENT`], else JHipster's below the [`context`].
pub(super) fn management(instance: &Instance) -> String {
    let url = instance.health_check_url.as_deref().and_then(|url| Url::parse(url).ok());
    let path = url.as_ref().and_then(|url| plain(url.path().strip_suffix("/health")?));
    let is_known =
        |path: &String| MANAGEMENT.iter().any(|name| path.ends_with(&format!("/{name}")));
    path.filter(is_known).unwrap_or_else(|| format!("{}/{}", context(instance), MANAGEMENT[0]))
}

/// `/a/b` of a path that has names of letters, digits, dashes and underscores only.
fn plain(path: &str) -> Option<String> {
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_plain = names.len() <= NAMES
        && names.iter().all(|name| name.len() <= NAME_LIMIT && name.chars().all(allowed));
    is_plain.then(|| names.iter().map(|name| format!("/{name}")).collect())
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
    fn a_path_is_taken_where_it_can_lead_to_endpoints_only() {
        let check = |members: Value, expected: [&str; 2]| {
            let mut instance = json!({ "app": "A", "hostName": "10.0.0.7" });
            for (name, value) in members.as_object().unwrap() {
                instance[name] = value.clone();
            }
            let instance: Instance = serde_json::from_value(instance).unwrap();
            assert_eq!([context(&instance), management(&instance)], expected, "{members}");
        };
        let health = |path: &str| json!({ "healthCheckUrl": format!("http://x:1{path}") });
        let usual = ["", "/management"];
        check(json!({}), usual);
        check(json!({ "metadata": { "context-path": "/shop/" } }), ["/shop", "/shop/management"]);
        check(json!({ "metadata": { "context-path": "/" } }), usual);
        check(health("/management/health"), usual);
        check(health("/actuator/health"), ["", "/actuator"]);
        check(health("/shop/actuator/health"), ["", "/shop/actuator"]);
        for wrong in [
            "/health",
            "/evil",
            "/admin/health",
            "/actuator/health?x=",
            "/actuator/health/x",
            "/a/../%2e%2e/b/health",
            "/a/b/c/d/actuator/health",
            "/%61/actuator/health",
        ] {
            let path = if wrong.contains('?') { ["", "/actuator"] } else { usual };
            check(health(wrong), path);
        }
        for wrong in ["/a/../b", "/a%2fb", "/a?b", "/a b", "/a/b/c/d/e", "//x.y"] {
            check(json!({ "metadata": { "context-path": wrong } }), usual);
        }
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
