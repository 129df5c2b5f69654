//! What stands in a page's address behind `?`, with problems for what cannot be read.

use axum::{extract::FromRequestParts, http::request::Parts};
use chassis::Problem;
use serde::de::DeserializeOwned;

/// axum's `Query`, which refuses in plain text, with problems instead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::from_request_parts(parts, state).await;
        let unreadable = |_| Problem::bad_request("The address lacks a name that this page needs");
        read.map(|axum::extract::Query(asked)| Query(asked)).map_err(unreadable)
    }
}
