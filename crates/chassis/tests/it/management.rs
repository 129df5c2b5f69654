//! What the Java services were recorded to say of themselves, asked again here of endpoints that have the same to say.

use std::{collections::BTreeSet, sync::Arc};

use axum::Router;
use chassis::{
    Outside, Service,
    config::Settings,
    http::Answers,
    management::{About, CacheFigures, ChangeSet, Component, Endpoints, Management, Scope, Status},
    telemetry::Loggers,
};
use serde_json::{Map, Value, json};

use crate::recorded::{Answer, Case, cases};

/// Components that are ours, whatever a service is made of.
const OWN: [&str; 4] = ["diskSpace", "livenessState", "ping", "readinessState"];

/// Every group of management cases, by its name.
fn groups() -> Vec<Vec<Case>> {
    let cases = cases();
    let mut names: Vec<String> = cases.iter().map(|case| case.group.clone()).collect();
    names.retain(|name| name.starts_with("management-"));
    names.dedup();
    let of = |name: String| cases.iter().filter(|case| case.group == name).cloned().collect();
    names.into_iter().map(of).collect()
}

/// What administrators, or else all, were answered under a path.
fn find<'a>(cases: &'a [Case], path: &str) -> Option<&'a Case> {
    let wanted =
        |case: &&Case| case.path == path && case.method == "GET" && case.answer.status == 200;
    cases.iter().filter(wanted).rfind(|case| !case.headers.iter().any(|(name, _)| name == "Accept"))
}

fn recorded(cases: &[Case], path: &str) -> Value {
    find(cases, path).map(body).unwrap_or_default()
}

fn body(case: &Case) -> Value {
    serde_json::from_str(&case.answer.body).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A component as it was recorded.
fn component(recorded: &Value) -> Component {
    let status = if recorded["status"] == "UP" { Status::Up } else { Status::Down };
    let mut component = Component::new(status);
    if let Some(description) = recorded["description"].as_str() {
        component = component.described(description);
    }
    for (name, value) in recorded["details"].as_object().unwrap_or(&Map::new()) {
        component = component.with_detail(name, value.clone());
    }
    for (name, value) in recorded["components"].as_object().unwrap_or(&Map::new()) {
        component = component.with_component(name, self::component(value));
    }
    component
}

fn change_set(recorded: &Value) -> ChangeSet {
    ChangeSet {
        author: text(&recorded["author"]),
        change_log: text(&recorded["changeLog"]),
        comments: text(&recorded["comments"]),
        contexts: Vec::new(),
        executed: text(&recorded["dateExecuted"]).parse().unwrap(),
        deployment: text(&recorded["deploymentId"]),
        description: text(&recorded["description"]),
        outcome: text(&recorded["execType"]),
        id: text(&recorded["id"]),
        labels: Vec::new(),
        checksum: recorded["checksum"].as_str().map(str::to_owned),
        order: recorded["orderExecuted"].as_i64().unwrap(),
        tag: None,
    }
}

/// Endpoints that know what the recorded service knew.
fn endpoints(cases: &[Case]) -> Endpoints {
    let info = recorded(cases, "/management/info");
    let build = |name: &str| text(&info["build"][name]);
    let artifact: &'static str = Box::leak(build("artifact").into_boxed_str());
    let about = About {
        name: artifact.to_owned(),
        title: build("name"),
        artifact: artifact.to_owned(),
        group: build("group"),
        version: build("version"),
        profiles: info["activeProfiles"].as_array().unwrap().iter().map(text).collect(),
        ribbon: Some(text(&info["display-ribbon-on-profiles"])),
    };
    let filter = format!("info,{artifact}=debug").parse().unwrap();
    let loggers = Loggers::detached(filter, Box::leak(Box::new([artifact])));
    let settings = Settings::defaults(&["server.port: 8082"]).unwrap();
    let mut management =
        Management::new(about, Arc::new(settings), Outside::system(), Some(loggers));
    let components = recorded(cases, "/management/health")["components"].clone();
    for (name, recorded) in components.as_object().unwrap() {
        if OWN.contains(&name.as_str()) {
            continue;
        }
        let component = component(recorded);
        management = management
            .component(name, Scope::Needed, move || std::future::ready(Ok(component.clone())));
        if name == "db" {
            management = management.readiness(name);
        }
    }
    let caches = recorded(cases, "/management/caches");
    for name in caches["cacheManagers"]["cacheManager"]["caches"].as_object().unwrap().keys() {
        management = management.cache(name, "org.ehcache.jsr107.Eh107Cache", CacheFigures::default);
    }
    let change_log = &recorded(cases, "/management/liquibase")["contexts"][format!("{artifact}-1")]
        ["liquibaseBeans"]["liquibase"]["changeSets"];
    if let Some(change_sets) = change_log.as_array() {
        let change_sets: Vec<_> = change_sets.iter().map(change_set).collect();
        management = management.change_log(move || std::future::ready(Ok(change_sets.clone())));
    }
    for group in recorded(cases, "/management/jhiopenapigroups").as_array().unwrap() {
        management =
            management.open_api_group(&text(&group["group"]), &text(&group["description"]));
    }
    management.build()
}

fn router(endpoints: &Endpoints, now: &str) -> Router {
    Service::new("library")
        .routes(endpoints.open_routes())
        .routes(endpoints.admin_routes())
        .answering_as(Answers::Spring(Outside::fixed(now.parse().unwrap(), 1)))
        .into_router()
}

/// What may differ from the recording, and how.
fn comparable(case: &Case, answer: &Answer) -> Answer {
    let mut answer = answer.clone();
    let Ok(mut body) = serde_json::from_str::<Value>(&answer.body) else {
        return answer;
    };
    for inside in ["components", "details"] {
        for path in [format!("/{inside}/diskSpace/details"), "/details".to_owned()] {
            let disk = body.pointer_mut(&path).filter(|details| details.get("free").is_some());
            if let Some(disk) = disk {
                (disk["free"], disk["total"]) = (json!(0), json!(0));
            }
        }
    }
    if case.path.ends_with("/info") {
        body["build"]["time"] = json!(null);
    }
    // The recording has the order of a hash table, and no log of the last requests.
    if case.path.trim_end_matches('/') == "/management" {
        let links = body["_links"].as_object_mut().unwrap();
        links.remove("httptrace");
        links.sort_keys();
        let host = |link: &mut Value| {
            let href = text(&link["href"]);
            link["href"] = json!(href.split_once("/management").unwrap().1);
        };
        links.values_mut().for_each(host);
    }
    if case.path.ends_with("/caches") {
        body["cacheManagers"]["cacheManager"]["caches"].as_object_mut().unwrap().sort_keys();
    }
    answer.body = body.to_string();
    answer
}

/// Cases whose bodies are compared otherwise, or are others on purpose.
fn is_different(case: &Case) -> bool {
    let others = ["/jhimetrics", "/threaddump", "/configprops", "/loggers", "/loggers/web"];
    others.iter().any(|end| case.path.ends_with(end))
        || case.path.ends_with("/httptrace")
        || case.path.contains("/prometheus")
}

#[tokio::test]
async fn a_service_says_of_itself_what_was_recorded() {
    let mut compared = 0;
    for cases in groups() {
        let endpoints = endpoints(&cases);
        let guarded = |case: &&Case| !matches!(case.answer.status, 401 | 403);
        let ours = cases.iter().filter(|case| case.path.starts_with("/management"));
        for case in ours.filter(guarded).filter(|case| !is_different(case)) {
            let now = text(&body(case)["timestamp"]);
            let now = if now.is_empty() { "2026-01-01T00:00:00Z" } else { &now };
            let answer = case.replay(&router(&endpoints, now)).await;
            let mut expected = case.clone();
            expected.answer = comparable(case, &case.answer);
            expected.check(&comparable(case, &answer));
            compared += 1;
        }
    }
    assert!(compared >= 100, "{compared}");
}

/// Asks the first recorded case of a path again, and compares all but the body.
async fn heads(path: &str) -> Vec<(Value, String)> {
    let mut bodies = Vec::new();
    for cases in groups() {
        let case = find(&cases, path).unwrap();
        let answer = case.replay(&router(&endpoints(&cases), "2026-01-01T00:00:00Z")).await;
        assert_eq!((answer.status, &answer.headers), (200, &case.answer.headers), "{path}");
        bodies.push((body(case), answer.body));
    }
    bodies
}

#[tokio::test]
async fn figures_for_jhipsters_page_have_the_members_that_were_recorded() {
    for (recorded, ours) in heads("/management/jhimetrics").await {
        let ours: Value = serde_json::from_str(&ours).unwrap();
        let members = |all: &Value, path: &str| {
            let members = all.pointer(path).and_then(Value::as_object).unwrap();
            members.keys().cloned().collect::<BTreeSet<_>>()
        };
        for path in
            ["", "/http.server.requests", "/processMetrics", "/garbageCollector/jvm.gc.pause"]
        {
            assert_eq!(members(&ours, path), members(&recorded, path), "{path}");
        }
        assert_eq!(members(&ours, "/cache"), members(&recorded, "/cache"));
    }
}

#[tokio::test]
async fn figures_come_in_both_forms() {
    for path in
        ["/management/prometheus", "/management/prometheus?includedNames=jvm_threads_live_threads"]
    {
        for (_, text) in heads(path).await {
            assert_eq!(text.contains("process_uptime_seconds{"), !path.contains('?'), "{text}");
        }
    }
    for cases in groups() {
        let open =
            |case: &&Case| case.headers.iter().any(|(_, value)| value.contains("openmetrics"));
        let case = cases.iter().find(open).unwrap();
        let answer = case.replay(&router(&endpoints(&cases), "2026-01-01T00:00:00Z")).await;
        assert_eq!((answer.status, &answer.headers), (200, &case.answer.headers));
        assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_thread_has_the_members_that_were_recorded() {
    // The recorded list is cut; its first thread is whole.
    for cases in groups() {
        let case = find(&cases, "/management/threaddump").unwrap();
        let answer = case.replay(&router(&endpoints(&cases), "2026-01-01T00:00:00Z")).await;
        let threads: Value = serde_json::from_str(&answer.body).unwrap();
        let thread = threads["threads"][0].as_object().unwrap();
        for name in thread.keys() {
            assert!(case.answer.body.contains(&format!("\"{name}\":")), "{name}");
        }
        assert_eq!(thread.len(), 18);
    }
}

#[tokio::test]
async fn configuration_has_the_form_of_beans() {
    for cases in groups() {
        let case = find(&cases, "/management/configprops").unwrap();
        let router = router(&endpoints(&cases), "2026-01-01T00:00:00Z");
        let answer = case.replay(&router).await;
        assert_eq!((answer.status, &answer.headers), (200, &case.answer.headers));
        let beans: Value = serde_json::from_str(&answer.body).unwrap();
        let context = beans["contexts"].as_object().unwrap().keys().next().unwrap();
        assert!(case.answer.body.contains(&format!("\"{context}\":{{\"beans\":{{")), "{context}");
        let server = json!({
            "prefix": "server",
            "properties": { "port": 8082 },
            "inputs": { "port": { "value": 8082, "origin": "default" } },
        });
        assert_eq!(beans["contexts"][context]["beans"]["server"], server);
    }
}

#[tokio::test]
async fn loggers_are_listed_with_levels_and_groups() {
    for cases in groups() {
        let case = find(&cases, "/management/loggers").unwrap();
        let answer = case.replay(&router(&endpoints(&cases), "2026-01-01T00:00:00Z")).await;
        assert_eq!((answer.status, &answer.headers), (200, &case.answer.headers));
        let ours: Value = serde_json::from_str(&answer.body).unwrap();
        let (names, loggers) = (&ours["levels"], &ours["loggers"]);
        assert!(case.answer.body.starts_with(&format!(
            "{{\"levels\":{names},\"loggers\":{{\"ROOT\":{}",
            loggers["ROOT"]
        )));
        let group = text(&recorded(&cases, "/management/info")["build"]["group"]);
        assert_eq!(
            loggers[&group],
            json!({ "configuredLevel": "DEBUG", "effectiveLevel": "DEBUG" })
        );
        for name in ["web", "sql"] {
            assert!(ours["groups"][name]["members"].is_array(), "{name}");
        }
    }
}
