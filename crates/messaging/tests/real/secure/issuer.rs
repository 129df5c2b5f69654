//! An OpenID provider that gives unsigned tokens, as Kafka's validator for development takes them.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

pub(super) const CLIENT: &str = "milena";
pub(super) const SECRET: &str = "whispered";

/// Gone when it is dropped.
pub(super) struct Issuer {
    /// Its host and port.
    pub(super) address: String,
    _clerk: JoinSet<()>,
}

impl Issuer {
    pub(super) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut clerk = JoinSet::new();
        clerk.spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                serve(client).await;
            }
        });
        Issuer { address, _clerk: clerk }
    }
}

async fn serve(mut client: TcpStream) {
    let mut request = String::new();
    while !request.contains("grant_type=client_credentials") {
        let mut part = [0; 1024];
        let read = client.read(&mut part).await.unwrap();
        assert!(read > 0, "a request without a grant: {request}");
        request.push_str(std::str::from_utf8(&part[..read]).unwrap());
    }
    let credentials = BASE64_STANDARD.encode(format!("{CLIENT}:{SECRET}"));
    let (status, content) = match request.contains(&format!("Basic {credentials}")) {
        true => ("200 OK", format!(r#"{{"access_token":"{}","token_type":"Bearer"}}"#, token())),
        false => (
            "401 Unauthorized",
            r#"{"error":"invalid_client","error_description":"the secret is wrong"}"#.to_owned(),
        ),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{content}",
        content.len()
    );
    client.write_all(answer.as_bytes()).await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "the broker looks at the same clock")]
fn token() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = format!(r#"{{"sub":"{CLIENT}","iat":{now},"exp":{}}}"#, now + 300);
    let [header, claims] =
        [r#"{"alg":"none"}"#, &*claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    format!("{header}.{claims}.")
}
