//! An administrator's request for a page. Everybody else who is signed in is told so, with a way to sign out.

use ::pages::{Frame, Visit, page_with};
use askama::Template;
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};

use crate::BRAND;

/// An administrator who asks for a page.
pub(super) struct Administrator(pub(super) Visit);

#[derive(Template)]
#[template(path = "stranger.html")]
struct Stranger {
    frame: Frame,
}

impl<S: Send + Sync> FromRequestParts<S> for Administrator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let visit = <Visit as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        if visit.is_administrator {
            return Ok(Administrator(visit));
        }
        let frame = Frame::of(BRAND, "Not for you", &visit, Vec::new());
        Err(page_with(StatusCode::FORBIDDEN, &Stranger { frame }).into_response())
    }
}
