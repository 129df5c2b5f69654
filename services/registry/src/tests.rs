use std::{fs, path::PathBuf, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{StatusCode, header},
};
use serde_json::Value;
use tower::ServiceExt;

use super::*;

const ADMIN: &str = "Basic YWRtaW46YWRtaW4=";

fn registry() -> Router {
    let all = config::Settings::defaults(&[DEFAULTS]).unwrap();
    let (settings, outside) = (Settings::read(&all), Outside::system());
    let about = about(&["prod".to_owned()]);
    let management = Management::new(about, Arc::new(all), outside.clone(), None);
    service(settings, management, outside).into_router()
}

async fn ask(router: &Router, path: &str, headers: &[(&str, &str)]) -> (StatusCode, Value) {
    let request = headers
        .iter()
        .fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status();
    if status == StatusCode::UNAUTHORIZED {
        assert!(answer.headers()[header::WWW_AUTHENTICATE].as_bytes().starts_with(b"Basic "));
    }
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn only_health_and_info_are_for_everybody() {
    let router = registry();
    for (path, anonymous, admin) in [
        ("/management/health", 200, 200),
        ("/management/health/readiness", 200, 200),
        ("/management/health/ping", 404, 200),
        ("/management/info", 200, 200),
        ("/management/information", 401, 404),
        ("/management/prometheus", 401, 200),
        ("/management/httptrace", 401, 200),
        ("/management/nope/nope", 401, 404),
        ("/management", 401, 200),
        ("/eureka/apps", 401, 200),
        ("/config/store/prod", 401, 200),
        ("/", 404, 404),
    ] {
        for (credentials, expected) in
            [("", anonymous), ("Basic YWRtaW46d3Jvbmc=", anonymous), (ADMIN, admin)]
        {
            let (status, _) = ask(&router, path, &[("authorization", credentials)]).await;
            assert_eq!(status, expected, "{path} {credentials}");
        }
    }
}

#[tokio::test]
async fn details_of_health_are_for_who_knows_the_password() {
    let router = registry();
    let (_, health) = ask(&router, "/management/health", &[]).await;
    assert_eq!(health.to_string(), r#"{"status":"UP","groups":["liveness","readiness"]}"#);
    let (_, health) = ask(&router, "/management/health", &[("authorization", ADMIN)]).await;
    assert_eq!(health["components"]["diskSpace"]["status"], "UP", "{health}");
}

#[tokio::test]
async fn requests_are_measured_by_their_routes() {
    let router = registry();
    ask(&router, "/eureka/apps/A", &[("authorization", ADMIN)]).await;
    ask(&router, "/eureka/apps/B", &[("authorization", ADMIN)]).await;
    let (_, figures) = ask(&router, "/management/jhimetrics", &[("authorization", ADMIN)]).await;
    let services = figures["services"].as_object().unwrap();
    let eureka = services.iter().filter(|(route, _)| route.starts_with("/eureka"));
    let counts: Vec<_> = eureka.map(|(route, all)| (&**route, &all["GET"]["count"])).collect();
    assert_eq!(counts, [("/eureka/apps/{app}", &Value::from(2))]);
}

/// What was recorded of the Java registry's management endpoints.
fn cases() -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/recorded/cases/registry");
    let entries = fs::read_dir(PathBuf::from(folder)).unwrap();
    entries
        .map(|entry| serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap())
        .collect()
}

/// Left out where nobody changes log levels; and no log file is served.
const ELSEWHERE: [&str; 2] = ["/management/loggers", "/management/logfile"];

#[tokio::test]
async fn everybody_may_see_what_the_java_registry_shows_them() {
    let (router, mut refused) = (registry(), 0);
    for case in cases() {
        let (path, recorded) = (case["request"]["path"].as_str().unwrap(), &case["response"]);
        let headers = case["request"]["headers"].as_array().unwrap();
        let headers: Vec<_> = headers
            .iter()
            .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
            .collect();
        let (status, body) = ask(&router, path, &headers).await;
        let name = &case["case"];
        if ELSEWHERE.contains(&path) && recorded["status"] != 401 {
            assert_eq!(status, 404, "{name}");
            continue;
        }
        assert_eq!(Some(u64::from(status.as_u16())), recorded["status"].as_u64(), "{name}");
        if status == StatusCode::UNAUTHORIZED {
            let recorded: Value = serde_json::from_str(recorded["body"].as_str().unwrap()).unwrap();
            assert_eq!(body.to_string(), recorded.to_string(), "{name}");
            refused += 1;
        }
    }
    assert_eq!(refused, 7);
}
