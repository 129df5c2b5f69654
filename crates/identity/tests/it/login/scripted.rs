//! An issuer that behaves as a test tells it to, on a socket of its own. Signs everybody in as `ann` without asking.

use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::RwLock, task::JoinSet};

use super::{CLIENT, ESCAPED_SECRET, NOW};

/// Made once, because making it takes longer than a test.
static PAIR: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).unwrap());

/// How the issuer misbehaves.
#[derive(Clone, Default)]
pub(crate) struct Script {
    /// Goes into the ID token in place of the right nonce.
    pub(crate) nonce: Option<&'static str>,
    /// Is whom userinfo speaks of.
    pub(crate) userinfo_subject: Option<&'static str>,
    /// Refuses every refresh token.
    pub(crate) refuses_refresh: bool,
    /// Answers every token request with 503.
    pub(crate) is_down: bool,
    /// How many seconds an access token lasts, if not 300.
    pub(crate) expires_in: Option<i64>,
    /// Gives no refresh token.
    pub(crate) gives_no_refresh_token: bool,
}

pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) script: Mutex<Script>,
    /// How many token requests came.
    pub(crate) asked: AtomicUsize,
    /// A test that holds this for writing keeps token requests waiting.
    pub(crate) gate: RwLock<()>,
    key: EncodingKey,
    jwk: Value,
    codes: Mutex<HashMap<String, HashMap<String, String>>>,
    refresh_token: Mutex<String>,
    _serving: Mutex<JoinSet<()>>,
}

impl Issuer {
    pub(crate) async fn start() -> Arc<Issuer> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pair = &*PAIR;
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(pair).unwrap();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            BASE64_STANDARD.encode(der.as_ref())
        );
        let number = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let public = pair.public_key();
        let (modulus, exponent) = (public.modulus(), public.exponent());
        let jwk = json!({
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
            "n": number(modulus.big_endian_without_leading_zero()), "e": number(exponent.big_endian_without_leading_zero()),
        });
        let issuer = Arc::new(Issuer {
            url: format!("http://{}/realms/test", listener.local_addr().unwrap()),
            script: Mutex::default(),
            asked: AtomicUsize::new(0),
            gate: RwLock::new(()),
            key: EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
            jwk,
            codes: Mutex::default(),
            refresh_token: Mutex::default(),
            _serving: Mutex::default(),
        });
        let router = Router::new()
            .route("/realms/test/.well-known/openid-configuration", get(configuration))
            .route("/realms/test/certs", get(certificates))
            .route("/realms/test/auth", get(authorize))
            .route("/realms/test/token", post(token))
            .route("/realms/test/userinfo", get(userinfo))
            .with_state(issuer.clone());
        issuer
            ._serving
            .lock()
            .unwrap()
            .spawn(async move { axum::serve(listener, router).await.unwrap() });
        issuer
    }

    pub(crate) fn play(&self, script: Script) {
        *self.script.lock().unwrap() = script;
    }

    pub(crate) fn script(&self) -> Script {
        self.script.lock().unwrap().clone()
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// A token that a program could bring.
    pub(crate) fn bearer(&self, audience: &str) -> String {
        self.sign(json!({ "aud": audience, "groups": ["ROLE_USER"], "preferred_username": "ann" }))
    }

    fn sign(&self, mut claims: Value) -> String {
        let issued = NOW.parse::<jiff::Timestamp>().unwrap().as_second();
        claims.as_object_mut().unwrap().extend([
            ("iss".to_owned(), json!(self.url)),
            ("sub".to_owned(), json!("4c97")),
            ("iat".to_owned(), json!(issued)),
            ("exp".to_owned(), json!(issued + 300)),
        ]);
        let header = Header { kid: Some("1".into()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }

    /// What the token endpoint answers, and under which refresh token it may be asked next.
    fn grant(&self, nonce: Option<&str>) -> Response {
        let number = self.asked();
        let refresh_token = format!("refresh-{number}");
        *self.refresh_token.lock().unwrap() = refresh_token.clone();
        let expires_in = self.script().expires_in.unwrap_or(300);
        let access_token = format!("access-{number}");
        let mut answer = json!({ "access_token": access_token, "token_type": "Bearer", "expires_in": expires_in });
        if !self.script().gives_no_refresh_token {
            answer["refresh_token"] = json!(refresh_token);
        }
        if let Some(nonce) = nonce {
            answer["id_token"] = json!(
                self.sign(json!({ "aud": CLIENT, "nonce": self.script().nonce.unwrap_or(nonce) }))
            );
        }
        Json(answer).into_response()
    }
}

type Parameters = HashMap<String, String>;

async fn configuration(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    let url = |path: &str| format!("{}/{path}", issuer.url);
    Json(json!({
        "issuer": issuer.url, "authorization_endpoint": url("auth"), "token_endpoint": url("token"),
        "userinfo_endpoint": url("userinfo"), "jwks_uri": url("certs"), "end_session_endpoint": url("logout"),
    }))
}

async fn certificates(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    Json(json!({ "keys": [issuer.jwk] }))
}

async fn authorize(State(issuer): State<Arc<Issuer>>, Query(asked): Query<Parameters>) -> Response {
    for (name, value) in
        [("response_type", "code"), ("client_id", CLIENT), ("code_challenge_method", "S256")]
    {
        assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(asked["scope"], "openid profile");
    let mut codes = issuer.codes.lock().unwrap();
    let code = format!("code-{}", codes.len());
    let location = format!(
        "{}?state={}&code={code}&iss={}",
        asked["redirect_uri"], asked["state"], issuer.url
    );
    codes.insert(code, asked);
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

async fn token(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    Form(form): Form<Parameters>,
) -> Response {
    issuer.asked.fetch_add(1, Ordering::SeqCst);
    let _open = issuer.gate.read().await;
    let refused =
        |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    if issuer.script().is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{CLIENT}:{ESCAPED_SECRET}")));
    if headers.get(header::AUTHORIZATION).is_none_or(|value| value.as_bytes() != basic.as_bytes()) {
        return refused("invalid_client");
    }
    if form["grant_type"] == "refresh_token" {
        // A refresh token is good once, as RFC 9700 §4.14.2 asks for.
        let is_current = *issuer.refresh_token.lock().unwrap() == form["refresh_token"];
        return if is_current && !issuer.script().refuses_refresh {
            issuer.grant(None)
        } else {
            refused("invalid_grant")
        };
    }
    let Some(asked) = issuer.codes.lock().unwrap().remove(&form["code"]) else {
        return refused("invalid_grant");
    };
    let challenge =
        BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, form["code_verifier"].as_bytes()));
    if challenge != asked["code_challenge"] || form["redirect_uri"] != asked["redirect_uri"] {
        return refused("invalid_grant");
    }
    issuer.grant(Some(&asked["nonce"]))
}

async fn userinfo(State(issuer): State<Arc<Issuer>>, headers: HeaderMap) -> Response {
    let token =
        headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap()).unwrap_or_default();
    if !token.starts_with("Bearer access-") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let subject = issuer.script().userinfo_subject.unwrap_or("4c97");
    Json(json!({
        "sub": subject, "preferred_username": "ann", "given_name": "Ann", "family_name": "Reader",
        "email": "ann@example.org", "email_verified": true, "groups": ["ROLE_USER", "offline_access"],
    }))
    .into_response()
}
