use super::{Instance, Status};

fn read(members: &str) -> Instance {
    Instance::from_registration(format!(r#"{{"instance":{{{members}}}}}"#).as_bytes()).unwrap()
}

#[test]
fn numbers_and_truth_may_come_as_text() {
    let instance = read(
        r#""app":"BOOK","port":{"$":"81","@enabled":true},"leaseInfo":{"durationInSecs":"7"},"lastDirtyTimestamp":5"#,
    );
    assert_eq!((instance.port.number, instance.port.enabled), (81, true));
    assert_eq!(
        (instance.lease_info.duration_in_secs, instance.lease_info.renewal_interval_in_secs),
        (7, 30)
    );
    assert_eq!(instance.last_dirty_timestamp, 5);
}

#[test]
fn unknown_members_are_kept_and_nulls_are_not() {
    let instance = read(r#""app":"BOOK","shelf":{"row":3},"asgName":null,"hostName":null"#);
    let json = serde_json::to_string(&instance).unwrap();
    assert!(json.ends_with(r#""shelf":{"row":3}}"#), "{json}");
    assert!(!json.contains("asgName"), "{json}");
}

#[test]
fn an_unknown_status_is_unknown_and_the_old_spelling_of_the_override_is_read() {
    assert_eq!(read(r#""app":"BOOK","status":"SLEEPY""#).status, Status::Unknown);
    assert_eq!(
        read(r#""app":"BOOK","overriddenstatus":"DOWN""#).overridden_status,
        Status::Down
    );
}

#[test]
fn empty_metadata_is_written_as_java_does() {
    let json = serde_json::to_string(&read(r#""app":"BOOK""#)).unwrap();
    assert!(
        json.contains(r#""metadata":{"@class":"java.util.Collections$EmptyMap"}"#),
        "{json}"
    );
    let again = read(r#""app":"BOOK","metadata":{"@class":"java.util.Collections$EmptyMap"}"#);
    assert!(again.metadata.is_empty());
}

#[test]
fn an_address_of_version_6_is_bracketed_and_a_closed_port_has_none() {
    let instance = read(r#""app":"BOOK","hostName":"::1","port":{"$":80,"@enabled":"true"}"#);
    assert_eq!(instance.authority().as_deref(), Some("[::1]:80"));
    assert_eq!(read(r#""app":"BOOK","port":{"$":80,"@enabled":"false"}"#).authority(), None);
}

#[test]
fn xml_is_read_as_the_same_members() {
    let xml = "<instance><instanceId>1</instanceId><app>BOOK</app><port enabled=\"true\">81</port>\
               <overriddenstatus>DOWN</overriddenstatus><healthCheckUrl/><metadata><a__b>x</a__b><empty></empty></metadata>\
               <leaseInfo><evictionDurationInSecs>7</evictionDurationInSecs></leaseInfo></instance>";
    let json = r#""instanceId":"1","app":"BOOK","port":{"$":81,"@enabled":"true"},"overriddenStatus":"DOWN",
        "metadata":{"a_b":"x","empty":""},"leaseInfo":{"durationInSecs":7}"#;
    assert_eq!(Instance::from_xml(xml.as_bytes()).unwrap(), read(json));
    for wrong in ["<app/>", "<instance>x</instance>", "<instance><app>A</app><port enabled=\"x\">1</port></instance>"] {
        assert!(Instance::from_xml(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn the_duration_of_a_lease_may_have_its_old_names() {
    let duration = |lease: &str| {
        read(&format!(r#""app":"BOOK","leaseInfo":{{{lease}}}"#)).lease_info.duration_in_secs
    };
    assert_eq!(duration(r#""evictionDurationInSecs":7"#), 7);
    assert_eq!(duration(r#""evictionDurationInMs":"6500""#), 7);
    assert_eq!(duration(r#""evictionDurationInSecs":7,"durationInSecs":9"#), 9);
    assert_eq!(duration(""), 90);
}
