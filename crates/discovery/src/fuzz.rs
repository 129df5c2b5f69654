//! What fuzzers call: the readers of what comes from outside. None of them may fail for any bytes.

use crate::instance::{Instance, xml};

/// Reads a registration in JSON; what is taken can be written in both forms and read again.
pub fn registration_in_json(bytes: &[u8]) {
    if let Ok(instance) = Instance::from_registration(bytes) {
        check(&instance);
    }
}

/// Reads a registration in XML; what is taken can be written in both forms and read again.
pub fn registration_in_xml(bytes: &[u8]) {
    if let Ok(instance) = Instance::from_xml(bytes) {
        check(&instance);
    }
}

fn check(instance: &Instance) {
    let again = Instance::from_value(instance.to_value());
    assert!(again.is_ok(), "JSON of ours cannot be read: {}", instance.to_value());
    let mut text = String::new();
    instance.push_xml(&mut text, 0);
    // Members of no fixed kind may be nested more deeply than XML is read.
    if let Err(error) = xml::read(text.as_bytes()) {
        assert!(error.is_depth(), "XML of ours cannot be read: {error}: {text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each text as it is, cut anywhere, and with any byte in place of another.
    fn replay(texts: &[&[u8]], read: fn(&[u8])) {
        for text in texts {
            for place in 0..text.len() {
                read(&text[..place]);
                for byte in [0, b'<', b'>', b'&', b'"', b'{', b'[', b'\\', b'_', b'$', 0x80, 0xff] {
                    let mut changed = text.to_vec();
                    changed[place] = byte;
                    read(&changed);
                }
            }
            read(text);
        }
    }

    #[test]
    fn no_json_makes_the_reader_fail() {
        let texts: [&[u8]; 4] = [
            br#"{"instance":{"instanceId":"1","app":"A","port":{"$":"1","@enabled":"true"},"metadata":{"a_b":"\u0001"}}}"#,
            br#"{"instance":{"app":"A","dataCenterInfo":{"@class":"x","name":"y","metadata":{"$":1,"@enabled":[]}}}}"#,
            br#"{"instance":{"app":"A","leaseInfo":{"durationInSecs":1e400},"others":[[[[{"a":null}]]]]}}"#,
            br#"{"instance":{"app":"A","lastDirtyTimestamp":"-9223372036854775808","overriddenstatus":"UP"}}"#,
        ];
        replay(&texts, registration_in_json);
    }

    #[test]
    fn no_xml_makes_the_reader_fail() {
        let texts: [&[u8]; 3] = [
            b"<?xml version='1.0'?><instance><app>A</app><port enabled='true'>1</port><metadata><a__b>&amp;</a__b></metadata></instance>",
            b"<instance><app>A</app><dataCenterInfo class='x'><name>&#x41;</name></dataCenterInfo><_.0020>1</_.0020></instance>",
            b"<!DOCTYPE a [<!ENTITY b 'c'>]><instance><app>&b;</app><![CDATA[x]]><!-- y --></instance>",
        ];
        replay(&texts, registration_in_xml);
    }
}
