//! Bad input everywhere: each refusal says clearly what is wrong, and the service goes on working.

mod bodies;
mod doors;
mod extremes;
mod gateway;
mod ids;
mod tokens;

use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, Caller, sent};

/// Sends a body that claims to be JSON.
async fn send(caller: &Caller, method: &Method, url: &str, body: &str) -> Answer {
    let request = caller.request(method.clone(), url).header("Content-Type", "application/json");
    sent(request.body(body.to_owned())).await
}

/// Fails unless a request was refused with this status and a problem that has these members.
fn check(case: &str, answer: &Answer, status: u16, says: &Value) {
    assert_eq!(answer.status.as_u16(), status, "{case}: {answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json", "{case}: {answer:?}");
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{case}: {problem}");
    for member in ["type", "title", "message"] {
        assert!(
            problem[member].as_str().is_some_and(|text| !text.is_empty()),
            "{case}: no {member} in {problem}"
        );
    }
    for (member, expected) in says.as_object().unwrap() {
        assert_eq!(&problem[member], expected, "{case}: {member} in {problem}");
    }
    for inside in ["panicked", ".rs:", "sqlx", "Error("] {
        assert!(!answer.body.contains(inside), "{case}: {inside} in {problem}");
    }
}
