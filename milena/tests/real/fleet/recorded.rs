//! The records that the Java originals were recorded to write, and what was recorded of their reading.

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

/// What one record was recorded to become.
pub(super) struct Case {
    pub(super) name: String,
    /// As the independent client sends it.
    pub(super) record: Value,
    /// The name and status of the row; none when the Java service loses the record.
    pub(super) row: Option<(String, String)>,
}

/// The records of a topic, as they were.
pub(super) fn topic(name: &str) -> Vec<Value> {
    let text = read(&format!("kafka/{name}.jsonl"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every kind of record that was fed to the Java service.
pub(super) fn cases() -> Vec<Case> {
    let variants: Vec<Value> = serde_json::from_str(&read("kafka/variants-at-alert.json")).unwrap();
    let variants = variants.iter().map(variant);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/recorded/kafka/at-alert");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let cases = files.iter().map(|file| {
        let case: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        Case {
            name: case["case"].as_str().unwrap().to_owned(),
            record: case["record"].clone(),
            row: row(&case["result"]["rows"][0], 1),
        }
    });
    variants.chain(cases).collect()
}

/// The file tells the payload; the headers follow from the variant's name.
fn variant(recorded: &Value) -> Case {
    let name = text(&recorded["variant"]);
    let content_type = match &*name {
        "no headers" => None,
        "content type without quotes" => Some("application/json"),
        "text/plain" => Some("\"text/plain\""),
        "unknown content type" => Some("\"application/vnd.unknown\""),
        "broken content type" => Some("\"no type at all\""),
        _ => Some("\"application/json\""),
    };
    let mut headers = Vec::new();
    if let Some(content_type) = content_type {
        headers.push(json!(["contentType", BASE64_STANDARD.encode(content_type)]));
        let types = r#"{"contentType":"java.lang.String"}"#;
        headers.push(json!(["spring_json_header_types", BASE64_STANDARD.encode(types)]));
    }
    if name == "more headers" {
        headers.push(json!(["b3", BASE64_STANDARD.encode("0")]));
        headers.push(json!(["nothing", null]));
    }
    let mut row = row(&recorded["rows"][0], 0);
    // The recording keeps the beginning of a long payload only, and JSON has no way to write Latin-1 down.
    let value = match (&*name, recorded["value"].as_str()) {
        ("name of 300", _) => Some(update(&"n".repeat(300), "OPEN")),
        ("long UTF-8 name", _) => {
            let long = "ü".repeat(200);
            row = Some((long.clone(), "CLOSED".to_owned()));
            Some(update(&long, "CLOSED"))
        }
        ("latin-1 bytes", _) => {
            Some(b"{\"storeName\":\"K\xfcche\",\"storeStatus\":\"OPEN\"}".to_vec())
        }
        (_, value) => value.map(|value| value.as_bytes().to_vec()),
    };
    Case {
        record: json!({
            "key": (name == "with a key").then(|| BASE64_STANDARD.encode("a key")),
            "headers": headers,
            "value": value.map(|value| BASE64_STANDARD.encode(value)),
        }),
        row,
        name,
    }
}

/// The name and status of a row, which begin at a column.
fn row(recorded: &Value, name: usize) -> Option<(String, String)> {
    recorded.is_array().then(|| (text(&recorded[name]), text(&recorded[name + 1])))
}

fn update(name: &str, status: &str) -> Vec<u8> {
    json!({ "storeName": name, "storeStatus": status }).to_string().into_bytes()
}

fn read(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/recorded").join(name);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Bytes as the recordings write them.
pub(super) fn encoded(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}
