//! Which trace a request belongs to (W3C Trace Context, `traceparent`), so that what it causes can name it.

use axum::{extract::Request, http::HeaderMap, middleware::Next, response::Response};

use crate::Outside;

tokio::task_local! {
    /// The trace of the request that is being answered, if it named one.
    static CURRENT: Option<Trace>;
}

/// A trace that a caller has named.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trace {
    /// 32 hexadecimal digits.
    id: String,
    /// 2 hexadecimal digits.
    flags: String,
}

/// Answers a request within the trace that its header `traceparent` names. A header that is none is ignored, as the
/// recommendation has it.
pub async fn traced(request: Request, next: Next) -> Response {
    let trace = Trace::read(request.headers());
    CURRENT.scope(trace, next.run(request)).await
}

/// A `traceparent` for what the request causes that is being answered: a new span of its trace, or of a new one.
pub fn traceparent(outside: &Outside) -> String {
    let trace = CURRENT.try_with(Clone::clone).ok().flatten();
    let span = hex(&outside.bytes::<8>());
    match trace {
        Some(Trace { id, flags }) => format!("00-{id}-{span}-{flags}"),
        None => format!("00-{}-{span}-00", hex(&outside.bytes::<16>())),
    }
}

impl Trace {
    fn read(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all("traceparent").iter();
        let (value, None) = (values.next()?.to_str().ok()?, values.next()) else { return None };
        let mut parts = value.split('-');
        let (version, id, parent, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |text: &str, length| {
            text.len() == length
                && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_set = |text: &str| text.bytes().any(|byte| byte != b'0');
        let is_valid = is_hex(version, 2)
            && version != "ff"
            && (version != "00" || parts.next().is_none())
            && is_hex(id, 32)
            && is_set(id)
            && is_hex(parent, 16)
            && is_set(parent)
            && is_hex(flags, 2);
        is_valid.then(|| Trace { id: id.to_owned(), flags: flags.to_owned() })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    fn read(value: &str) -> Option<Trace> {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", value.parse().unwrap());
        Trace::read(&headers)
    }

    #[test]
    fn a_trace_is_taken_as_the_recommendation_has_it() {
        let trace = Some(Trace { id: ID.to_owned(), flags: "01".to_owned() });
        assert_eq!(read(&format!("00-{ID}-b7ad6b7169203331-01")), trace);
        assert_eq!(read(&format!("01-{ID}-b7ad6b7169203331-01-more")), trace);
        for wrong in [
            String::new(),
            format!("00-{ID}-b7ad6b7169203331"),
            format!("00-{ID}-b7ad6b7169203331-01-more"),
            format!("ff-{ID}-b7ad6b7169203331-01"),
            format!("00-{ID}-0000000000000000-01"),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-{}-b7ad6b7169203331-01", ID.to_uppercase()),
        ] {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn what_a_request_causes_is_a_span_of_its_trace() {
        let outside = Outside::system();
        let trace = read(&format!("00-{ID}-b7ad6b7169203331-01"));
        let inside = CURRENT.scope(trace, async { traceparent(&outside) }).await;
        assert!(inside.starts_with(&format!("00-{ID}-")) && inside.ends_with("-01"), "{inside}");
        assert!(!inside.contains("b7ad6b7169203331"), "{inside}");
        let alone = traceparent(&outside);
        assert!(alone.len() == 55 && !alone.contains(ID), "{alone}");
    }
}
