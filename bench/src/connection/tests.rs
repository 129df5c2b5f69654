//! A connection against a peer that says exactly what it is told.

use tokio::net::TcpListener;

use super::*;

/// The outcome of one exchange with a peer that answers `parts`, one after the other, and closes.
async fn check(parts: &[&str], expected: Result<(u16, usize), &str>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = Peer::find(&format!("http://{}", listener.local_addr().unwrap())).await.unwrap();
    let answering = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4];
        stream.read_exact(&mut request).await.unwrap();
        assert_eq!(&request, b"ping");
        for part in parts {
            stream.write_all(part.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let asking = async {
        let mut connection = Connection::open(&peer).await.unwrap();
        let answer = connection.exchange(b"ping").await;
        answer.map(|answer| (answer.status, answer.length)).map_err(|cause| format!("{cause:#}"))
    };
    let ((), found) = tokio::join!(answering, asking);
    match (&found, expected) {
        (Ok(found), Ok(expected)) => assert_eq!(*found, expected, "{parts:?}"),
        (Err(found), Err(expected)) => assert!(found.contains(expected), "{parts:?}: {found}"),
        _ => panic!("{parts:?}: {found:?}, not {expected:?}"),
    }
}

#[tokio::test]
async fn an_answer_may_come_in_parts() {
    check(&["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"], Ok((200, 2))).await;
    check(&["HTTP/1.1 40", "4 no\r\ncontent-length: 2\r\n\r", "\n{", "}"], Ok((404, 2))).await;
}

#[tokio::test]
async fn an_answer_that_is_cut_off_or_too_long_is_an_error() {
    check(&[], Err("closed in the middle")).await;
    check(&["HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}"], Err("closed in the middle")).await;
    check(&["HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{}"], Err("1 bytes came after")).await;
    let large = "x".repeat(ANSWER_LIMIT);
    check(&["HTTP/1.1 200 OK\r\ncontent-length: 65536\r\n\r\n", &large], Err("larger than")).await;
}

#[tokio::test]
async fn an_excerpt_shows_what_was_said() {
    let raw = b"HTTP/1.1 401 \r\ncontent-length: 3\r\n\r\nwho";
    let answer = Answer { status: 401, length: 3, last: false, raw };
    assert!(answer.excerpt().ends_with("who") && answer.excerpt().starts_with("HTTP/1.1 401"));
}

#[test]
fn a_header_is_found_whatever_its_case() {
    let raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nvary:a\r\n\r\nx-body: no\r\n";
    let answer = Answer { status: 200, length: 12, last: false, raw };
    assert_eq!(answer.header("content-encoding"), Some(&b"gzip"[..]));
    assert_eq!(answer.header("Vary"), Some(&b"a"[..]));
    assert_eq!(answer.header("x-body"), None);
    assert!(answer.contains(b"body: no") && !answer.contains(b"body: yes"));
}
