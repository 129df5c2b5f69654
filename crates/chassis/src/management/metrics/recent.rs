//! The last requests, for somebody who wants to know what is going on. Holds no header, no query and no body: whatever
//! they say is nobody's business.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

/// How many requests are remembered.
const CAPACITY: usize = 100;
/// How much of a path is.
const PATH: usize = 200;

/// The last hundred requests.
#[derive(Default)]
pub(crate) struct Recent(Mutex<VecDeque<Seen>>);

struct Seen {
    at: Timestamp,
    method: Method,
    path: String,
    status: u16,
    took: Duration,
}

impl Recent {
    /// Remembers one request, and forgets the oldest.
    pub(crate) fn record(
        &self,
        at: Timestamp,
        (method, path): (&Method, &str),
        status: u16,
        took: Duration,
    ) {
        let end = path.char_indices().nth(PATH).map_or(path.len(), |(end, _)| end);
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = match seen.len() < CAPACITY {
            true => String::new(),
            // Its memory is good for the next one.
            false => seen.pop_front().map(|oldest| oldest.path).unwrap_or_default(),
        };
        text.clear();
        text.push_str(&path[..end]);
        seen.push_back(Seen { at, method: method.clone(), path: text, status, took });
    }

    /// All of them in the shape of Spring's `httptrace`, the newest first.
    pub(crate) fn json(&self) -> Value {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let traces: Vec<Value> = seen.iter().rev().map(Seen::json).collect();
        json!({ "traces": traces })
    }
}

impl Seen {
    fn json(&self) -> Value {
        json!({
            "timestamp": self.at.to_string(),
            "principal": null,
            "session": null,
            "request": { "method": self.method.as_str(), "uri": self.path, "headers": {}, "remoteAddress": null },
            "response": { "status": self.status, "headers": {} },
            "timeTaken": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hundred_are_remembered() {
        let recent = Recent::default();
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        for number in 0..250 {
            let path = format!("/books/{number}/{}", "ü".repeat(300));
            recent.record(at, (&Method::GET, &path), 200, Duration::from_millis(7));
        }
        let shown = recent.json();
        let traces = shown["traces"].as_array().unwrap();
        assert_eq!(traces.len(), CAPACITY);
        let uri = |at: usize| traces[at]["request"]["uri"].as_str().unwrap();
        assert!(uri(0).starts_with("/books/249/") && uri(99).starts_with("/books/150/"));
        assert_eq!(uri(0).chars().count(), PATH);
        assert_eq!(traces[0]["timeTaken"], 7);
    }
}
