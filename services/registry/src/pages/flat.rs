//! JSON of any shape as names and texts, of bounded number and length.

use ::pages::shortened;
use serde_json::Value;

use super::shown::text;

/// How deep a value is taken apart; what is deeper is shown as JSON.
const DEPTH: usize = 12;

/// A value and the way to it, for example `jvm.heap.used`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) name: String,
    pub(super) value: String,
}

/// The leaves of a value in their order, at most `limit`.
pub(super) fn leaves(value: &Value, limit: usize) -> Vec<Leaf> {
    let mut found = Vec::new();
    gather(value, String::new(), DEPTH, limit, &mut found);
    found
}

fn gather(value: &Value, name: String, depth: usize, limit: usize, found: &mut Vec<Leaf>) {
    if found.len() >= limit {
        return;
    }
    match value {
        Value::Object(members) if depth > 0 && !members.is_empty() => {
            for (key, value) in members {
                gather(value, joined(&name, key), depth - 1, limit, found);
            }
        }
        Value::Array(items) if depth > 0 && items.iter().any(|item| item.is_object()) => {
            for (index, item) in items.iter().enumerate() {
                gather(item, format!("{name}[{index}]"), depth - 1, limit, found);
            }
        }
        value => {
            let value = shortened(&text(value));
            found.push(Leaf { name: shortened(&name), value });
        }
    }
}

fn joined(name: &str, key: &str) -> String {
    if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_taken_apart_in_its_order() {
        let value =
            json!({ "b": { "x": 1, "a": "t" }, "a": [1, 2], "c": [{ "d": null }], "e": {} });
        let told: Vec<_> = leaves(&value, 100)
            .into_iter()
            .map(|leaf| format!("{}={}", leaf.name, leaf.value))
            .collect();
        assert_eq!(told, ["b.x=1", "b.a=t", "a=[1,2]", "c[0].d=null", "e={}"]);
        assert_eq!(leaves(&value, 2).len(), 2);
    }

    #[test]
    fn depth_is_bounded() {
        let mut value = json!(1);
        for _ in 0..100 {
            value = json!({ "a": value });
        }
        let found = leaves(&value, 10);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, ["a"; DEPTH].join("."));
    }
}
