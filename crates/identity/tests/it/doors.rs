//! The doors in front of a router: who gets in, and what the others are told.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Body,
    http::{Request, StatusCode, header},
    routing::get,
};
use chassis::{Service, http::CallerName, management::Administrator};
use http_body_util::BodyExt;
use identity::{Access, Caller, Rules, Verifier, guarded};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::provider::{Signer, claims, verifier, with_verifier};

async fn who(caller: Option<Extension<Caller>>) -> String {
    caller.map_or_else(|| "nobody".to_owned(), |Extension(caller)| caller.login.clone())
}

/// What the extensions say to who does not know callers.
async fn told(
    name: Option<Extension<CallerName>>,
    administrator: Option<Extension<Administrator>>,
) -> String {
    let name = name.map(|Extension(CallerName(name))| name);
    format!("{name:?} {}", administrator.is_some())
}

fn router(verifier: Verifier) -> Router {
    const RULES: Rules =
        &[("/books", Access::Caller), ("/admin/books", Access::Role("ROLE_ADMIN"))];
    let routes = Router::new()
        .route("/books", get(who))
        .route("/admin/books", get(who))
        .route("/open", get(who))
        .route("/told", get(told));
    Service::new("library").routes(guarded(routes, Arc::new(verifier), RULES)).into_router()
}

struct Answer {
    status: StatusCode,
    challenge: String,
    body: String,
}

async fn ask(router: &Router, path: &str, authorization: Option<&str>) -> Answer {
    let request = Request::get(path);
    let request = match authorization {
        Some(value) => request.header(header::AUTHORIZATION, value),
        None => request,
    };
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let challenge = response
        .headers()
        .get(header::WWW_AUTHENTICATE)
        .map(|value| value.to_str().unwrap().to_owned());
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Answer {
        status,
        challenge: challenge.unwrap_or_default(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn check(router: &Router, path: &str, authorization: Option<&str>, status: u16, body: &str) {
    let answer = ask(router, path, authorization).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (status, body),
        "{path} {authorization:?}"
    );
}

#[tokio::test]
async fn callers_get_in_by_token_and_role() {
    with_verifier(async |_, signer, verifier, issuer| {
        let router = router(verifier);
        let bearer = |changes: Value| format!("Bearer {}", signer.sign(&claims(&issuer, &changes)));
        check(&router, "/books", Some(&bearer(json!({}))), 200, "minted").await;
        check(&router, "/admin/books", Some(&bearer(json!({}))), 200, "minted").await;
        check(&router, "/open", Some(&bearer(json!({}))), 200, "minted").await;
        check(&router, "/open", None, 200, "nobody").await;
        let answer =
            ask(&router, "/admin/books", Some(&bearer(json!({ "roles": ["ROLE_USER"] })))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("Access is denied"), "{}", answer.body);
    })
    .await;
}

#[tokio::test]
async fn who_does_not_know_callers_is_told_their_names_and_who_is_an_administrator() {
    with_verifier(async |_, signer, verifier, issuer| {
        let router = router(verifier);
        let bearer = |changes: Value| format!("Bearer {}", signer.sign(&claims(&issuer, &changes)));
        check(&router, "/told", None, 200, "None false").await;
        check(&router, "/told", Some(&bearer(json!({}))), 200, "Some(\"u1\") true").await;
        let user = bearer(json!({ "roles": ["ROLE_USER"], "sub": "" }));
        check(&router, "/told", Some(&user), 200, "Some(\"minted\") false").await;
    })
    .await;
}

#[tokio::test]
async fn callers_without_a_token_are_told_to_bring_one() {
    let router = router(verifier("http://127.0.0.1:1"));
    for (path, authorization) in
        [("/books", None), ("/admin/books", None), ("/books", Some("Basic YTpi"))]
    {
        let answer = ask(&router, path, authorization).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path} {authorization:?}");
        assert!(answer.body.contains("Full authentication is required"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_bad_token_is_refused_everywhere_with_its_reason() {
    let router = router(verifier("http://127.0.0.1:1"));
    for path in ["/books", "/open"] {
        let answer = ask(&router, path, Some("Bearer garbage")).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::UNAUTHORIZED, ""));
        let reason = "error_description=\"An error occurred while attempting to decode the Jwt: Invalid JWT serialization: Missing dot delimiter(s)\"";
        assert!(answer.challenge.contains(reason), "{}", answer.challenge);
    }
    let answer = ask(&router, "/books", Some("Bearer")).await;
    assert!(answer.challenge.contains("Bearer token is malformed"), "{}", answer.challenge);
}

#[tokio::test]
async fn a_provider_that_is_away_is_not_the_callers_fault() {
    let router = router(verifier("http://127.0.0.1:1"));
    let token = Signer::new("first").sign(&claims("http://127.0.0.1:1", &json!({})));
    let answer = ask(&router, "/books", Some(&format!("Bearer {token}"))).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("The identity provider cannot be reached"), "{}", answer.body);
}
