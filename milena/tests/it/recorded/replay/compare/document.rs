//! OpenAPI documents: everything that was recorded stands in ours, which may describe more.

use serde_json::Value;

use super::both;

/// How a document in JSON lacks something recorded.
pub(super) fn json(recorded: &str, came: &str) -> Option<String> {
    let recorded = serde_json::from_str(recorded).unwrap();
    match serde_json::from_str(came) {
        Ok(came) => lack("$", &recorded, &came),
        Err(error) => Some(format!("came no JSON ({error})")),
    }
}

/// How a document in YAML does not begin as recorded: what follows is that of the document in JSON.
pub(super) fn yaml(recorded: &str, came: &str) -> Option<String> {
    let head = recorded.split("paths:\n").next().unwrap_or_default();
    (!came.starts_with(head)).then(|| both(head, came))
}

/// The first thing that was recorded and is not there.
fn lack(at: &str, recorded: &Value, came: &Value) -> Option<String> {
    match (recorded, came) {
        (Value::Object(recorded), Value::Object(came)) => {
            recorded.iter().find_map(|(member, recorded)| match came.get(member) {
                Some(came) => lack(&format!("{at}/{member}"), recorded, came),
                None => Some(format!("{at}/{member}: expected {recorded}, came nothing")),
            })
        }
        (Value::Array(recorded), Value::Array(came)) => recorded.iter().find_map(|recorded| {
            let there = came.iter().any(|came| lack(at, recorded, came).is_none());
            (!there)
                .then(|| format!("{at}: expected {recorded}, came {}", Value::from(came.clone())))
        }),
        _ => (recorded != came).then(|| format!("{at}: expected {recorded}, came {came}")),
    }
}

#[test]
fn a_document_may_say_more_but_not_less() {
    let recorded = r#"{"paths":{"/a":{"parameters":[{"name":"id","required":true}]}}}"#;
    for (came, lack) in [
        (
            r#"{"paths":{"/b":{},"/a":{"parameters":[{"name":"x"},{"name":"id","required":true,"in":"path"}]}}}"#,
            None,
        ),
        (
            r#"{"paths":{"/a":{"parameters":[{"name":"id","required":false}]}}}"#,
            Some("$/paths//a/parameters"),
        ),
        (r#"{"paths":{}}"#, Some("$/paths//a")),
    ] {
        let found = json(recorded, came);
        match lack {
            None => assert_eq!(found, None, "{came}"),
            Some(lack) => assert!(found.unwrap().starts_with(lack), "{came}"),
        }
    }
}
