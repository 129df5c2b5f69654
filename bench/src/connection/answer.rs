//! Where an HTTP/1.1 answer ends (RFC 9112): as little parsing as tells a whole good answer from everything else.

use anyhow::{Context, bail};

/// An answer found at the beginning of some bytes.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) status: u16,
    /// How many bytes the body has, without the frames of chunks.
    pub(super) length: usize,
    /// How many bytes the answer has.
    pub(super) end: usize,
    /// The connection ends with it.
    pub(super) last: bool,
}

/// How the end of a body is told.
enum Framing {
    Length(usize),
    Chunked,
}

/// Looks for an answer at the beginning of `bytes`; `None` when more bytes are needed.
///
/// # Errors
/// When this is no HTTP/1.1 answer, or one that does not tell where its body ends.
pub(super) fn parse(bytes: &[u8]) -> anyhow::Result<Option<Found>> {
    let Some(head) = find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let mut lines = bytes[..head].split(|byte| *byte == b'\n');
    let status = lines.next().and_then(status).context("the answer is no HTTP/1.1")?;
    let (mut framing, mut last) = (None, false);
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            framing = Some(Framing::Length(number(value, 10).context("a length that is none")?));
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            framing = Some(Framing::Chunked);
        } else if name.eq_ignore_ascii_case(b"connection") {
            last = value.eq_ignore_ascii_case(b"close");
        }
    }
    let body = head + 4;
    let framing = if matches!(status, 204 | 304) { Some(Framing::Length(0)) } else { framing };
    let ends = match framing {
        Some(Framing::Length(length)) => {
            let end = body.checked_add(length).context("a length that no body can have")?;
            (end <= bytes.len()).then_some((length, end))
        }
        Some(Framing::Chunked) => chunks(bytes, body)?,
        None => bail!("the answer with status {status} does not tell where its body ends"),
    };
    Ok(ends.map(|(length, end)| Found { status, length, end, last }))
}

/// The length of a body in chunks (RFC 9112 §7.1), and where it ends.
fn chunks(bytes: &[u8], mut at: usize) -> anyhow::Result<Option<(usize, usize)>> {
    let mut length = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(line) = find(rest, b"\r\n") else { return Ok(None) };
        let digits = rest[..line].split(|byte| *byte == b';').next().unwrap_or_default();
        let size = number(digits.trim_ascii(), 16).context("a chunk without a size")?;
        at += line + 2;
        if size == 0 {
            // Trailers are rare enough to be read as lines until an empty one.
            let trailers = &bytes[at..];
            let end = if trailers.starts_with(b"\r\n") {
                Some(2)
            } else {
                find(trailers, b"\r\n\r\n").map(|end| end + 4)
            };
            return Ok(end.map(|end| (length, at + end)));
        }
        let next = at.checked_add(size).and_then(|end| end.checked_add(2));
        let next = next.context("a chunk that is too large")?;
        if bytes.get(next - 2..next).is_some_and(|end| end != b"\r\n") {
            bail!("a chunk that does not end where it says");
        }
        length += size;
        at = next;
    }
}

/// The status in `HTTP/1.1 200 OK`.
fn status(line: &[u8]) -> Option<u16> {
    let digits = line.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    u16::try_from(number(digits, 10)?).ok()
}

fn number(digits: &[u8], radix: u32) -> Option<usize> {
    if !digits.first()?.is_ascii_hexdigit() {
        return None;
    }
    usize::from_str_radix(str::from_utf8(digits).ok()?, radix).ok()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expected`: status, length of the body, whether the connection ends. Every beginning of the answer is incomplete.
    fn check(answer: &str, expected: (u16, usize, bool)) {
        let (status, length, last) = expected;
        let found = Found { status, length, end: answer.len(), last };
        assert_eq!(parse(answer.as_bytes()).unwrap().as_ref(), Some(&found), "{answer:?}");
        let with_more = format!("{answer}more");
        assert_eq!(parse(with_more.as_bytes()).unwrap(), Some(found), "{with_more:?}");
        for part in 0..answer.len() {
            let outcome = parse(&answer.as_bytes()[..part]).unwrap();
            assert_eq!(outcome, None, "{:?}", &answer[..part]);
        }
    }

    #[test]
    fn an_answer_ends_where_it_says() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", (200, 2, false));
        check("HTTP/1.1 200 \r\ncontent-length:0\r\n\r\n", (200, 0, false));
        check("HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", (204, 0, false));
        check(
            "HTTP/1.1 503 Away\r\nCONNECTION: Close\r\nCONTENT-LENGTH: 1\r\n\r\nx",
            (503, 1, true),
        );
    }

    #[test]
    fn a_body_in_chunks_ends_with_an_empty_one() {
        let chunked = |body: &str| {
            format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n{body}"
            )
        };
        check(&chunked("0\r\n\r\n"), (200, 0, false));
        check(&chunked("3\r\nabc\r\n0\r\n\r\n"), (200, 3, false));
        check(&chunked("3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"), (200, 13, false));
        check(&chunked("1\r\na\r\n0\r\nSum: 1\r\n\r\n"), (200, 1, false));
    }

    fn check_refused(answer: &str, expected: &str) {
        let cause = format!("{:#}", parse(answer.as_bytes()).unwrap_err());
        assert!(cause.contains(expected), "{answer:?}: {cause}");
    }

    #[test]
    fn what_is_no_whole_answer_is_an_error() {
        check_refused("HTTP/1.0 200 OK\r\n\r\n", "no HTTP/1.1");
        check_refused("250 ok\r\n\r\n", "no HTTP/1.1");
        check_refused("HTTP/1.1 2x0 OK\r\n\r\n", "no HTTP/1.1");
        check_refused("HTTP/1.1 200 OK\r\n\r\n", "where its body ends");
        check_refused("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", "a length that is none");
        check_refused("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "a length that is none");
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        check_refused(&format!("{chunked}x\r\n"), "without a size");
        check_refused(&format!("{chunked}1\r\nabc"), "does not end where it says");
        check_refused(&format!("{chunked}ffffffffffffffff\r\n"), "too large");
    }
}
