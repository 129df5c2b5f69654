//! The development identity provider: OpenID Connect for two known users on this machine, at the paths of the
//! tutorial's Keycloak. Never for production: its users and its client's secret are public.

mod address;
mod authorize;
mod client;
mod code;
mod exchange;
mod hash;
mod key;
mod logout;
mod page;
mod parameters;
mod recent;
mod session;
mod sign_on;
mod tokens;
mod user;
mod userinfo;

use std::{path::Path, sync::Arc};

use anyhow::{anyhow, ensure};
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use chassis::{Outside, Problem};
use database::{DatabaseRef, Table};
use serde_json::{Value, json};

use code::Codes;
use key::SigningKey;
use session::Sessions;
use sign_on::SignOns;

/// The tables that must be there in the database that [`Issuer::open`] is given.
pub const TABLES: [Table; 1] = [session::TABLE];

/// The scopes that mean something here. What tokens say of a user does not depend on them.
const SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];
const PROTOCOL: &str = "/protocol/openid-connect";
/// Where the form of the sign-in page is sent.
const SIGN_IN: &str = "/login-actions/authenticate";

/// The development identity provider. Answers only requests that name this machine itself.
pub struct Issuer {
    realm: Arc<Realm>,
}

/// What all endpoints share.
struct Realm {
    url: String,
    path: String,
    outside: Outside,
    key: SigningKey,
    codes: Codes,
    sign_ons: SignOns,
    sessions: Sessions,
}

impl Issuer {
    /// Reads the signing key from the folder `keys`, or makes one. `url` is the issuer as tokens name it, for example
    /// `http://localhost:9080/realms/jhipster`; sessions are kept in `database`, which must have [`TABLES`].
    ///
    /// # Errors
    /// When `url` is not an address on loopback, or the key can be neither read nor made.
    pub async fn open(
        database: DatabaseRef,
        keys: &Path,
        url: String,
        outside: Outside,
    ) -> anyhow::Result<Issuer> {
        let address = address::loopback(&url)
            .map_err(|reason| anyhow!("the development identity provider: {reason}"))?;
        ensure!(
            !url.ends_with('/') && address.query().is_none(),
            "the development identity provider's address {url} must have no query and no slash at its end"
        );
        let path = address.path().trim_end_matches('/').to_owned();
        let realm = Realm {
            url,
            key: SigningKey::load_or_make(keys).await?,
            codes: Codes::new(outside.clone()),
            sign_ons: SignOns::new(outside.clone(), &path),
            sessions: Sessions::new(database, outside.clone()),
            path,
            outside,
        };
        Ok(Issuer { realm: Arc::new(realm) })
    }

    /// Looks whether the signing key in the folder `keys` can be used, and changes nothing. One that is not there can be made.
    ///
    /// # Errors
    /// When the key is damaged or cannot be read.
    pub fn check(keys: &Path) -> anyhow::Result<()> {
        SigningKey::check(keys)
    }

    /// Everything that the provider answers, below the path of its address.
    pub fn routes(self) -> Router {
        let realm = self.realm;
        let protocol = |endpoint: &str| format!("{}{PROTOCOL}/{endpoint}", realm.path);
        Router::new()
            .route(&format!("{}/.well-known/openid-configuration", realm.path), get(discovery))
            .route(&protocol("certs"), get(keys))
            .route(&protocol("auth"), get(authorize::by_query).post(authorize::by_form))
            .route(&format!("{}{SIGN_IN}", realm.path), post(authorize::sign_in))
            .route(&protocol("token"), post(exchange::token))
            .route(&protocol("userinfo"), get(userinfo::claims).post(userinfo::claims))
            .route(&protocol("logout"), get(logout::by_query).post(logout::by_form))
            .layer(middleware::from_fn(only_by_loopback_name))
            .with_state(realm)
    }
}

impl Realm {
    fn endpoint(&self, name: &str) -> String {
        format!("{}{PROTOCOL}/{name}", self.url)
    }
}

/// What the provider says of itself (OpenID Connect Discovery 1.0 §3).
async fn discovery(State(realm): State<Arc<Realm>>) -> Json<Value> {
    Json(json!({
        "issuer": realm.url,
        "authorization_endpoint": realm.endpoint("auth"),
        "token_endpoint": realm.endpoint("token"),
        "userinfo_endpoint": realm.endpoint("userinfo"),
        "end_session_endpoint": realm.endpoint("logout"),
        "jwks_uri": realm.endpoint("certs"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "password"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login"],
        "scopes_supported": SCOPES,
        "claims_supported": [
            "aud", "sub", "iss", "auth_time", "name", "given_name", "family_name", "preferred_username", "email", "groups", "roles"
        ],
        "authorization_response_iss_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    }))
}

async fn keys(State(realm): State<Arc<Realm>>) -> Json<Value> {
    Json(json!({ "keys": [realm.key.public()] }))
}

/// Refuses requests under other names than this machine's own: a page from elsewhere could otherwise give its own
/// name the address 127.0.0.1 and talk to this server as if it were its own.
async fn only_by_loopback_name(request: Request, next: Next) -> Result<Response, Problem> {
    let named = request.headers().get(header::HOST).map(|host| host.to_str().unwrap_or_default());
    if named.or(request.uri().host()).is_some_and(|host| !address::is_loopback_host(host)) {
        let detail =
            "The development identity provider answers only as localhost, 127.0.0.1 or [::1]";
        return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail));
    }
    Ok(next.run(request).await)
}
