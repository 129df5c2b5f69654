//! A small identity provider: publishes one key (OpenID Connect Discovery 1.0, RFC 7517) and makes one token with it, so
//! that a service can be measured without a provider's help.

use std::{convert::Infallible, sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

/// How many may be connected at a time.
const CONNECTIONS: usize = 64;

/// How long a connection may take to ask something.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the token lasts: longer than any run.
const LIFETIME_SECONDS: u64 = 24 * 60 * 60;

/// What is asked for, and its answer.
type Documents = [(&'static str, Bytes); 2];

/// Publishes its key until dropped.
pub(crate) struct Issuer {
    url: String,
    token: String,
    _server: JoinSet<()>,
}

impl Issuer {
    /// Makes a key and listens on a port of this machine's own.
    pub(crate) async fn start() -> anyhow::Result<Issuer> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("listen as an issuer")?;
        let url = format!("http://{}", listener.local_addr()?);
        // Making a key of 2048 bits takes a good part of a second of computing.
        let key =
            tokio::task::spawn_blocking(make_key).await.context("make the issuer's key")??;
        let mut public = Jwk::from_encoding_key(&key, Algorithm::RS256)?;
        let id = public.thumbprint(ThumbprintHash::SHA256)?;
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        public.common.key_id = Some(id.clone());

        let header = Header { kid: Some(id), ..Header::new(Algorithm::RS256) };
        let claims = claims(&url, jsonwebtoken::get_current_timestamp());
        let token = jsonwebtoken::encode(&header, &claims, &key).context("sign the token")?;
        let documents: Documents = [
            ("/.well-known/openid-configuration", Bytes::from(metadata(&url).to_string())),
            ("/certs", Bytes::from(json!({"keys": [public]}).to_string())),
        ];
        let mut server = JoinSet::new();
        server.spawn(serve(listener, documents.into()));
        Ok(Issuer { url, token, _server: server })
    }

    /// Its name, which is where it answers.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The token of an administrator.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

fn make_key() -> anyhow::Result<EncodingKey> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| anyhow!("make an RSA key"))?;
    let der: Pkcs8V1Der<'static> = pair.as_der().map_err(|_| anyhow!("write an RSA key"))?;
    let text = BASE64_STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    EncodingKey::from_rsa_pem(pem.as_bytes()).context("read an RSA key")
}

fn metadata(url: &str) -> Value {
    json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/auth"),
        "token_endpoint": format!("{url}/token"),
        "userinfo_endpoint": format!("{url}/userinfo"),
        "jwks_uri": format!("{url}/certs"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

/// The claims that a Keycloak realm would put into an administrator's token, so that it costs as much to read.
fn claims(issuer: &str, now: u64) -> Value {
    let roles = ["ROLE_ADMIN", "ROLE_USER", "default-roles-jhipster", "offline_access"];
    json!({
        "exp": now + LIFETIME_SECONDS,
        "iat": now,
        "jti": "4f1c7a52-5c1e-4a0f-9d53-0a6f5c1e9b27",
        "iss": issuer,
        "aud": "account",
        "sub": "1c2b3a4d-0000-4000-8000-00000000be9c",
        "typ": "Bearer",
        "azp": "web_app",
        "session_state": "9a0e6c1f-7f0b-4c55-8a40-3b1d2e9f6c70",
        "acr": "1",
        "resource_access": {"account": {"roles": ["view-profile", "manage-account"]}},
        "scope": "openid profile email",
        "sid": "9a0e6c1f-7f0b-4c55-8a40-3b1d2e9f6c70",
        "email_verified": true,
        "roles": roles,
        "name": "Admin Administrator",
        "preferred_username": "admin",
        "given_name": "Admin",
        "family_name": "Administrator",
        "email": "admin@localhost",
    })
}

async fn serve(listener: TcpListener, documents: Arc<Documents>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&documents)));
                }
                Err(cause) => {
                    eprintln!("issuer: {cause}");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(stream: TcpStream, documents: Arc<Documents>) {
    let answer = service_fn(async |request: Request<Incoming>| {
        let found = documents.iter().find(|(path, _)| *path == request.uri().path());
        let (status, body) = found.map_or((404, Bytes::new()), |(_, body)| (200, body.clone()));
        let mut answer = Response::new(Full::new(body));
        *answer.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
        answer.headers_mut().insert(
            hyper::header::CONTENT_TYPE,
            hyper::header::HeaderValue::from_static("application/json"),
        );
        Ok::<_, Infallible>(answer)
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    // A connection that breaks is the asking side's to complain about.
    let _ = server.serve_connection(TokioIo::new(stream), answer).await;
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;
    use crate::http::Http;

    async fn get(url: &str) -> anyhow::Result<Value> {
        Http::new().send_for_json(Request::get(url).body(Full::default()).unwrap()).await
    }

    #[tokio::test]
    async fn its_token_is_good_by_the_key_that_it_publishes() {
        let issuer = Issuer::start().await.unwrap();
        let url = format!("{}/.well-known/openid-configuration", issuer.url());
        let metadata = get(&url).await.unwrap();
        assert_eq!(metadata["issuer"], issuer.url());
        let keys = get(metadata["jwks_uri"].as_str().unwrap()).await.unwrap();
        let key: Jwk = serde_json::from_value(keys["keys"][0].clone()).unwrap();

        let header = jsonwebtoken::decode_header(issuer.token()).unwrap();
        assert_eq!((header.alg, header.kid), (Algorithm::RS256, key.common.key_id.clone()));
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[issuer.url()]);
        validation.set_audience(&["account"]);
        let checking = DecodingKey::from_jwk(&key).unwrap();
        let token: jsonwebtoken::TokenData<Value> =
            jsonwebtoken::decode(issuer.token(), &checking, &validation).unwrap();
        assert_eq!(token.claims["preferred_username"], "admin");
        assert!(token.claims["roles"].as_array().unwrap().contains(&json!("ROLE_ADMIN")));
    }

    #[tokio::test]
    async fn it_publishes_nothing_else() {
        let issuer = Issuer::start().await.unwrap();
        let cause = get(&format!("{}/token", issuer.url())).await.unwrap_err();
        assert!(cause.to_string().contains("404"), "{cause}");
    }
}
