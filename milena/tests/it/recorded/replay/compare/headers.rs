//! Headers: the same names with the same values, in whatever order the names stand.

use std::collections::{BTreeMap, BTreeSet};

use super::{Deviation, Part, values::digits_hidden};

/// Headers of the connection and of the moment, which say nothing about the service.
const IGNORED: [&str; 5] =
    ["connection", "content-length", "date", "keep-alive", "transfer-encoding"];

/// Every header that is not as recorded.
pub(super) fn deviations(
    recorded: &[(String, String)],
    came: &[(String, String)],
) -> Vec<Deviation> {
    let (recorded, came) = (by_name(recorded), by_name(came));
    let names: BTreeSet<&String> = recorded.keys().chain(came.keys()).collect();
    names
        .into_iter()
        .filter(|name| recorded.get(*name) != came.get(*name))
        .map(|name| Deviation {
            part: Part::Header(name.clone()),
            text: format!("expected {}, came {}", shown(recorded.get(name)), shown(came.get(name))),
        })
        .collect()
}

fn by_name(headers: &[(String, String)]) -> BTreeMap<String, Vec<String>> {
    let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        if !IGNORED.contains(&name.as_str()) {
            let value = comparable(&name, value);
            by_name.entry(name).or_default().push(value);
        }
    }
    by_name
}

/// A value without what differs between two runs of the original.
fn comparable(name: &str, value: &str) -> String {
    match name {
        "allow" => {
            let mut methods: Vec<&str> = value.split(',').map(str::trim).collect();
            methods.sort_unstable();
            methods.join(",")
        }
        "last-modified" => "at some time".to_owned(),
        // It tells when the token expired or begins to be good.
        "www-authenticate" => match value.find("Jwt ") {
            Some(at) => {
                let (before, rest) = value.split_at(at);
                let (sentence, after) = rest.split_once('"').unwrap_or((rest, ""));
                format!("{before}{}\"{after}", digits_hidden(sentence))
            }
            None => value.to_owned(),
        },
        _ => value.to_owned(),
    }
}

fn shown(values: Option<&Vec<String>>) -> String {
    values.map_or_else(|| "none".to_owned(), |values| format!("{values:?}"))
}
