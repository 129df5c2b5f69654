//! A list as a JSON array, read and sent in portions, so that a long one takes no more memory than a portion.
//!
//! What fits into one portion is of one moment. A longer list is not: whoever is removed while it is being read moves
//! those behind by one, so that one of them can be missing, and whoever is inserted the other way round, as between pages.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::{body::Body, response::Response};
use database::{Listing, Page, Row};
use futures_util::{StreamExt, stream};
use tokio::time::timeout;
use tracing::warn;

use super::{Resource, represented};
use crate::codec;

/// How many rows are read at a time.
const PORTION: u32 = 1000;
/// How long reading a portion may take, once the answer has begun; before, the request has a limit of its own.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads the next portion of a page, and makes of the page what is left of it.
pub(super) async fn portion(resource: &Resource, page: &mut Page) -> anyhow::Result<Listing> {
    let wanted = Page { limit: page.limit.min(PORTION), ..page.clone() };
    let listing = resource.database.list(&resource.table, &wanted).await?;
    let count = u32::try_from(listing.rows.len()).context("count the rows of a portion")?;
    page.offset = page.offset.saturating_add(u64::from(count));
    // A portion without a row is the last one, whatever the total says.
    page.limit = match count {
        0 => 0,
        count if page.offset < listing.total => page.limit.saturating_sub(count),
        _ => 0,
    };
    Ok(listing)
}

/// Answers with this portion, and with `rest` of the page behind it.
pub(super) fn response(resource: Arc<Resource>, first: Listing, rest: Page) -> Response {
    let mut text = vec![b'['];
    append(&resource, &first.rows, &mut text);
    if rest.limit == 0 {
        text.push(b']');
        return represented(text, None);
    }
    let mut response = represented(Vec::new(), None);
    response.headers_mut().remove(axum::http::header::CONTENT_LENGTH);
    let others = stream::try_unfold(rest, move |rest| next(resource.clone(), rest));
    let all = stream::once(async { Ok(text) }).chain(others);
    *response.body_mut() = Body::from_stream(all);
    response
}

/// The next portion as text; the end of the array with the last one, nothing after it.
async fn next(resource: Arc<Resource>, mut rest: Page) -> anyhow::Result<Option<(Vec<u8>, Page)>> {
    if rest.limit == 0 {
        return Ok(None);
    }
    let read = timeout(PATIENCE, portion(&resource, &mut rest)).await;
    let listing = match read.context("it took too long").flatten() {
        Ok(listing) => listing,
        Err(cause) => {
            // The caller sees that the connection breaks off in the middle of a chunked body.
            warn!("a list of {} breaks off: {cause:#}", resource.entity.collection);
            return Err(cause);
        }
    };
    let mut text = Vec::new();
    if !listing.rows.is_empty() {
        text.push(b',');
        append(&resource, &listing.rows, &mut text);
    }
    if rest.limit == 0 {
        text.push(b']');
    }
    Ok(Some((text, rest)))
}

fn append(resource: &Resource, rows: &[Row], text: &mut Vec<u8>) {
    for (position, row) in rows.iter().enumerate() {
        if position > 0 {
            text.push(b',');
        }
        codec::write(&resource.entity, &row.id, &row.values, text);
    }
}
