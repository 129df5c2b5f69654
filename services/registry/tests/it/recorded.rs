//! What was recorded of the Java registry, asked again of ours. Compared are status, media type and body, after what differs
//! from run to run was taken out; what differs all the same is listed with its reason, and a listed difference that is
//! gone fails the test.

use std::{collections::BTreeMap, fs, path::Path};

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::World;

/// What may differ, by the number of the case: the parts, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("009", "status body", PROFILE),
    ("015", "body", PATH),
    ("017", "status body", SOURCES),
    ("019", "body", PATH),
    ("023", "status type body", METHOD),
    ("025", "body", PATH),
    ("027", "body", PATH),
    ("045", "body", PATH),
    ("051", "status type body", DASHBOARD),
    ("052", "status type body", DASHBOARD),
    ("053", "body", PATH),
    ("054", "body", PATH),
    ("057", "body", DOCUMENT),
    ("058", "body", DOCUMENT),
    ("059", "body", PATH),
    ("060", "body", PATH),
    ("061", "body", PATH),
    ("062", "body", PATH),
    ("065", "body", PATH),
    ("066", "body", PATH),
    ("071", "status body", SESSION),
];
const PROFILE: &str = "versions before 7 answered, and so do we: pages of theirs may ask";
const METHOD: &str = "the path is there for another method, and the answer says so";
const SOURCES: &str = "told by versions before 7, and by us";
const SESSION: &str =
    "a password has no session: that is the caller's mistake and no failure of ours";
const PATH: &str = "theirs names the path / instead of the one that was asked for";
const DASHBOARD: &str = "who is registered is not for everybody; the page of the applications shows it to administrators";
const DOCUMENT: &str = "ours describes what ours answers, which is more";

/// A recorded request and its answer.
struct Case {
    number: String,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    answer: Answer,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    status: u64,
    kind: String,
    body: Value,
}

#[tokio::test]
async fn everybody_is_answered_as_by_the_java_registry() {
    let world = World::start_beside(&["http://admin:admin@localhost:18771/eureka"]).await;
    let cases = cases();
    assert_eq!(cases.len(), 71);
    register_what_was_registered(&world, &cases).await;
    let (user, admin) = (world.token("user").await, world.token("admin").await);
    let mut found = BTreeMap::new();
    let mut told = Vec::new();
    for case in &cases {
        let token = if case.number == "070" { &user } else { &admin };
        let ours = ask(&world, case, token).await;
        let theirs = stable(&case.path, case.answer.clone());
        let ours = stable(&case.path, ours);
        let parts = [
            ("status", ours.status != theirs.status),
            ("type", ours.kind != theirs.kind),
            ("body", ours.body != theirs.body),
        ];
        let parts: Vec<_> =
            parts.iter().filter(|(_, differs)| *differs).map(|(part, _)| *part).collect();
        if !parts.is_empty() {
            told.push(format!(
                "{} {}: {parts:?}\n  {theirs:?}\n  {ours:?}",
                case.number, case.path
            ));
            found.insert(case.number.clone(), parts.join(" "));
        }
    }
    let expected: BTreeMap<String, String> = DIFFERENCES
        .iter()
        .map(|(number, parts, _)| (number.to_string(), parts.to_string()))
        .collect();
    assert_eq!(found, expected, "{}", told.join("\n"));
    world.stop().await;
}

async fn ask(world: &World, case: &Case, token: &str) -> Answer {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let mut request = client.build().unwrap().request(case.method.clone(), world.at(&case.path));
    for (name, value) in &case.headers {
        request = request.header(name, value.replace("{jwt}", token));
    }
    let answer = request.send().await.unwrap();
    let kind = answer.headers().get("content-type");
    let kind = kind.map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
    let status = u64::from(answer.status().as_u16());
    Answer { status, kind, body: parsed(&answer.text().await.unwrap()) }
}

/// The instances that the recorded answer names.
async fn register_what_was_registered(world: &World, cases: &[Case]) {
    let applications = &cases[0].answer.body["applications"];
    for application in applications.as_array().unwrap() {
        for instance in application["instances"].as_array().unwrap() {
            let port = instance["metadata"]["management.port"].as_str().unwrap().parse().unwrap();
            let (name, id) = (&application["name"], &instance["instanceId"]);
            let members = json!({
                "metadata": instance["metadata"],
                "healthCheckUrl": instance["healthCheckUrl"],
                "statusPageUrl": instance["statusPageUrl"],
                "homePageUrl": instance["homePageUrl"],
            });
            world.register(name.as_str().unwrap(), id.as_str().unwrap(), port, members).await;
        }
    }
}

/// Takes out what differs between two runs of the original itself, or depends on the machine.
fn stable(path: &str, mut answer: Answer) -> Answer {
    let body = &mut answer.body;
    if body.get("timestamp").is_some() {
        body["timestamp"] = json!("…");
    }
    match path {
        "/api/eureka/lastn" => *body = names(body, 1),
        "/api/eureka/status" if body["status"].is_object() => {
            let status = &mut body["status"];
            for name in ["currentTime", "upTime", "time"] {
                let text = status[name].as_str().unwrap();
                status[name] = json!(text.chars().map(digit_out).collect::<String>());
            }
            // Nobody sends signs of life here.
            status["isBelowRenewThreshold"] = json!(status["isBelowRenewThreshold"].is_boolean());
            status["generalStats"] = names(&status["generalStats"], 1);
        }
        // The order is the identity provider's.
        "/api/account" if body["authorities"].is_array() => {
            let authorities = body["authorities"].as_array_mut().unwrap();
            authorities.sort_by_key(|authority| authority.to_string());
        }
        // The identity provider of the test has another address.
        "/api/auth-info" if body["issuer"].is_string() => body["issuer"] = json!("…"),
        "/management/info" => {
            body["build"]["time"] = json!("…");
            body["activeProfiles"] = json!(body["activeProfiles"].is_array());
            // A folder of the test; the original shows its own.
            let place = &mut body["cloud-config-server-configuration-sources"][0]["search"];
            place["locations"] = json!(place["locations"].is_string());
        }
        // What is inside differs with the process; `chassis` has its own tests for it.
        path if path.starts_with("/management/")
            && answer.status == 200
            && path != "/management/health" =>
        {
            *body = json!(body.is_object());
        }
        // What is inside differs with the parts that there are.
        "/management/health" => *body = names(body, 0),
        _ => {}
    }
    answer
}

/// The names of an object's members, without those further down than this.
fn names(value: &Value, depth: usize) -> Value {
    match value.as_object() {
        Some(members) if depth > 0 => members.iter().map(|(name, _)| json!(name)).collect(),
        Some(members) => json!({ "status": members["status"], "groups": members["groups"] }),
        None => value.clone(),
    }
}

fn digit_out(c: char) -> char {
    if c.is_ascii_digit() { '0' } else { c }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

fn cases() -> Vec<Case> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/recorded/cases/registry");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| case(path)).collect()
}

fn case(path: &Path) -> Case {
    let read: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let (request, response) = (&read["request"], &read["response"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let pairs = |value: &Value| -> Vec<(String, String)> {
        let pairs = value.as_array().cloned().unwrap_or_default();
        pairs.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
    };
    let connection = ["host", "connection", "content-length"];
    let mut headers = pairs(&request["headers"]);
    headers.retain(|(name, _)| !connection.contains(&name.to_lowercase().as_str()));
    let kind = pairs(&response["headers"])
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| value)
        .unwrap_or_default();
    // A body that was shortened when it was recorded is no JSON any more: what counts of those is that they are objects.
    let body = text(&response["body"]);
    let body = if response["cut"] == true { json!({}) } else { parsed(&body) };
    Case {
        number: path.file_name().unwrap().to_str().unwrap()[..3].to_owned(),
        method: text(&request["method"]).parse().unwrap(),
        path: text(&request["path"]),
        headers,
        answer: Answer { status: response["status"].as_u64().unwrap(), kind, body },
    }
}
