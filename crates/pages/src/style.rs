//! The style sheet, embedded in the program. Its address carries a hash of its content, so that browsers may keep it
//! for a year and still see every change at once.

use axum::{
    Router,
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use chassis::Problem;

const SHEET: &str = include_str!("../style/milena.css");
const HASH: u64 = fnv1a(SHEET.as_bytes());

/// Where the style sheet is.
pub fn address() -> String {
    format!("/content/milena-{HASH:016x}.css")
}

/// Serves the style sheet, to everybody and to every cache.
pub fn routes() -> Router {
    Router::new().route("/content/{file}", get(sheet))
}

async fn sheet(Path(file): Path<String>) -> Result<Response, Problem> {
    if address().strip_prefix("/content/") != Some(file.as_str()) {
        return Err(Problem::not_found());
    }
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::PRAGMA, "cache"),
    ];
    Ok((headers, SHEET).into_response())
}

/// The hash function FNV-1a: it tells versions of a file apart, nothing more is asked of it.
pub const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::fnv1a;

    #[test]
    fn the_hash_is_that_of_its_publication() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
