//! What the original configuration servers were asked and answered, asked again here: the Java registry's, and a plain
//! Spring Cloud Config 3.1.4 over a folder of harder files.

mod ask;
mod encryption;
mod provenance;
mod repository;

use std::fs;

use axum::Router;
use chassis::Outside;
use discovery::server::{
    ConfigServer,
    config::{BackendSettings, ConfigServerSettings},
};
use serde_json::Value;

use ask::{Answer, contracts, get, json_of, send, server};

/// Where ours answers otherwise than the Java registry, and why: case, status, a part of the body.
const DIFFERENCES: [(&str, u16, &str, &str); 14] = [
    ("020", 404, "404 NOT_FOUND", "all errors are problems of one kind (RFC 9457)"),
    ("021", 404, "404 NOT_FOUND", "all errors are problems of one kind"),
    ("026", 406, "Not Acceptable", "there is no page, and 406 says so"),
    ("027", 406, "Not Acceptable", "there is no XML, and 406 says so"),
    ("028", 401, "Full authentication is required", "problems are written without blanks"),
    ("029", 401, "Full authentication is required", "all errors are problems of one kind"),
    ("030", 405, "Request method 'POST' not supported", "problems are written without blanks"),
    ("031", 200, "", "the length is that of the body of GET"),
    ("034", 400, "There is nothing to encrypt", "the text names no Java method"),
    ("035", 401, "Full authentication is required", "problems are written without blanks"),
    ("036", 404, "404 NOT_FOUND", "all errors are problems of one kind"),
    ("038", 400, "There is nothing to decrypt", "the text names no Java method"),
    ("039", 401, "Full authentication is required", "problems are written without blanks"),
    ("040", 404, "404 NOT_FOUND", "all errors are problems of one kind"),
];

#[tokio::test]
async fn the_java_registrys_cases_are_answered_byte_for_byte() {
    let router = server("config/central-config", None);
    let folder = contracts("config/central-config").display().to_string();
    let mut files: Vec<_> = fs::read_dir(contracts("config/cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert_eq!(files.len(), 40);
    for file in files {
        let case: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        let answer = send(&router, &case["request"]).await;
        let answer = Answer { body: answer.body.replace(&folder, "central-config"), ..answer };
        let same = is_same(&answer, &case["response"]);
        let listed = DIFFERENCES.iter().find(|(number, ..)| name.starts_with(number));
        let Some((_, status, part, reason)) = listed else {
            assert!(same, "{name}: {answer:?} is not {}", case["response"]);
            continue;
        };
        assert!(!same, "{name}: no longer different ({reason}); take it from the list");
        assert_eq!(answer.status, *status, "{name}: {answer:?}");
        assert!(answer.body.contains(part), "{name}: {answer:?}");
    }
}

fn is_same(answer: &Answer, recorded: &Value) -> bool {
    let header = |wanted: &str| {
        let headers = recorded["headers"].as_array().unwrap();
        let found = headers.iter().find(|pair| pair[0] == wanted);
        found.map(|pair| pair[1].as_str().unwrap().to_owned())
    };
    let length = header("Content-Length").is_none_or(|length| Some(length) == answer.length);
    answer.status == recorded["status"].as_u64().unwrap() as u16
        && answer.kind == header("Content-Type")
        && answer.modified.is_some() == header("Last-Modified").is_some()
        && answer.body == recorded["body"].as_str().unwrap()
        && length
}

#[tokio::test]
async fn harder_files_are_answered_as_by_spring() {
    let router = server("config/spring/folder", Some("correct horse battery staple"));
    compare(&router, "config/spring/answers.json").await;
}

#[tokio::test]
async fn several_locations_are_answered_as_by_spring() {
    let folder = contracts("config/spring/folder");
    let location = |end: &str| format!("file:{}{end}", folder.display());
    let locations = vec![location(""), location("/{application}"), location("/{profile}/")];
    let default_label = Some("main".to_owned());
    let backends = vec![BackendSettings::Folders { locations, default_label }];
    let settings = ConfigServerSettings { backends, ..ConfigServerSettings::folder(&folder) };
    let server = ConfigServer::with(settings, Outside::system()).unwrap();
    compare(&ask::guarded(&server), "config/spring/locations.json").await;
}

async fn compare(router: &Router, recorded: &str) {
    let folder = contracts("config/spring/folder").display().to_string();
    for case in json_of(recorded).as_array().unwrap() {
        let (path, accept) = (case["path"].as_str().unwrap(), case["accept"].as_str().unwrap());
        let answer = get(router, path, accept).await;
        // Spring was given the folder as `file:./folder`.
        let body = answer.body.replace(&format!("'file:{folder}/"), "'file:./folder/");
        let body = body.replace(&folder, "folder");
        assert_eq!(answer.status, case["status"].as_u64().unwrap() as u16, "{path}: {body}");
        if let Some(expected) = case["body"].as_str() {
            assert_eq!(body, expected, "{path} {accept}");
            assert_eq!(answer.kind.as_deref(), case["type"].as_str(), "{path}");
        }
    }
}

#[tokio::test]
async fn a_file_that_the_caller_has_is_not_sent_again() {
    let router = server("config/spring/folder", None);
    let path = "/config/library/prod/main/hello.txt";
    let answer = get(&router, path, "*/*").await;
    let modified = answer.modified.unwrap();
    for (since, expected) in
        [(modified.as_str(), 304), ("Sat, 01 Jan 2000 00:00:00 GMT", 200), ("yesterday", 200)]
    {
        let request = serde_json::json!({
            "method": "GET", "path": path, "headers": [["If-Modified-Since", since], ["Authorization", ask::ADMIN]]
        });
        assert_eq!(send(&router, &request).await.status, expected, "{since}");
    }
}

#[tokio::test]
async fn nothing_leads_out_of_the_folder() {
    let router = server("config/spring/folder", None);
    for path in [
        // CVE-2019-3799 and CVE-2020-5405: plain files and labels that lead up.
        "/config/library/prod/main/..%2F..%2Fcentral-config%2Fapplication.yml",
        "/config/library/prod/main/..%252F..%252Fcentral-config%252Fapplication.yml",
        "/config/library/prod/main/%2e%2e/%2e%2e/central-config/application.yml",
        "/config/library/prod/..(_)..(_)central-config/application.yml",
        // CVE-2020-5410: a label encoded twice, with a fragment.
        "/config/library/prod/..%252F..%252Fcentral-config%23/application.yml",
        "/config/..%2F..%2Fcentral-config%23/prod/main/application.yml",
        // Profiles and applications that lead up, and names of drives and addresses.
        "/config/library/..(_)..(_)central-config",
        "/config/library/..%2Fcentral-config%2Fapplication",
        "/config/..%2Fcentral-config%2Fapplication/prod",
        "/config/library/prod/main/file:%2F%2F%2Fetc%2Fpasswd",
        "/config/library/prod/main/%2Fetc%2Fpasswd",
        "/config/library/prod/main/..%5C..%5Ccentral-config%5Capplication.yml",
        "/config/library/prod/main/.git%2Fconfig",
        "/config/..%2Fcentral-config%2Fapplication-prod.yml",
        "/config/..%2Fcentral-config/application-prod.yml",
    ] {
        for accept in ["*/*", "application/octet-stream"] {
            let answer = get(&router, path, accept).await;
            assert!([400, 404].contains(&answer.status), "{path}: {answer:?}");
            assert!(!answer.body.contains("bm90LWEtc2VjcmV0"), "{path}: {answer:?}");
        }
    }
}
