//! What is wrong with a registration.

use serde_json::Value;

use crate::instance::{Instance, text_without, xml};

/// What Netflix's server finds wrong with a registration, in its order and words; then what we do.
pub(super) fn fault(instance: &Instance, app: &str) -> Option<String> {
    let is_blank = |text: &str| text.trim().is_empty();
    if is_blank(instance.id()) {
        return Some("Missing instanceId".into());
    }
    if is_blank(&instance.host_name) {
        return Some("Missing hostname".into());
    }
    if is_blank(&instance.ip_addr) {
        return Some("Missing ip address".into());
    }
    if is_blank(&instance.app) {
        return Some("Missing appName".into());
    }
    if instance.app != app {
        return Some(format!("Mismatched appName, expecting {app} but was {}", instance.app));
    }
    let Some(center) = &instance.data_center_info else {
        return Some("Missing dataCenterInfo".into());
    };
    if center.get("name").and_then(Value::as_str).is_none() {
        return Some("Missing dataCenterInfo Name".into());
    }
    unspeakable(instance)
}

/// Names that would tear a line of a log or an element of XML apart.
fn unspeakable(instance: &Instance) -> Option<String> {
    let empty = String::new();
    let names = [
        ("instanceId", &instance.instance_id),
        ("hostName", &instance.host_name),
        ("app", &instance.app),
        ("ipAddr", &instance.ip_addr),
        ("vipAddress", instance.vip_address.as_ref().unwrap_or(&empty)),
        ("secureVipAddress", instance.secure_vip_address.as_ref().unwrap_or(&empty)),
    ];
    if let Some((name, _)) = names.iter().find(|(_, text)| text.chars().any(char::is_control)) {
        return Some(format!("{name} must not contain control characters"));
    }
    if !is_speakable(&instance.to_value()) {
        return Some("No text may contain a control character but tabs and line ends".into());
    }
    None
}

/// Whether all texts can be written in both forms.
pub(super) fn is_speakable(value: &Value) -> bool {
    text_without(value, |character| !xml::is_allowed(character))
}
