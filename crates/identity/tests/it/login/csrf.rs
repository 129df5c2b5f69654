//! Requests that another site makes a browser send.

use axum::http::Method;

use super::*;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=UTF-8");
const MISSING: &str = "An expected CSRF token cannot be found";
const INVALID: &str = "Invalid CSRF Token";

/// Sends a request of a browser that has been here before; `{token}` stands for its token.
async fn check(headers: &[(&str, &str)], body: &str, expected: Result<(), &str>) {
    let house = House::new().await;
    let mut browser = house.browser();
    let token = browser.get("/form").await.body;
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| (*name, value.replace("{token}", &token))).collect();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let body = body.replace("{token}", &token);
    let answer = browser.send(Method::POST, "/echo", &headers, &body).await;
    match expected {
        Ok(()) => assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, body.as_str())),
        Err(sentence) => {
            assert_eq!(
                (answer.status.as_u16(), answer.body.as_str()),
                (403, sentence),
                "{headers:?} {body}"
            );
            assert_eq!(answer.headers["content-type"], "text/plain");
        }
    }
}

#[tokio::test]
async fn a_change_needs_the_token_in_a_header_or_a_field() {
    check(&[("x-xsrf-token", "{token}")], r#"{"title":"x"}"#, Ok(())).await;
    check(&[FORM], "title=A+Book&_csrf={token}&pages=%31", Ok(())).await;
    check(&[("x-xsrf-token", "{token}"), FORM], "title=x", Ok(())).await;
    check(&[], "", Err(INVALID)).await;
    check(&[("x-xsrf-token", "")], "", Err(INVALID)).await;
    check(&[("x-xsrf-token", "{token}x")], "", Err(INVALID)).await;
    check(&[FORM], "title=x", Err(INVALID)).await;
    check(&[FORM], "_csrf=wrong&_csrf={token}", Err(INVALID)).await;
    check(&[("x-xsrf-token", "wrong"), FORM], "_csrf={token}", Err(INVALID)).await;
    check(&[("content-type", "text/plain")], "_csrf={token}", Err(INVALID)).await;
}

#[tokio::test]
async fn a_browser_without_the_cookie_changes_nothing() {
    let house = House::new().await;
    for headers in
        [vec![], vec![("x-xsrf-token", "anything")], vec![("authorization", "Basic YTpi")]]
    {
        let mut browser = house.browser();
        let answer = browser.send(Method::PUT, "/echo", &headers, "").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (403, MISSING), "{headers:?}");
    }
    let mut browser = house.browser();
    browser.cookies.insert("XSRF-TOKEN".into(), "x".into());
    let answer = browser.send(Method::PUT, "/echo", &[("x-xsrf-token", "x")], "").await;
    assert_eq!(answer.body, MISSING, "a value that was not made here is no token");
}

#[tokio::test]
async fn the_cookie_is_set_once_and_readable() {
    let house = House::new().await;
    let mut browser = house.browser();
    let first = browser.get("/form").await;
    assert_eq!(first.set_cookies(), [format!("XSRF-TOKEN={}; SameSite=Lax; Path=/", first.body)]);
    let second = browser.get("/form").await;
    assert_eq!(second.body, first.body);
    assert!(second.set_cookies().is_empty());
}

#[tokio::test]
async fn reading_needs_no_token_and_neither_does_a_bearer() {
    let house = House::new().await;
    assert_eq!(house.browser().send(Method::HEAD, "/echo", &[], "").await.status, 200);
    let authorization = format!("Bearer {}", house.issuer.bearer("account"));
    let answer = house
        .browser()
        .send(Method::POST, "/echo", &[("authorization", &authorization)], "hello")
        .await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "hello"));
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused() {
    let large = format!("_csrf={{token}}&text={}", "x".repeat(chassis::http::BODY_LIMIT));
    let house = House::new().await;
    let mut browser = house.browser();
    browser.get("/form").await;
    assert_eq!(browser.send(Method::POST, "/echo", &[FORM], &large).await.status, 413);
}
