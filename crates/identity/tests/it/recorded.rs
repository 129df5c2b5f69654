//! Tokens as they were shown to a Java service, and what it answered: the same here, but where it failed with 500.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    body::Body,
    http::{Method, Request, header},
    routing::any,
};
use chassis::{Outside, Service};
use http_body_util::BodyExt;
use identity::{MICROSERVICE, Provider, Verifier, guarded};
use jiff::{Timestamp, fmt::rfc2822};
use serde_json::{Map, Value, json};
use tower::ServiceExt;

use crate::provider::{Published, Signer, serving};

/// Where the Java service answered 500: the first number, the last one, and our statuses in the order of the cases.
const DIFFERENT: [(usize, usize, [u16; 3]); 3] = [
    (10, 12, [401, 401, 401]), // no audience
    (13, 15, [401, 401, 401]), // an audience that is no text
    (46, 48, [200, 403, 200]), // roles that are no list
];

struct Case {
    number: usize,
    name: String,
    recorded: Value,
}

/// The folder of recorded cases that has this file.
pub(crate) fn folder_with(file: &str) -> PathBuf {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/recorded/cases");
    let folders = fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path());
    folders.into_iter().find(|folder| folder.join(file).exists()).unwrap()
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = fs::read_dir(folder_with("010-aud-missing-api.json"))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let recorded = serde_json::from_slice(&fs::read(entry.path()).unwrap()).unwrap();
            Case { number: name[..3].parse().unwrap(), name, recorded }
        })
        .collect();
    cases.sort_by_key(|case| case.number);
    cases
}

impl Case {
    /// A header of the recorded answer.
    fn header(&self, name: &str) -> Option<&str> {
        let headers = self.recorded["response"]["headers"].as_array().unwrap();
        headers.iter().find(|header| header[0] == *name).map(|header| header[1].as_str().unwrap())
    }

    /// When the answer was given.
    fn time(&self) -> Timestamp {
        rfc2822::parse(self.header("Date").unwrap()).unwrap().timestamp()
    }

    /// The token as it was minted, from our issuer and at the time of the case.
    fn token(&self, issuer: &str, signer: &Signer) -> String {
        let now = self.time().as_second();
        let minted = &self.recorded["token"];
        let mut claims = json!({
            "iss": issuer, "sub": "u1", "aud": "account", "iat": now, "exp": now + 3600,
            "preferred_username": "minted", "roles": ["ROLE_USER", "ROLE_ADMIN"],
        });
        let claims = claims.as_object_mut().unwrap();
        change(claims, minted["claims"].as_object(), now);
        let mut header = json!({ "alg": "RS256", "kid": signer.id, "typ": "JWT" });
        let header = header.as_object_mut().unwrap();
        change(header, minted["header"].as_object(), now);
        let forger = minted["other_key"].as_bool().unwrap_or(false).then(|| Signer::rsa(signer.id));
        let text = |members: &Map<String, Value>| Value::Object(members.clone()).to_string();
        forger.as_ref().unwrap_or(signer).sign_texts(&text(header), &text(claims))
    }

    /// The status that we answer.
    fn status(&self) -> u16 {
        let ours =
            DIFFERENT.iter().find(|(first, last, _)| (*first..=*last).contains(&self.number));
        let recorded = self.recorded["response"]["status"].as_u64().unwrap();
        match ours {
            Some((first, _, statuses)) => {
                assert_eq!(recorded, 500, "{} is listed as different", self.name);
                statuses[self.number - first]
            }
            None => u16::try_from(recorded).unwrap(),
        }
    }
}

/// Replaces members as a case says: `<none>` leaves one out, `now` is relative to the time of the case.
fn change(members: &mut Map<String, Value>, changes: Option<&Map<String, Value>>, now: i64) {
    for (name, value) in changes.into_iter().flatten() {
        match value {
            Value::String(text) if text == "<none>" => {
                members.remove(name);
            }
            Value::Object(time) if time.contains_key("now") => {
                let later = time["now"].as_f64().unwrap();
                let time = now as f64 + later;
                let time = if later.fract() == 0.0 { json!(time as i64) } else { json!(time) };
                members.insert(name.clone(), time);
            }
            _ => {
                members.insert(name.clone(), value.clone());
            }
        }
    }
}

#[tokio::test]
async fn every_recorded_token_is_answered_as_the_java_service_answered_it() {
    let (published, signer) = (Published::default(), Signer::rsa("k1"));
    published.keys(&[&signer]);
    let served = published.clone();
    serving(
        async move |issuer: &str| served.router(issuer),
        async |issuer| {
            let cases = cases();
            assert_eq!(cases.len(), 75);
            for case in cases {
                check(&case, &issuer, &signer).await;
            }
        },
    )
    .await;
}

async fn check(case: &Case, issuer: &str, signer: &Signer) {
    let outside = Outside::fixed(case.time(), 1);
    let audiences = vec!["account".to_owned(), "api://default".to_owned()];
    let verifier = Arc::new(Verifier::new(Provider::new(issuer).unwrap(), audiences, outside));
    let routes = Router::new().route("/{*path}", any(|| async { "let in" }));
    let router = Service::new("library")
        .routes(routes)
        .around(move |router| guarded(router, verifier, MICROSERVICE))
        .into_router();
    let recorded = &case.recorded;
    let method: Method = recorded["request"]["method"].as_str().unwrap().parse().unwrap();
    let token = case.token(issuer, signer);
    // The second time the token may be known already.
    for _ in 0..2 {
        let request = Request::builder()
            .method(&method)
            .uri(recorded["request"]["path"].as_str().unwrap())
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), case.status(), "{}", case.name);
        let challenge = answer.headers().get(header::WWW_AUTHENTICATE);
        let challenge = challenge.map(|value| value.to_str().unwrap().to_owned());
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let theirs = recorded["response"]["status"].as_u64() != Some(500);
        if theirs {
            assert_eq!(challenge.as_deref(), case.header("WWW-Authenticate"), "{}", case.name);
        }
        match status.as_u16() {
            200 => assert_eq!(body, "let in", "{}", case.name),
            403 if theirs => {
                assert_eq!(json!(body), recorded["response"]["body"], "{}", case.name);
            }
            401 if !theirs => {
                let challenge = challenge.unwrap_or_default();
                assert!(challenge.contains("The required audience is missing"), "{challenge}");
            }
            401 => assert_eq!(body, "", "{}", case.name),
            _ => {}
        }
    }
}
