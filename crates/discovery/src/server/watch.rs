//! Waiting for a change: a reader who knows the list already is answered when it is another one.
//!
//! Eureka has no such thing, so this is in HTTP's own words: an answer carries an `ETag` (RFC 9110 §8.8.3), a reader
//! sends it back in `If-None-Match` with `Prefer: wait=20` (RFC 7240 §4.3), and is answered at once when something has
//! changed since, when something changes, or with 304 after so many seconds. Who sends neither notices nothing.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::watch::{Receiver, Sender};

/// The longest wait: shorter than a server or a proxy gives a request.
const LONGEST: Duration = Duration::from_secs(25);
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// How many changes there have been, for who waits for the next one.
#[derive(Debug)]
pub(super) struct Watch {
    /// Tells the lists of one start of the registry from those of another.
    start: u64,
    changes: Sender<Option<u64>>,
}

impl Watch {
    pub(super) fn new(start: u64) -> Self {
        Watch { start, changes: Sender::new(Some(0)) }
    }

    /// Lets the waiting go when the number is another one.
    pub(super) fn moved(&self, changes: u64) {
        self.changes.send_if_modified(|known| match known {
            Some(known) if *known != changes => {
                *known = changes;
                true
            }
            _ => false,
        });
    }

    /// Lets the waiting go because the registry stops; from now on nobody waits.
    pub(super) fn close(&self) {
        self.changes.send_replace(None);
    }

    /// The list's name; `None` once the registry stops.
    fn tag(&self) -> Option<String> {
        let changes = *self.changes.borrow();
        self.tag_of(changes)
    }

    fn tag_of(&self, changes: Option<u64>) -> Option<String> {
        changes.map(|changes| format!("\"{:x}-{changes}\"", self.start))
    }

    /// Waits until the list is another one than the reader knows. Tells whether it is.
    async fn differs(&self, known: &str, wait: Duration) -> bool {
        let mut changes: Receiver<_> = self.changes.subscribe();
        let differs =
            changes.wait_for(|changes| self.tag_of(*changes).is_none_or(|tag| tag != known));
        tokio::time::timeout(wait, differs).await.is_ok()
    }
}

/// Around the routes of Eureka: names lists of instances, and holds requests of who knows them.
pub(super) async fn hold(
    State(registry): State<super::Registry>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().trim_end_matches('/');
    if request.method() != Method::GET || !matches!(path, "/apps" | "/apps/delta") {
        return next.run(request).await;
    }
    let watch = &registry.watch;
    if let Some(known) = text(request.headers(), &header::IF_NONE_MATCH)
        && !watch.differs(known, wait(request.headers())).await
    {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, known.to_owned())]).into_response();
    }
    // Taken before the list is: what changes in between is told once more, and not missed.
    let tag = watch.tag().and_then(|tag| HeaderValue::from_str(&tag).ok());
    let mut answer = next.run(request).await;
    if let (Some(tag), true) = (tag, answer.status().is_success()) {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    answer
}

/// How long a reader is prepared to wait; not at all without a word about it.
pub(super) fn wait(headers: &HeaderMap) -> Duration {
    let preferences = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let seconds = preferences.flat_map(|value| value.split([',', ';'])).find_map(|preference| {
        let (name, value) = preference.split_once('=')?;
        let is_wait = name.trim().eq_ignore_ascii_case("wait");
        is_wait.then(|| value.trim().parse().ok()).flatten()
    });
    Duration::from_secs(seconds.unwrap_or(0)).min(LONGEST)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_asked_for_in_seconds_and_bounded() {
        let check = |value: &'static str, expected: u64| {
            let headers = HeaderMap::from_iter([(PREFER, HeaderValue::from_static(value))]);
            assert_eq!(wait(&headers), Duration::from_secs(expected), "{value}");
        };
        check("wait=7", 7);
        check("respond-async, Wait = 7", 7);
        check("wait=86400", 25);
        check("wait=-1", 0);
        check("wait", 0);
        assert_eq!(wait(&HeaderMap::new()), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_knows_the_list_waits_for_another_one() {
        let watch = Watch::new(1);
        let second = Duration::from_secs(1);
        let first = watch.tag().unwrap();
        assert!(!watch.differs(&first, second).await);
        assert!(watch.differs("\"0-0\"", second).await, "of an earlier start");
        let (differs, ()) = tokio::join!(watch.differs(&first, second), async { watch.moved(5) });
        assert!(differs);
        assert_ne!(watch.tag().unwrap(), first);
        let known = watch.tag().unwrap();
        watch.moved(5);
        assert!(!watch.differs(&known, second).await);
        let (differs, ()) = tokio::join!(watch.differs(&known, second), async { watch.close() });
        assert!(differs, "nobody waits for a registry that stops");
        watch.moved(6);
        assert_eq!(watch.tag(), None);
    }
}
