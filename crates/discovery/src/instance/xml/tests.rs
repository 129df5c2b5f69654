use serde_json::json;

use super::*;

fn written(name: &str, value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, 0, name, value);
    text
}

#[test]
fn what_is_written_is_read_again() {
    let value = json!({
        "port": { "$": "80", "@enabled": "true" },
        "center": { "@class": "a$b", "name": "MyOwn" },
        "none": { "@class": "java.util.Collections$EmptyMap" },
        "names": { "a_b": "<&>\"'\r\n", "$x": "", "two words": "1", "9": "ü\u{1f56f}", "": "nothing", "a:b": "" }
    });
    let text = written("instance", &value);
    assert_eq!(read(text.as_bytes()), Ok(("instance".to_owned(), value)), "{text}");
}

#[test]
fn the_form_is_that_of_the_java_codec() {
    let value = json!({
        "port": { "$": 80, "@enabled": "true" },
        "metadata": { "@class": "java.util.Collections$EmptyMap" },
        "a_b": { "$": "x", "note": "", "gone": null }
    });
    let expected = "<i>\n  <port enabled=\"true\">80</port>\n  <metadata class=\"java.util.Collections$EmptyMap\"/>\n  \
                    <a__b>\n    <_->x</_->\n    <note></note>\n  </a__b>\n</i>\n";
    assert_eq!(written("i", &value), expected);
}

#[test]
fn names_that_clients_write_by_hand_are_read() {
    for (coded, name) in
        [("my_key", "my_key"), ("my__key", "my_key"), ("a_-b", "a$b"), ("_.0020", " "), ("_.é", "_.é")]
    {
        assert_eq!(names::decode(coded), name);
    }
}

#[test]
fn what_is_beyond_the_bounds_is_refused() {
    let deep = format!("{}{}", "<a>".repeat(17), "</a>".repeat(17));
    let bomb = r#"<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>"#;
    let file = r#"<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>"#;
    for (text, what) in [
        (deep.as_str(), "nested too deeply"),
        (bomb, "document type"),
        (file, "document type"),
        ("<a>&c;</a>", "unknown entity"),
        ("<a b='&c;'/>", "unknown entity"),
        ("<a>&#0;</a>", "no character"),
        ("<a>&#1;</a>", "does not allow"),
        ("<a>\u{1}</a>", "does not allow"),
        ("<a b='&#1;'/>", "does not allow"),
        ("<a>", "ends early"),
        ("<a></b>", "not well-formed"),
        ("</a>", "not well-formed"),
        ("<a b='1' b='2'/>", "attribute"),
        ("<a/><b/>", "more than one"),
        ("<a/>x", "text outside"),
        ("nonsense", "text outside"),
        ("", "no element"),
        ("<a", "not well-formed"),
    ] {
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(what), "{text}: {error}");
    }
    assert!(read(b"<a>\xff</a>").is_err());
    let allowed = format!("{}{}", "<a>".repeat(16), "</a>".repeat(16));
    assert!(read(allowed.as_bytes()).is_ok());
}

#[test]
fn the_five_entities_references_and_sections_of_text_are_read() {
    let text = "\u{feff}<?xml version='1.0'?><!-- x --><a>&lt;&amp;&gt;&quot;&apos;&#65;&#x42;<![CDATA[<c>]]></a>\n";
    assert_eq!(read(text.as_bytes()), Ok(("a".into(), "<&>\"'AB<c>".into())));
}
