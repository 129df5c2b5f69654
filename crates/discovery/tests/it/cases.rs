//! The 55 recorded cases of the original's Eureka interface, one after the other, compared byte for byte but for times, the
//! order of what has none, and the counter of changes. Each other difference is listed with its reason, and has to be there.

use std::{collections::BTreeMap, fs, io::Read, path::PathBuf};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::header,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use chassis::{Outside, Secret, Service};
use discovery::{Registry, server::Gate};
use flate2::read::GzDecoder;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

/// Differences: the number of the case, and why ours is another answer.
const DIFFERENCES: &[(&str, &str)] = &[
    ("005", "a wrong password is answered as no password is, in the form of all problems"),
    ("019", "their delta is up to 30 s old, and the services that ran are new to ours"),
    ("020", "the services that ran are new to ours"),
    ("040", "ours says why nothing is there"),
    ("042", "theirs tells the peers' passwords and its own entry, which ours lists with all others"),
    ("047", "their list is up to 30 s old; compression is the server's, not the router's"),
    ("053", "their delta is up to 30 s old: it does not tell yet who is gone"),
    ("055", "their list is up to 30 s old: it has who is gone"),
];

fn cases() -> Vec<(String, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/recorded/eureka/cases");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let read = |file: PathBuf| {
        let number = file.file_name().unwrap().to_str().unwrap()[..3].to_owned();
        (number, serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap())
    };
    files.into_iter().map(read).collect()
}

async fn ask(router: &Router, request: &Value) -> (u16, String, Bytes, bool) {
    let text = |name: &str| request[name].as_str();
    let mut builder =
        Request::builder().method(text("method").unwrap()).uri(text("path").unwrap());
    for (name, value) in request["headers"].as_object().unwrap() {
        builder = builder.header(name, value.as_str().unwrap());
    }
    let body = text("body").unwrap_or_default().to_owned();
    let answer = router.clone().oneshot(builder.body(Body::from(body)).unwrap()).await.unwrap();
    let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let kind = header(header::CONTENT_TYPE).unwrap_or_default();
    let is_packed = header(header::CONTENT_ENCODING).is_some();
    let status = answer.status().as_u16();
    (status, kind, answer.into_body().collect().await.unwrap().to_bytes(), is_packed)
}

fn unpacked(packed: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    text
}

/// A body in which times are 0, the counter of changes too, and what has no order is in one.
fn comparable(path: &str, body: &str) -> String {
    // The recorded registry passed changes on to itself, by which a changed instance became an added one.
    let mut body = without_times(body).replace("MODIFIED", "ADDED");
    if path.ends_with("/delta") {
        for (before, after) in [("versions__delta\":\"", '"'), ("<versions__delta>", '<')] {
            let Some(start) = body.find(before).map(|start| start + before.len()) else { continue };
            let end = start + body[start..].find(after).unwrap();
            body.replace_range(start..end, "0");
        }
    }
    match serde_json::from_str::<Value>(&body) {
        Ok(mut value) => {
            sort(&mut value);
            value.to_string()
        }
        Err(_) => sorted_xml(&body),
    }
}

/// Puts a 0 for every number of 13 digits.
fn without_times(body: &str) -> String {
    let mut text = String::new();
    for part in body.split_inclusive(|character: char| !character.is_ascii_digit()) {
        let digits = part.trim_end_matches(|character: char| !character.is_ascii_digit());
        let is_time = digits.len() == 13;
        text.push_str(if is_time { "0" } else { digits });
        text.push_str(&part[digits.len()..]);
    }
    text
}

fn sort(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(sort);
            if let Some(Value::Object(metadata)) = members.get_mut("metadata") {
                let sorted: BTreeMap<_, _> = std::mem::take(metadata).into_iter().collect();
                metadata.extend(sorted);
            }
        }
        Value::Array(items) => {
            items.iter_mut().for_each(sort);
            items.sort_by_key(|item| item["name"].as_str().unwrap_or_default().to_owned());
        }
        _ => {}
    }
}

/// Puts the applications of a list in order, and the lines of each metadata.
fn sorted_xml(body: &str) -> String {
    const BEGINS: &str = "  <application>\n";
    const ENDS: &str = "  </application>\n";
    let mut lines: Vec<&str> = body.split_inclusive('\n').collect();
    let mut place = 0;
    while let Some(start) = lines[place..].iter().position(|line| line.trim() == "<metadata>") {
        let start = place + start + 1;
        let end = start + lines[start..].iter().position(|l| l.trim() == "</metadata>").unwrap();
        lines[start..end].sort_unstable();
        place = end;
    }
    let body = lines.concat();
    let Some((head, rest)) = body.split_once(BEGINS) else { return body };
    let (list, tail) = rest.rsplit_once(ENDS).unwrap();
    let mut applications: Vec<&str> = list.split(&format!("{ENDS}{BEGINS}") as &str).collect();
    applications.sort_unstable();
    format!("{head}{}{tail}", applications.join("\n"))
}

/// A registry that knows the services which ran when the cases were recorded.
async fn registry(first: &Value) -> Router {
    let gate = Gate::new("admin", &Secret::new("admin".into()));
    let routes =
        Router::new().nest("/eureka", gate.protect(Registry::new(Outside::system()).routes()));
    let registry = Service::new("registry").routes(routes).into_router();
    let body: Value = serde_json::from_str(first["response"]["body"].as_str().unwrap()).unwrap();
    for application in body["applications"]["application"].as_array().unwrap() {
        let mut instance = application["instance"][0].clone();
        instance["leaseInfo"]["durationInSecs"] = 10.into();
        let app = application["name"].as_str().unwrap();
        let request = json!({
            "method": "POST",
            "path": format!("/eureka/apps/{app}"),
            "headers": first["request"]["headers"],
            "body": json!({ "instance": instance }).to_string()
        });
        assert_eq!(ask(&registry, &request).await.0, 204);
    }
    registry
}

/// What is different; empty when nothing is.
async fn difference(registry: &Router, case: &Value) -> String {
    let (status, kind, body, is_packed) = ask(registry, &case["request"]).await;
    let expected = &case["response"];
    let packed = expected["gzip"].as_str().map(|text| BASE64_STANDARD.decode(text).unwrap());
    let wanted = match &packed {
        Some(packed) => unpacked(packed),
        None => expected["body"].as_str().unwrap().to_owned(),
    };
    let body = match is_packed {
        true => unpacked(&body),
        false => String::from_utf8(body.to_vec()).unwrap(),
    };
    let path = case["request"]["path"].as_str().unwrap();
    let ours = (status.into(), kind.as_str(), is_packed, comparable(path, &body));
    let theirs = (
        expected["status"].as_u64().unwrap(),
        expected["contentType"].as_str().unwrap(),
        packed.is_some(),
        comparable(path, &wanted),
    );
    if ours == theirs { String::new() } else { format!("theirs: {theirs:?}\n  ours: {ours:?}") }
}

#[tokio::test]
async fn the_recorded_cases_are_answered_as_by_the_original() {
    let cases = cases();
    assert_eq!(cases.len(), 55);
    let registry = registry(&cases[0].1).await;
    let mut wrong = Vec::new();
    for (number, case) in &cases {
        let difference = difference(&registry, case).await;
        let listed = DIFFERENCES.iter().find(|(listed, _)| listed == number);
        match (difference.is_empty(), listed) {
            (false, None) => wrong.push(format!("{number} {}\n{difference}", case["case"])),
            (true, Some((_, why))) => wrong.push(format!("{number} is the same, against: {why}")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
