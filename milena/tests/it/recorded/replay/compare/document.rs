//! OpenAPI documents: everything that was recorded stands in ours, which may describe more.

use serde_json::Value;

use super::both;

/// How many of the things that a document lacks are shown.
const SHOWN: usize = 20;

/// How a document in JSON lacks something recorded.
pub(super) fn json(recorded: &str, came: &str) -> Option<String> {
    let recorded = serde_json::from_str(recorded).unwrap();
    let lacks = match serde_json::from_str(came) {
        Ok(came) => lacks("$", &recorded, &came),
        Err(error) => vec![format!("came no JSON ({error})")],
    };
    let shown = lacks.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("\n      ");
    (!lacks.is_empty()).then_some(shown)
}

/// How a document in YAML does not begin as recorded: what follows is that of the document in JSON.
pub(super) fn yaml(recorded: &str, came: &str) -> Option<String> {
    let head = recorded.split("paths:\n").next().unwrap_or_default();
    (!came.starts_with(head)).then(|| both(head, came))
}

/// Everything that was recorded and is not there.
fn lacks(at: &str, recorded: &Value, came: &Value) -> Vec<String> {
    let lack = |at: &str, recorded: &Value| format!("{at}: expected {recorded}");
    match (recorded, came) {
        (Value::Object(recorded), Value::Object(came)) => {
            let members = recorded.iter().map(|(member, recorded)| match came.get(member) {
                Some(came) => lacks(&format!("{at}/{member}"), recorded, came),
                None => vec![lack(&format!("{at}/{member}"), recorded)],
            });
            members.flatten().collect()
        }
        (Value::Array(recorded), Value::Array(came)) => {
            let gone = recorded
                .iter()
                .filter(|recorded| !came.iter().any(|came| lacks(at, recorded, came).is_empty()));
            gone.map(|recorded| lack(at, recorded)).collect()
        }
        _ if recorded == came => Vec::new(),
        _ => vec![format!("{}, came {came}", lack(at, recorded))],
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
