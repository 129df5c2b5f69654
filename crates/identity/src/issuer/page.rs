//! The pages that a person sees, each with a policy that lets nothing else in.

use askama::Template;
use aws_lc_rs::digest;
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use chassis::Problem;

const STYLE: &str = include_str!("../../templates/issuer/style.css");

/// The page that asks for name and password.
#[derive(Template)]
#[template(path = "issuer/sign_in.html")]
pub(super) struct SignIn<'a> {
    pub(super) style: &'static str,
    /// Where the form goes.
    pub(super) action: &'a str,
    pub(super) username: &'a str,
    /// Whether the password that was just given is wrong.
    pub(super) wrong: bool,
}

/// The page that asks whether to sign out.
#[derive(Template)]
#[template(path = "issuer/sign_out.html")]
pub(super) struct SignOut<'a> {
    pub(super) style: &'static str,
    pub(super) action: &'a str,
    /// Hidden fields of the form.
    pub(super) fields: &'a [(String, String)],
}

#[derive(Template)]
#[template(path = "issuer/message.html")]
struct Message<'a> {
    style: &'static str,
    title: &'a str,
    text: &'a str,
}

/// The style that every page carries in itself.
pub(super) const fn style() -> &'static str {
    STYLE
}

/// A page that only tells something.
pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    show(status, &Message { style: STYLE, title, text }, "")
}

/// Writes a page. `targets` are the origins, beside this one, that its form may lead to: browsers check the
/// redirects that answer a form, too.
pub(super) fn show(status: StatusCode, page: &impl Template, targets: &str) -> Response {
    let body = match page.render() {
        Ok(body) => body,
        Err(cause) => return Problem::internal(cause).into_response(),
    };
    let style = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self' {targets}; frame-ancestors 'none'; base-uri 'none'"
    );
    let mut response = (status, Html(body)).into_response();
    set(&mut response, header::CONTENT_SECURITY_POLICY, &policy);
    // Not stricter: without a referrer, browsers send no usable Origin with the form.
    set(&mut response, header::REFERRER_POLICY, "same-origin");
    response
}

/// Sets a header whose value was made here.
pub(super) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(name, value);
    }
}
