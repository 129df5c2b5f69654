//! Answers compressed for those who ask for it (contract §2.4).

use std::io::Write;

use anyhow::Context;
use axum::{
    body::{Body, HttpBody},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use flate2::{Compression, write::GzEncoder};
use http_body_util::BodyExt;

use crate::Problem;

/// From how many bytes on it is worth it; the Java services' setting.
const SMALLEST: u64 = 1024;
/// Up to how many bytes; the compressed answer has to be in memory as a whole.
const LARGEST: u64 = 16 * 1024 * 1024;
/// After how many bytes others would have to wait too long for this thread.
const PIECE: usize = 64 * 1024;

/// The media types that are compressed; what begins like one is one. The Java services' setting, and the registry's XML.
const KINDS: [&str; 8] = [
    "text/html",
    "text/xml",
    "text/plain",
    "text/css",
    "application/javascript",
    "application/json",
    "application/xml",
    "image/svg+xml",
];

/// Compresses an answer whose kind and size make it worth it. An entity tag stays as it is: nothing that we answer may be
/// kept by a cache, so nobody can mix up the two forms.
pub async fn compressed(response: Response) -> Response {
    if !is_worth_it(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    match pack(body).await {
        Ok(packed) => {
            parts.headers.remove(header::CONTENT_LENGTH);
            parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            Response::from_parts(parts, Body::from(packed))
        }
        Err(cause) => axum::response::IntoResponse::into_response(Problem::internal(cause)),
    }
}

fn is_worth_it(response: &Response) -> bool {
    let headers = response.headers();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let partial = response.status() == StatusCode::PARTIAL_CONTENT;
    let size = response.body().size_hint().exact();
    size.is_some_and(|size| (SMALLEST..=LARGEST).contains(&size))
        && kind.is_some_and(|kind| KINDS.iter().any(|known| kind.starts_with(known)))
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !partial
}

/// Never has more of the plain text in memory than one piece of it, and lets others have their turn between pieces.
async fn pack(mut body: Body) -> anyhow::Result<Vec<u8>> {
    let expected = body.size_hint().lower() as usize / 4;
    let mut encoder = GzEncoder::new(Vec::with_capacity(expected), Compression::fast());
    while let Some(frame) = body.frame().await {
        let frame = frame.context("read the answer to be compressed")?;
        for piece in frame.data_ref().into_iter().flat_map(|data| data.chunks(PIECE)) {
            encoder.write_all(piece).context("compress the answer")?;
            if piece.len() == PIECE {
                tokio::task::yield_now().await;
            }
        }
    }
    encoder.finish().context("compress the answer")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    async fn check(kind: &'static str, size: usize, expected: bool) {
        let text = "0123456789abcdef".repeat(size.div_ceil(16))[..size].to_owned();
        let mut response = Response::new(Body::from(text.clone()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        let response = compressed(response).await;
        assert_eq!(response.headers().contains_key(header::CONTENT_ENCODING), expected, "{kind}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let mut read = String::new();
        match expected {
            true => flate2::read::GzDecoder::new(&*body).read_to_string(&mut read).unwrap(),
            false => (&*body).read_to_string(&mut read).unwrap(),
        };
        assert!(read == text, "{kind} of {size} bytes changed");
    }

    #[tokio::test]
    async fn long_texts_are_compressed_and_nothing_else() {
        check("application/json", 1023, false).await;
        check("application/json", 1024, true).await;
        check("text/plain;version=0.0.4;charset=utf-8", 300_000, true).await;
        check("application/problem+json", 2048, false).await;
        check("image/png", 2048, false).await;
    }

    #[tokio::test]
    async fn what_is_compressed_already_stays_as_it_is() {
        let mut response = Response::new(Body::from("x".repeat(2048)));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
        let response = compressed(response).await;
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "br");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes().len(), 2048);
    }
}
