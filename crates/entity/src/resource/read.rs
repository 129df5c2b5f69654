//! Reading one entity, and many.

use std::sync::Arc;

use axum::{
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chassis::Problem;

use super::{
    Resource, array, away, precondition::Precondition, query::Query, represented, request,
};
use crate::tag::Tag;

type Shared = State<Arc<Resource>>;

pub(super) async fn one(
    State(resource): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = request::id(&resource.entity, &id)?;
    let row = resource.find(&id).await?.ok_or_else(Problem::not_found)?;
    // Only now: what is not there cannot be unacceptable.
    request::acceptable(&headers)?;
    let text = resource.text(&row.id, &row.values);
    let tag = Tag::of(&text);
    let condition = Precondition::of(&headers);
    condition.allows_reading(Some(tag))?;
    match condition.is_known(tag) {
        true => Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag.header())]).into_response()),
        false => Ok(represented(text, Some(tag))),
    }
}

pub(super) async fn list(
    State(resource): Shared,
    RawQuery(text): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    request::acceptable(&headers)?;
    let text = text.as_deref().unwrap_or_default();
    let query = Query::parse(&resource.entity, text, resource.options.bare_list)?;
    let mut page = query.page();
    let listing = array::portion(&resource, &mut page).await.map_err(away)?;
    let address = format!("{}{}", chassis::http::base_address(&headers), resource.path());
    let links = query.headers(&address, listing.total);
    let mut response = array::response(resource, listing, page);
    response.headers_mut().extend(links);
    Ok(response)
}
