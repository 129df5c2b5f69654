//! A provider made for tests: publishes the keys that a test wants, counts who asks, and goes away on demand.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use chassis::{Outside, Service, Stop};
use identity::{Provider, Verifier};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// The time in every test of tokens.
pub(crate) const NOW: i64 = 1_800_000_000;

/// A key that signs tokens under a name.
pub(crate) struct Signer {
    pub(crate) id: &'static str,
    key: EncodingKey,
    algorithm: Algorithm,
}

impl Signer {
    pub(crate) fn new(id: &'static str) -> Self {
        let pair =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .unwrap();
        Signer { id, key: EncodingKey::from_ec_der(pair.as_ref()), algorithm: Algorithm::ES256 }
    }

    /// A key of the kind that most providers have. Making it takes a moment.
    pub(crate) fn rsa(id: &'static str) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'static> = pair.as_der().unwrap();
        let text = BASE64_STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
        Signer { id, key, algorithm: Algorithm::RS256 }
    }

    /// A key of the same name with other content.
    pub(crate) fn forger(&self) -> Self {
        Signer::new(self.id)
    }

    pub(crate) fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    pub(crate) fn header(&self) -> Header {
        Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_with(&self.header(), claims)
    }

    pub(crate) fn sign_with(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }

    /// Signs any two texts as header and payload, with the key's own algorithm whatever the header says.
    pub(crate) fn sign_texts(&self, header: &str, payload: &str) -> String {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let message = format!("{}.{}", encode(header), encode(payload));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

/// What the provider publishes.
#[derive(Clone, Default)]
pub(crate) struct Published {
    keys: Arc<Mutex<Vec<Value>>>,
    away: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Published {
    pub(crate) fn keys(&self, signers: &[&Signer]) {
        *self.keys.lock().unwrap() = signers.iter().map(|signer| signer.public()).collect();
    }

    pub(crate) fn go_away(&self) {
        self.away.swap(true, Ordering::SeqCst);
    }

    pub(crate) fn come_back(&self) {
        self.away.swap(false, Ordering::SeqCst);
    }

    /// How often somebody asked for the keys.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn router(self, issuer: &str) -> Router {
        let metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/auth"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/certs"),
        });
        Router::new()
            .route("/.well-known/openid-configuration", get(async move || Json(metadata)))
            .route("/certs", get(certs))
            .with_state(self)
    }
}

async fn certs(State(published): State<Published>) -> Result<Json<Value>, StatusCode> {
    published.asked.fetch_add(1, Ordering::SeqCst);
    if published.away.load(Ordering::SeqCst) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    Ok(Json(json!({ "keys": *published.keys.lock().unwrap() })))
}

/// Serves what the router answers for as long as the test takes.
pub(crate) async fn serving(
    router: impl AsyncFnOnce(&str) -> Router,
    test: impl AsyncFnOnce(String),
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let service = Service::new("provider").routes(router(&address).await).on(listener);
    let stop = Stop::new();
    let running = chassis::run(vec![vec![service]], stop.clone());
    let testing = async {
        test(address).await;
        stop.cancel();
    };
    let (outcome, ()) = tokio::join!(running, testing);
    outcome.unwrap();
}

/// Gives the test a verifier of a provider that publishes one key.
pub(crate) async fn with_verifier(test: impl AsyncFnOnce(Published, Signer, Verifier, String)) {
    let (published, signer) = (Published::default(), Signer::new("first"));
    published.keys(&[&signer]);
    let served = published.clone();
    let router = async move |issuer: &str| served.router(issuer);
    serving(router, async |issuer| {
        let verifier = verifier(&issuer);
        test(published, signer, verifier, issuer).await;
    })
    .await;
}

pub(crate) fn verifier(issuer: &str) -> Verifier {
    let outside = Outside::fixed(Timestamp::from_second(NOW).unwrap(), 1);
    Verifier::new(
        Provider::new(issuer).unwrap(),
        vec!["account".into(), "api://default".into()],
        outside,
    )
}

/// The claims of a good token with some replaced; `null` leaves one out.
pub(crate) fn claims(issuer: &str, changes: &Value) -> Value {
    let good = json!({
        "iss": issuer, "sub": "u1", "aud": "account", "iat": NOW, "exp": NOW + 3600,
        "preferred_username": "minted", "roles": ["ROLE_USER", "ROLE_ADMIN"],
    });
    let mut claims: Map<String, Value> = good.as_object().unwrap().clone();
    claims.extend(changes.as_object().unwrap().clone());
    claims.retain(|_, value| !value.is_null());
    Value::Object(claims)
}
