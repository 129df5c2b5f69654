//! Recorded requests and answers, and how ours compare to them.

use std::{collections::BTreeMap, fs, path::Path};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request},
};
use chassis::management::Administrator;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// Headers that say nothing about what was asked.
const INCIDENTAL: [&str; 4] = ["date", "connection", "content-length", "transfer-encoding"];

/// One recorded request with its answer.
#[derive(Clone)]
pub(crate) struct Case {
    /// The folder that it is in.
    pub(crate) group: String,
    pub(crate) file: String,
    pub(crate) auth: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) answer: Answer,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u64,
    /// By lower-case name, without incidental ones; several values in order.
    pub(crate) headers: BTreeMap<String, Vec<String>>,
    pub(crate) body: String,
}

/// Programs that do not answer as Spring's microservices do; their cases are for their own tests.
const OTHERS: [&str; 2] = ["gateway", "registry"];

/// Every case of every group of the microservices, in order.
pub(crate) fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/recorded/cases");
    let groups = fs::read_dir(root).unwrap().map(|group| group.unwrap().path());
    let mut files: Vec<_> = groups
        .filter(|group| !OTHERS.iter().any(|other| group.ends_with(other)))
        .flat_map(|group| fs::read_dir(group).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files.iter().filter_map(|file| case(file)).collect()
}

fn case(file: &Path) -> Option<Case> {
    let read: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let (request, answer) = (read.get("request")?, read.get("response")?);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // What was saved from earlier answers stands in braces.
    let filled = |value: &Value| {
        ["{id}", "{id2}", "{id3}", "{nr}", "{long}"]
            .iter()
            .fold(text(value), |text, name| text.replace(name, "1"))
    };
    let pairs = |value: &Value| -> Vec<(String, String)> {
        let pairs = value.as_array().cloned().unwrap_or_default();
        pairs.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
    };
    let name = |part: Option<&std::ffi::OsStr>| part.unwrap().to_string_lossy().into_owned();
    Some(Case {
        group: name(file.parent().unwrap().file_name()),
        file: name(file.file_name()),
        auth: text(&read["auth"]),
        method: text(&request["method"]),
        path: filled(&request["path"]),
        headers: pairs(&request["headers"]),
        body: text(&request["body"]),
        answer: Answer {
            status: answer["status"].as_u64().unwrap(),
            headers: comparable(pairs(&answer["headers"])),
            body: filled(&answer["body"]),
        },
    })
}

fn comparable(headers: Vec<(String, String)>) -> BTreeMap<String, Vec<String>> {
    let mut comparable: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        let name = name.to_lowercase();
        if !INCIDENTAL.contains(&name.as_str()) {
            comparable.entry(name).or_default().push(value);
        }
    }
    comparable
}

impl Case {
    /// Asks the same of a router, as an administrator where the case does.
    pub(crate) async fn replay(&self, router: &Router) -> Answer {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.path);
        for (name, value) in self.headers.iter().filter(|(name, _)| name != "Authorization") {
            request = request.header(name, value);
        }
        let mut request = request.body(Body::from(self.body.clone())).unwrap();
        if self.auth == "admin" {
            request.extensions_mut().insert(Administrator);
        }
        ask(router, request).await
    }

    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.group, self.file)
    }

    /// Compares an answer to the recorded one.
    pub(crate) fn check(&self, answer: &Answer) {
        let name = self.name();
        assert_eq!(answer.status, self.answer.status, "{name}: {}", answer.body);
        assert_eq!(answer.headers, self.answer.headers, "{name}");
        assert_eq!(answer.body, self.answer.body, "{name}");
    }
}

pub(crate) async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = u64::from(answer.status().as_u16());
    let headers = comparable(texts(answer.headers()));
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

/// Asks for an address as nobody, or as an administrator.
pub(crate) async fn get(router: &Router, path: &str, administrator: bool) -> Answer {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    if administrator {
        request.extensions_mut().insert(Administrator);
    }
    ask(router, request).await
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let pairs = headers.iter();
    pairs.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
}
