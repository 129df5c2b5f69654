//! Heartbeats, which are nearly all that a registry is asked, answered from their heads alone.

use std::borrow::Cow;

use axum::{body::HttpBody, extract::Request, http::Method, response::Response};

use super::asked::{Asked, REPLICATION};
use crate::server::{
    Gate, Registry,
    leases::{Heartbeat, Renewal},
};

/// Where instances are, as it is mounted.
const INSTANCES: &str = "/eureka/apps/";
/// Headers of browsers and of other registries, whose requests need a closer look.
const OF_OTHERS: [&str; 3] = ["cookie", "sec-fetch-site", REPLICATION];

/// Answers a heartbeat as [`super::writes::renew`] does, when a client shows the password and there is nothing unusual in it.
pub(in crate::server) fn answer(
    registry: &Registry,
    gate: &Gate,
    request: &Request,
) -> Option<Response> {
    let (app, id) = instance(request)?;
    let dirty = dirty(request.uri().query())?;
    let headers = request.headers();
    let is_of_others = || OF_OTHERS.iter().any(|name| headers.contains_key(*name));
    // A guess at the password is answered where all guesses are.
    if is_of_others() || !gate.admits(headers) {
        return None;
    }
    let asked = Asked::by(headers, request.extensions());
    let heartbeat = Heartbeat { dirty, overridden: None, from_peer: false };
    match registry.renew(&app, id, heartbeat, asked.origin) {
        Renewal::Renewed => Some(asked.found(true)),
        Renewal::Forgotten => Some(asked.found(false)),
        Renewal::Newer(_) => None,
    }
}

/// The application and the id that a request without a body renews, where its path means what it says.
fn instance(request: &Request) -> Option<(Cow<'_, str>, &str)> {
    if request.method() != Method::PUT || !request.body().is_end_stream() {
        return None;
    }
    let (app, id) = request.uri().path().strip_prefix(INSTANCES)?.split_once('/')?;
    let is_plain =
        |name: &str| !name.is_empty() && !name.bytes().any(|byte| matches!(byte, b'/' | b'%'));
    if !is_plain(app) || !is_plain(id) {
        return None;
    }
    let is_upper = !app.bytes().any(|byte| byte.is_ascii_lowercase() || !byte.is_ascii());
    let app = if is_upper { Cow::Borrowed(app) } else { Cow::Owned(app.to_uppercase()) };
    Some((app, id))
}

/// When the client says that it last changed; none when the query has to be read by whoever reads all of it.
fn dirty(query: Option<&str>) -> Option<Option<i64>> {
    let mut dirty = None;
    for pair in query.unwrap_or_default().split('&') {
        match pair.split_once('=') {
            Some(("lastDirtyTimestamp", value)) if dirty.is_none() => {
                dirty = Some(value.parse().ok()?);
            }
            Some(("status", status))
                if status.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {}
            None if pair.is_empty() => {}
            _ => return None,
        }
    }
    Some(dirty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_only_when_it_is_that_of_a_client() {
        for (query, expected) in [
            (None, Some(None)),
            (Some(""), Some(None)),
            (Some("status=UP"), Some(None)),
            (Some("status=UP&lastDirtyTimestamp=17"), Some(Some(17))),
            (Some("lastDirtyTimestamp=x"), None),
            (Some("lastDirtyTimestamp=1&lastDirtyTimestamp=2"), None),
            (Some("overriddenstatus=DOWN"), None),
            (Some("status=%55P"), None),
        ] {
            assert_eq!(dirty(query), expected, "{query:?}");
        }
    }
}
