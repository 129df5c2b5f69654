//! What the original registry was asked and answered, asked again here.

use std::{collections::BTreeMap, fs, path::PathBuf};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::{StatusCode, header},
};
use chassis::{Outside, Secret, Service};
use discovery::{
    Registry,
    server::{ConfigServer, Gate},
};
use http_body_util::BodyExt;
use serde_json::{Map, Value};
use tower::ServiceExt;

fn contracts(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/recorded")).join(path)
}

fn cases(path: &str) -> Vec<Value> {
    serde_json::from_str(&fs::read_to_string(contracts(path)).unwrap()).unwrap()
}

fn registry() -> Router {
    let gate = Gate::new("admin", &Secret::new("admin".into()));
    let config = ConfigServer::new(contracts("config/folder").canonicalize().unwrap());
    let routes = Router::new()
        .nest("/eureka", gate.protect(Registry::new(Outside::system()).routes()))
        .nest("/config", gate.protect(config.routes()));
    Service::new("registry").routes(routes).into_router()
}

async fn ask(router: &Router, request: &Value) -> (StatusCode, String, Bytes) {
    let mut builder = Request::builder()
        .method(request["method"].as_str().unwrap())
        .uri(request["path"].as_str().unwrap());
    for (name, value) in request["headers"].as_object().unwrap() {
        builder = builder.header(name, value.as_str().unwrap());
    }
    let body = request["body"].as_str().map(|body| Body::from(body.to_owned())).unwrap_or_default();
    let answer = router.clone().oneshot(builder.body(body).unwrap()).await.unwrap();
    let kind =
        answer.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
    let status = answer.status();
    (status, kind.unwrap_or_default(), answer.into_body().collect().await.unwrap().to_bytes())
}

/// Makes two bodies comparable byte for byte: times are 0, lists of instances and metadata are in order.
fn comparable(body: &str) -> String {
    let Ok(mut body) = serde_json::from_str::<Value>(body) else { return body.to_owned() };
    settle(&mut body);
    body.to_string()
}

fn settle(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::Object(metadata)) = members.get_mut("metadata") {
                let sorted: BTreeMap<String, Value> =
                    std::mem::take(metadata).into_iter().collect();
                *metadata = sorted.into_iter().collect::<Map<_, _>>();
            }
            // The recorded registry passed changes on to itself, by which a changed instance became an added one.
            if members.get("actionType").is_some_and(|action| action == "MODIFIED") {
                members.insert("actionType".into(), "ADDED".into());
            }
            members.values_mut().for_each(settle);
        }
        Value::Array(items) => {
            items.iter_mut().for_each(settle);
            items.sort_by_key(|item| item["instanceId"].as_str().unwrap_or_default().to_owned());
        }
        Value::Number(number)
            if number.as_i64().is_some_and(|number| number > 1_000_000_000_000) =>
        {
            *value = 0.into()
        }
        Value::String(text)
            if text.len() == 13 && text.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            *value = "0".into()
        }
        _ => {}
    }
}

#[tokio::test]
async fn answers_by_hand_are_those_of_the_original() {
    let registry = registry();
    for case in cases("eureka/by-hand.json") {
        let name = case["name"].as_str().unwrap();
        let (status, _, body) = ask(&registry, &case["request"]).await;
        let expected = &case["response"];
        assert_eq!(
            status.as_u16(),
            expected["status"].as_u64().unwrap() as u16,
            "{name}: {body:?}"
        );
        // Where the original refuses without a word, ours says why.
        let silent = status.is_client_error() && expected["body"] == "";
        if let (Some(expected), false) = (expected["body"].as_str(), silent) {
            assert_eq!(
                comparable(std::str::from_utf8(&body).unwrap()),
                comparable(expected),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn a_java_client_is_answered_as_by_the_original_from_its_start_to_its_end() {
    let registry = registry();
    for (number, case) in cases("eureka/java-client.json").iter().enumerate() {
        let (status, kind, body) = ask(&registry, &case["request"]).await;
        assert_eq!(
            u64::from(status.as_u16()),
            case["response"]["status"].as_u64().unwrap(),
            "request {number}"
        );
        if case["request"]["method"] == "GET" {
            assert_eq!(kind, "application/json");
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert!(body["applications"]["apps__hashcode"].is_string(), "request {number}: {body}");
            assert!(
                body["applications"]["versions__delta"].is_string(),
                "request {number}: {body}"
            );
        }
    }
}

#[tokio::test]
async fn a_stranger_is_asked_for_the_password_everywhere() {
    let registry = registry();
    for path in ["/eureka/apps", "/eureka/nothing", "/config/a/b", "/config/nothing"] {
        let answer = registry
            .clone()
            .oneshot(Request::get(path).body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert!(
            answer.headers()[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic "),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_too_much_or_not_json_is_refused() {
    let registry = registry();
    let check = async |method: &str,
                       path: &str,
                       (header, value): (&str, &str),
                       body: String,
                       expected: u16| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Authorization", "Basic YWRtaW46YWRtaW4=");
        let request = request.header(header, value).body(Body::from(body)).unwrap();
        assert_eq!(
            registry.clone().oneshot(request).await.unwrap().status(),
            expected,
            "{method} {path} {value}"
        );
    };
    let json = ("Content-Type", "application/json");
    let accepts_all = ("Accept", "*/*");
    let large = format!(
        r#"{{"instance":{{"instanceId":"1","app":"A","hostName":"h","ipAddr":"h","dataCenterInfo":{{"name":"MyOwn"}},"note":"{}"}}}}"#,
        "x".repeat(16 * 1024)
    );
    check("POST", "/eureka/apps/A", json, large.clone(), 413).await;
    check("POST", "/eureka/apps/A", json, large.replace(&"x".repeat(16 * 1024), "x"), 204).await;
    check(
        "PUT",
        &format!("/eureka/apps/A/1/metadata?a={}", "x".repeat(16 * 1024)),
        accepts_all,
        String::new(),
        413,
    )
    .await;
    check("POST", "/eureka/apps/A", ("Content-Type", "application/xml"), "<instance/>".into(), 400)
        .await;
    check("POST", "/eureka/apps/A", ("Content-Type", "text/plain"), "<instance/>".into(), 415)
        .await;
    check("GET", "/eureka/apps", ("Accept", "application/xml"), String::new(), 200).await;
    check("GET", "/eureka/apps", ("Accept", "text/html"), String::new(), 406).await;
    check("GET", "/eureka/apps", accepts_all, String::new(), 200).await;
    check("PUT", "/eureka/apps/A/1/status?value=SLEEPY", accepts_all, String::new(), 400).await;
    check("PUT", "/eureka/apps/A/1/status", accepts_all, String::new(), 400).await;
    check("GET", "/config/a/..", accepts_all, String::new(), 400).await;
    check("GET", "/config/..%2Fa/b", accepts_all, String::new(), 400).await;
    check("GET", "/config/a/b,..%2Fc", accepts_all, String::new(), 400).await;
    check("GET", "/config/a/b/..%2Fc", accepts_all, String::new(), 400).await;
    check("GET", "/config/a", accepts_all, String::new(), 404).await;
    check("GET", "/eureka/", accepts_all, String::new(), 404).await;
}

#[tokio::test]
async fn configuration_is_that_of_the_original() {
    let registry = registry();
    let folder = contracts("config/folder").canonicalize().unwrap().display().to_string();
    for case in cases("config/environments.json") {
        let (status, kind, body) = ask(&registry, &case["request"]).await;
        let body = String::from_utf8(body.to_vec()).unwrap().replace(&folder, "/central-config");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(status, StatusCode::OK);
        assert_eq!(kind, case["response"]["contentType"].as_str().unwrap());
        assert_eq!(body.to_string(), case["response"]["body"].to_string(), "{}", case["name"]);
    }
}
