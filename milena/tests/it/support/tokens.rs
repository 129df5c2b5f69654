//! Tokens, good and bad.

use std::{path::Path, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chassis::{Outside, Service, Stop};
use database::{Durability, Sqlite};
use identity::Issuer;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};

use super::{Answer, Home, logs::Secrets};

/// Signs in with a script, as a user whose password is the user's name.
pub(crate) async fn by_password(secrets: &Secrets, issuer: &str, user: &str) -> String {
    let answer = ask(issuer, user, user).await.expect(200).json();
    let text = |name: &str| answer[name].as_str().unwrap();
    ["access_token", "refresh_token", "id_token"]
        .iter()
        .for_each(|name| secrets.add_token(text(name)));
    text("access_token").to_owned()
}

/// Asks for tokens by name and password.
pub(crate) async fn ask(issuer: &str, user: &str, password: &str) -> Answer {
    let form = [
        ("grant_type", "password"),
        ("client_id", "web_app"),
        ("scope", "openid"),
        ("username", user),
        ("password", password),
    ];
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{issuer}/protocol/openid-connect/token")).form(&form);
    Answer::of(request.send().await.unwrap()).await
}

/// What a token says.
pub(crate) fn claims(token: &str) -> Map<String, Value> {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// The same token with other claims, signed by the system's own key as if its issuer had made it.
pub(crate) fn signed_again(
    home: &Home,
    token: &str,
    change: impl FnOnce(&mut Map<String, Value>),
) -> String {
    let kid = jsonwebtoken::decode_header(token).unwrap().kid;
    let mut claims = claims(token);
    change(&mut claims);
    jsonwebtoken::encode(
        &Header { kid, ..Header::new(jsonwebtoken::Algorithm::RS256) },
        &claims,
        &issuer_key(home),
    )
    .unwrap()
}

/// A token of exactly this header and these claims, whatever they are.
pub(crate) fn minted(header: &Value, claims: &Value, key: &EncodingKey) -> String {
    let algorithm = header["alg"].as_str().unwrap().parse().unwrap();
    let [header, claims] =
        [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
    let message = format!("{header}.{claims}");
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// The key with which the system's own issuer signs.
pub(crate) fn issuer_key(home: &Home) -> EncodingKey {
    key_in(&home.path("keys"))
}

fn key_in(folder: &Path) -> EncodingKey {
    EncodingKey::from_rsa_pem(&std::fs::read(folder.join("issuer-key.pem")).unwrap()).unwrap()
}

/// The same token with other claims under the old signature.
pub(crate) fn tampered(token: &str, change: impl FnOnce(&mut Map<String, Value>)) -> String {
    let mut claims = claims(token);
    change(&mut claims);
    let payload = BASE64_URL_SAFE_NO_PAD.encode(Value::Object(claims).to_string());
    let parts: Vec<&str> = token.split('.').collect();
    format!("{}.{payload}.{}", parts[0], parts[2])
}

/// The same token without a signature, as if none were needed.
pub(crate) fn unsigned(token: &str) -> String {
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    format!("{header}.{}.", token.split('.').nth(1).unwrap())
}

/// Another identity provider, with a key of its own.
pub(crate) struct Stranger {
    address: String,
    stop: Stop,
    task: JoinSet<anyhow::Result<()>>,
    folder: TempDir,
}

impl Stranger {
    /// Starts one. It calls itself by its own address, or pretends to be `pretended`.
    pub(crate) async fn start(pretended: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/realms/jhipster", listener.local_addr().unwrap());
        let database = Sqlite::open(
            &folder.path().join("identity.db"),
            &identity::issuer::TABLES,
            Durability::ProcessCrash,
        )
        .await
        .unwrap();
        let name = pretended.unwrap_or(&address).to_owned();
        let issuer =
            Issuer::open(Arc::clone(&database) as _, folder.path(), name, Outside::system())
                .await
                .unwrap();
        let service = Service::new("identity").routes(issuer.routes()).on(listener);
        let (stop, mut task) = (Stop::new(), JoinSet::new());
        task.spawn(chassis::run(vec![vec![service]], stop.clone()));
        Stranger { address, stop, task, folder }
    }

    /// A token of its user `admin`.
    pub(crate) async fn token(&self, secrets: &Secrets) -> String {
        by_password(secrets, &self.address, "admin").await
    }

    /// The key with which it signs.
    pub(crate) fn key(&self) -> EncodingKey {
        key_in(self.folder.path())
    }

    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        self.task.join_next().await.unwrap().unwrap().unwrap();
    }
}
