//! The wire's members, and what must not be on it.

use super::*;

fn check(problem: Problem, expected: &str) {
    assert_eq!(
        problem.json("/api/orders/1").map(|body| body.to_string()).unwrap_or_default(),
        expected
    );
}

#[test]
fn bodies_are_those_of_the_java_services() {
    check(
        Problem::not_found(),
        r#"{"type":"https://www.jhipster.tech/problem/problem-with-message","title":"Not Found","status":404,"detail":"404 NOT_FOUND","path":"/api/orders/1","message":"error.http.404"}"#,
    );
    check(
        Problem::business(
            "shopApp",
            "shopOrder",
            "idexists",
            "A new order cannot already have an ID",
        ),
        r#"{"entityName":"shopOrder","errorKey":"idexists","type":"https://www.jhipster.tech/problem/problem-with-message","title":"A new order cannot already have an ID","status":400,"message":"error.idexists","params":"shopOrder"}"#,
    );
    check(
        Problem::stale(),
        r#"{"type":"https://www.jhipster.tech/problem/problem-with-message","title":"Precondition Failed","status":412,"path":"/api/orders/1","message":"error.concurrencyFailure"}"#,
    );
    let error = FieldError {
        object_name: "order".into(),
        field: "name".into(),
        message: "must not be null".into(),
    };
    check(
        Problem::fields(vec![error]),
        r#"{"type":"https://www.jhipster.tech/problem/constraint-violation","title":"Method argument not valid","status":400,"path":"/api/orders/1","message":"error.validation","fieldErrors":[{"objectName":"order","field":"name","message":"must not be null"}]}"#,
    );
}

#[test]
fn an_internal_cause_is_not_shown() {
    let body =
        Problem::internal(anyhow::anyhow!("password is hunter2")).json("/").unwrap().to_string();
    assert!(!body.contains("hunter2"), "{body}");
}

#[test]
fn a_bad_token_cannot_break_out_of_its_header() {
    let problem = Problem::invalid_token("bad\r\nSet-Cookie: x=\"1\"");
    let value = problem.headers[0].1.to_str().unwrap();
    assert!(value.contains("bad__Set-Cookie: x=_1_"), "{value}");
}

#[test]
fn a_body_of_the_wrong_kind_is_told_which_are_right() {
    let problem = Problem::unsupported_media_type("text/plain", "application/json");
    assert_eq!(
        (problem.status().as_u16(), problem.detail()),
        (415, "Content type 'text/plain' not supported")
    );
    assert_eq!(problem.headers, [(header::ACCEPT, HeaderValue::from_static("application/json"))]);
}
