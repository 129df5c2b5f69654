//! Who is calling.

use axum::{
    Json,
    extract::Request,
    http::header,
    response::{IntoResponse, Response},
};
use identity::login::Visitor;
use serde_json::{Value, json};

use crate::doors::{Machine, USER};

/// The caller's name and roles, without the details that the gateway tells.
pub(super) async fn account(visitor: Visitor, request: Request) -> Json<Value> {
    let (login, authorities) = match visitor.signed_in() {
        Some(signed_in) if !is_machine(&request) => {
            let caller = &signed_in.caller;
            (caller.login.clone(), caller.authorities.clone())
        }
        _ => (USER.to_owned(), vec!["ROLE_USER".to_owned(), "ROLE_ADMIN".to_owned()]),
    };
    Json(json!({ "login": login, "authorities": authorities, "activated": true }))
}

/// The caller's name alone, under the media type that the Java registry gives it.
pub(super) async fn authenticate(visitor: Visitor, request: Request) -> Response {
    let name = match visitor.signed_in() {
        Some(signed_in) if !is_machine(&request) => signed_in.caller.subject.clone(),
        _ => USER.to_owned(),
    };
    let accepts_json = request
        .headers()
        .get(header::ACCEPT)
        .is_some_and(|accept| accept.as_bytes().starts_with(b"application/json"));
    let kind = if accepts_json { "application/json" } else { "text/plain;charset=UTF-8" };
    ([(header::CONTENT_TYPE, kind)], name).into_response()
}

/// The doors let nobody else in without a name.
fn is_machine(request: &Request) -> bool {
    request.extensions().get::<Machine>().is_some()
}
