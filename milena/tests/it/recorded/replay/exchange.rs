//! One request and its answer as bytes on a connection of their own.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::case::Request;
use crate::support::wire::Wire;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing has to come where the original was silent.
const SILENCE: Duration = Duration::from_millis(300);

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

/// The head of an answer.
#[derive(Debug, Default, Clone)]
pub(crate) struct Head {
    /// 0: nothing came.
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// Asks, and waits for the whole answer.
pub(crate) async fn ask(address: &str, request: &Request) -> Reply {
    Reply::read(&exchange(address, request, PATIENCE).await)
}

/// Asks, and tells what came in the time in which the original said nothing.
pub(super) async fn ask_briefly(address: &str, request: &Request) -> Reply {
    Reply::read(&exchange(address, request, SILENCE).await)
}

async fn exchange(address: &str, request: &Request, limit: Duration) -> Vec<u8> {
    let mut wire = Wire::to(address).await;
    wire.send(request.bytes(address, "close")).await;
    let deadline = Instant::now() + limit;
    let mut bytes = Vec::new();
    while let Ok(some) = timeout_at(deadline, wire.some()).await {
        if some.is_empty() {
            break;
        }
        bytes.extend(some);
    }
    bytes
}

impl Request {
    /// The request as it goes over the wire.
    pub(crate) fn bytes(&self, address: &str, connection: &str) -> Vec<u8> {
        let host = address.trim_start_matches("http://");
        let Request { method, path, headers, body } = self;
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = body {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        format!("{head}\r\n{}", body.as_deref().unwrap_or_default()).into_bytes()
    }
}

impl Reply {
    /// Reads an answer; one without a whole head is none at all.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let Some(end) = end else { return Reply::default() };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let mut status = lines.next().unwrap().splitn(3, ' ').skip(1);
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap_or_else(|| panic!("{line:?} is no header")))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        let body = &bytes[end + 4..];
        let chunked = headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("transfer-encoding") && value == "chunked"
        });
        let head = Head {
            status: status.next().unwrap().parse().unwrap(),
            reason: status.next().unwrap_or_default().to_owned(),
            headers,
        };
        Reply { head, body: if chunked { joined(body) } else { body.to_owned() } }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The content of chunks (RFC 9112 §7.1), as far as they came.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    while let Some(end) = chunks.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&chunks[..end]).unwrap();
        let size = usize::from_str_radix(size.split(';').next().unwrap().trim(), 16).unwrap();
        let rest = &chunks[end + 2..];
        content.extend(&rest[..size.min(rest.len())]);
        chunks = rest.get(size + 2..).unwrap_or_default();
    }
    content
}
