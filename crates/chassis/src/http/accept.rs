//! What the caller can read (RFC 9110 §12.5).

use axum::http::{HeaderMap, header};

/// How many entries of such a header are looked at.
const RANGES: usize = 32;

/// Picks from the media types on offer, given without parameters, the one that the caller likes best; the first when the
/// caller has not said anything, none when it takes none of them.
pub fn accepted<'a>(headers: &HeaderMap, offered: &[&'a str]) -> Option<&'a str> {
    let said = entries(headers, header::ACCEPT);
    let mut ranges: Vec<Range> =
        said.filter_map(|(name, quality)| Range::read(name, quality)).collect();
    if ranges.is_empty() {
        let anything = headers.get(header::ACCEPT).is_none_or(|value| value.is_empty());
        return offered.first().copied().filter(|_| anything);
    }
    // Stable, so that what was named first wins among equals.
    ranges.sort_by_key(|range| std::cmp::Reverse((range.quality, range.precision())));
    let refused = |offer: &str| ranges.iter().any(|range| range.quality == 0 && range.is(offer));
    let mut wanted = ranges.iter().filter(|range| range.quality > 0);
    wanted.find_map(|range| {
        offered.iter().copied().find(|offer| range.takes(offer) && !refused(offer))
    })
}

/// Whether the caller, a browser most likely, would rather have a page than JSON.
pub(super) fn prefers_page(headers: &HeaderMap) -> bool {
    // Hardly any request has the words in it, and looking for them costs nothing.
    let mut said = headers.get_all(header::ACCEPT).iter();
    said.any(|value| value.as_bytes().windows(9).any(|word| word == b"text/html"))
        && accepted(headers, &["application/json", "text/html"]) == Some("text/html")
}

/// Whether the answer may be compressed with gzip.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    entries(headers, header::ACCEPT_ENCODING)
        .any(|(name, quality)| name.eq_ignore_ascii_case("gzip") && quality > 0)
}

/// One media range of an Accept header.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    quality: u16,
}

impl<'a> Range<'a> {
    fn read(name: &'a str, quality: u16) -> Option<Self> {
        let (kind, subtype) = name.split_once('/')?;
        Some(Range { kind, subtype, quality })
    }

    fn precision(&self) -> u8 {
        u8::from(self.kind != "*") + u8::from(self.subtype != "*")
    }

    fn takes(&self, offer: &str) -> bool {
        let Some((kind, subtype)) = offer.split_once('/') else { return false };
        let fits = |range: &str, value: &str| range == "*" || range.eq_ignore_ascii_case(value);
        fits(self.kind, kind) && fits(self.subtype, subtype)
    }

    fn is(&self, offer: &str) -> bool {
        self.precision() == 2 && self.takes(offer)
    }
}

/// The entries of a header that is a list, each with its quality in thousandths.
fn entries(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = (&str, u16)> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).take(RANGES).map(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        (name, parts.find_map(quality).unwrap_or(1000))
    })
}

fn quality(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    let value: f32 = value.trim().parse().ok().filter(|_| name.trim().eq_ignore_ascii_case("q"))?;
    Some((value.clamp(0.0, 1.0) * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: header::HeaderName, value: Option<&str>) -> HeaderMap {
        value.map(|value| (name, HeaderValue::from_str(value).unwrap())).into_iter().collect()
    }

    fn check(accept: Option<&str>, expected: Option<&str>) {
        let headers = headers(header::ACCEPT, accept);
        let offered = ["application/x3+json", "application/json", "text/plain"];
        assert_eq!(accepted(&headers, &offered), expected, "{accept:?}");
    }

    #[test]
    fn the_caller_gets_what_it_likes_best() {
        check(None, Some("application/x3+json"));
        check(Some(""), Some("application/x3+json"));
        check(Some("*/*"), Some("application/x3+json"));
        check(Some("Application/JSON"), Some("application/json"));
        check(Some("text/*;q=0.9, application/json;q=0.3"), Some("text/plain"));
        check(Some("*/*, application/json"), Some("application/json"));
        check(Some("application/*;q=0.5, application/x3+json;q=0"), Some("application/json"));
        check(Some("text/html"), None);
        check(Some("text/plain;q=0"), None);
        check(Some("nonsense"), None);
    }

    #[test]
    fn a_browser_is_known_by_what_it_likes() {
        for (accept, expected) in [
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), true),
            (Some("application/json, text/html"), false),
            (Some("text/html;q=0.1, */*"), false),
            (Some("*/*"), false),
            (None, false),
        ] {
            assert_eq!(prefers_page(&headers(header::ACCEPT, accept)), expected, "{accept:?}");
        }
    }

    #[test]
    fn gzip_has_to_be_asked_for() {
        for (said, expected) in [
            (Some("gzip, deflate, br"), true),
            (Some("deflate, GZIP;q=0.5"), true),
            (Some("gzip;q=0"), false),
            (Some("br"), false),
            (None, false),
        ] {
            let headers = headers(header::ACCEPT_ENCODING, said);
            assert_eq!(takes_gzip(&headers), expected, "{said:?}");
        }
    }
}
