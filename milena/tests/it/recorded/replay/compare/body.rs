//! Bodies: byte for byte, else as JSON with its members in order, else by their form where they show a process.

use super::super::{
    case::{Case, Recorded},
    exchange::Reply,
};
use super::{
    both, cut, document, exposition, process,
    values::{hidden, ordered, settled},
};

/// How a body is not as recorded.
pub(super) fn deviation(case: &Case, recorded: &Recorded, reply: &Reply) -> Option<String> {
    let came = reply.text();
    if recorded.body == came {
        return None;
    }
    let path = case.request.path.split('?').next().unwrap_or_default();
    if (recorded.head.status, reply.head.status) == (200, 200) {
        match path {
            "/v3/api-docs.yaml" => return document::yaml(&recorded.body, &came),
            _ if path.starts_with("/v3/api-docs") => return document::json(&recorded.body, &came),
            "/management/prometheus" => return exposition::deviation(recorded, &came),
            // When and by whom something was built differs, too.
            "/management/info" => return process::deviation(&recorded.body, &came),
            _ if case.shows_a_process() => return process::deviation(&recorded.body, &came),
            _ => {}
        }
    }
    if let Some(length) = recorded.cut {
        return cut::deviation(&recorded.body, length, &came);
    }
    same(case, &recorded.body, &came)
}

fn same(case: &Case, recorded: &str, came: &str) -> Option<String> {
    // The answers to unknown paths and to failures begin with the time, whether or not the recording says so.
    let time = recorded.starts_with("{\"timestamp\"").then_some("$.timestamp");
    let hide = |body: &str| {
        case.volatile_values().chain(time).fold(body.to_owned(), |body, path| hidden(&body, path))
    };
    let (expected, came) = (hide(recorded), hide(came));
    if expected == came {
        return None;
    }
    let (Ok(expected_json), Ok(came_json)) =
        (serde_json::from_str(&expected), serde_json::from_str(&came))
    else {
        return Some(both(&expected, &came));
    };
    let sorts = case.request.path.contains("sort=");
    // As texts, because members have an order.
    let [expected, came] = [expected_json, came_json]
        .map(settled)
        .map(|body| if sorts { body } else { ordered(body) }.to_string());
    (expected != came).then(|| both(&expected, &came))
}
