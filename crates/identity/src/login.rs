//! Signing in with OpenID Connect: the gateway as the issuer's client (contract §5.3 and §5.4), with the code flow of
//! RFC 6749 and PKCE. Keeps tokens away from the browser and knows nothing of the gateway's pages.

mod account;
mod code;
pub(crate) mod cookies;
mod exchange;
mod logout;
mod page;
mod pending;
mod place;
mod refresh;
mod visitor;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chassis::{Outside, Problem, Secret, Stop};
use serde_json::{Value, json};

use crate::{Provider, Verifier, session::Sessions};
use account::Account;
use pending::PendingLogins;
use refresh::Refreshes;

pub(crate) use place::is_https;
pub(crate) use visitor::bearer_token;
pub use visitor::{SignedIn, Visitor, sessions};

/// Where a browser begins to sign in; takes `?return=/path`.
pub const SIGN_IN: &str = "/oauth2/authorization/oidc";
/// Where the issuer sends the browser back to; has to be registered with the issuer.
pub const CALLBACK: &str = "/login/oauth2/code/oidc";

/// What a [`Login`] is made of.
pub struct LoginSettings {
    /// The issuer.
    pub provider: Arc<Provider>,
    /// Checks ID tokens and bearer tokens.
    pub verifier: Arc<Verifier>,
    /// Our name at the issuer.
    pub client_id: String,
    /// Our password at the issuer.
    pub client_secret: Secret<String>,
    /// What we ask for, `openid` among it.
    pub scopes: Vec<String>,
    /// Where sessions are kept.
    pub sessions: Sessions,
    /// The time and randomness.
    pub outside: Outside,
}

/// The session's cookie, unless a service has a name of its own for it.
const COOKIE: &str = "SESSION";

/// Signs browsers in and out, and tells who is calling.
pub struct Login {
    cookie: &'static str,
    provider: Arc<Provider>,
    verifier: Arc<Verifier>,
    client_id: String,
    client_secret: Secret<String>,
    scopes: String,
    sessions: Sessions,
    outside: Outside,
    pending: PendingLogins,
    refreshes: Refreshes,
}

impl Login {
    /// A login; nothing is fetched yet.
    pub fn new(settings: LoginSettings) -> Arc<Login> {
        Login::with_cookie(settings, COOKIE)
    }

    /// A login whose sessions are in a cookie of this name. Browsers send cookies to every port of a host, so two
    /// services on one host need two names.
    pub fn with_cookie(settings: LoginSettings, cookie: &'static str) -> Arc<Login> {
        Arc::new(Login {
            cookie,
            provider: settings.provider,
            verifier: settings.verifier,
            client_id: settings.client_id,
            client_secret: settings.client_secret,
            scopes: settings.scopes.join(" "),
            sessions: settings.sessions,
            outside: settings.outside,
            pending: PendingLogins::default(),
            refreshes: Refreshes::default(),
        })
    }

    /// Sign-in, sign-out and the questions about who is signed in. Needs [`sessions`] around it.
    pub fn routes(self: Arc<Self>) -> Router {
        let questions = Router::new()
            .route("/api/account", get(account))
            .route("/api/authenticate", get(authenticate))
            .route("/api/auth-info", get(auth_info))
            .with_state(self.clone());
        self.sign_in_and_out().merge(questions)
    }

    /// Sign-in and sign-out alone. Needs [`sessions`] around it.
    pub fn sign_in_and_out(self: Arc<Self>) -> Router {
        Router::new()
            .route(SIGN_IN, get(code::authorize))
            .route(CALLBACK, get(code::callback))
            .route("/logout", post(logout::by_form))
            .route("/api/logout", post(logout::by_script))
            .with_state(self)
    }

    /// Removes expired sessions and finishes refreshes whose callers went away, until `stop`.
    ///
    /// # Errors
    /// None: what fails is tried again.
    pub async fn tend(self: Arc<Self>, stop: Stop) -> anyhow::Result<()> {
        tokio::try_join!(self.sessions.clean(stop.clone()), self.refreshes.finish(stop))?;
        Ok(())
    }
}

/// 401 as the Java gateway says it.
fn not_authenticated() -> Problem {
    Problem::new(axum::http::StatusCode::UNAUTHORIZED, "Not Authenticated")
}

async fn account(
    State(login): State<Arc<Login>>,
    visitor: Visitor,
) -> Result<Json<Account>, Problem> {
    let signed_in = visitor.signed_in().ok_or_else(not_authenticated)?;
    let since = signed_in.session().map_or_else(|| login.outside.now(), |session| session.created);
    Ok(Json(Account::of(&signed_in.caller, since)))
}

async fn authenticate(visitor: Visitor) -> Response {
    let subject =
        visitor.signed_in().map(|signed_in| signed_in.caller.subject.clone()).unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/plain;charset=UTF-8")], subject).into_response()
}

async fn auth_info(State(login): State<Arc<Login>>) -> Json<Value> {
    Json(json!({ "issuer": login.provider.issuer(), "clientId": login.client_id }))
}
