//! Requests that no well-behaved client would send, byte by byte.

use std::time::Duration;

use reqwest::{
    StatusCode, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::Answer;

/// How long a conversation may take.
const LIMIT: Duration = Duration::from_secs(10);

/// A connection to a server.
pub(crate) struct Wire {
    url: Url,
    stream: TcpStream,
}

impl Wire {
    pub(crate) async fn to(address: &str) -> Self {
        let url = Url::parse(address).unwrap();
        let stream =
            TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).await.unwrap();
        Wire { url, stream }
    }

    /// Sends bytes. A server that does not want to read any more may have hung up: its answer tells why.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = timeout(LIMIT, self.stream.write_all(bytes.as_ref()))
            .await
            .expect("the server reads or hangs up");
    }

    /// Reads exactly this.
    pub(crate) async fn hears(&mut self, expected: &str) {
        let mut bytes = vec![0; expected.len()];
        timeout(LIMIT, self.stream.read_exact(&mut bytes))
            .await
            .expect("the server answers")
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
    }

    /// The next bytes, as they come; none once the server has hung up or the connection is broken.
    pub(crate) async fn some(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 64 * 1024];
        let count = timeout(LIMIT, self.stream.read(&mut bytes))
            .await
            .expect("the server answers or hangs up")
            .unwrap_or_default();
        bytes.truncate(count);
        bytes
    }

    /// Reads until the server hangs up, which it must be asked for with `Connection: close`.
    pub(crate) async fn answer(mut self) -> Answer {
        let mut bytes = Vec::new();
        // What came before a connection broke counts.
        let _ = timeout(LIMIT, self.stream.read_to_end(&mut bytes))
            .await
            .expect("the server answers and hangs up");
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) =
            text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer, but {text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers: HeaderMap = headers
            .map(|(name, value)| {
                (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
            })
            .collect();
        Answer {
            url: self.url,
            status: status.parse::<StatusCode>().unwrap(),
            headers,
            body: body.to_owned(),
        }
    }
}

/// One request without a body, with a path that no URL library would leave as it is.
pub(crate) async fn get(address: &str, path: &str, token: &str) -> Answer {
    let mut wire = Wire::to(address).await;
    wire.send(format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n", host(address))).await;
    wire.answer().await
}

/// The head of a `POST` of JSON, without the lines that tell its length.
pub(crate) fn post(address: &str, path: &str, token: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nConnection: close\r\n",
        host(address)
    )
}

fn host(address: &str) -> &str {
    address.trim_start_matches("http://")
}
