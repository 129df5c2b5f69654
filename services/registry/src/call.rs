//! Asks an instance what it tells of itself, in the administrator's name.
//!
//! Whoever may register chooses where these requests go, so they are held short: only to the host and the management port
//! that the instance named, only into networks that the configuration allows, only to fixed endpoints, without following
//! anybody elsewhere, with a bound on time and size. Nothing of the answer but its status and its JSON is used.
//!
//! The administrator shows the token of the sign-in. An instance that does not accept it, and is told a secret that the
//! services of its system share, is shown a token that is signed with that.

mod networks;
mod secret;
mod target;

use std::{fmt, net::SocketAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use chassis::{Outside, Secret};
use discovery::{Instance, server::ConfigServer};
use identity::shared_secret;
use pages::Visit;
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde_json::{Value, json};
use tokio::time::timeout;
use tracing::warn;

pub(crate) use networks::Networks;

/// How long a call may take, from looking up the name to the last byte.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an answer is read, in bytes.
const LIMIT: usize = 2 * 1024 * 1024;

/// What an instance can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Health,
    Metrics,
    Loggers,
    Environment,
    Properties,
    Documents,
}

/// Calls instances.
#[derive(Debug, Clone)]
pub(crate) struct Calls {
    allowed: Networks,
    /// Tells instances the secrets that they share.
    config: ConfigServer,
    outside: Outside,
}

/// A request to an instance.
struct Request {
    method: Method,
    url: Url,
    /// The addresses that were checked.
    addresses: Vec<SocketAddr>,
    body: Option<Value>,
}

/// Why there is no answer to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The instance has not said where it can be reached, or not in a form that can be used.
    NoAddress,
    /// The instance is somewhere where the registry does not call.
    NotAllowed(String),
    /// The instance did not answer.
    Silent(String),
    /// The instance answered with something else than success.
    Refused(StatusCode),
    /// The answer is longer than what is read.
    TooLarge,
    /// The answer is no JSON.
    NotJson,
}

impl Endpoint {
    fn path(self, instance: &Instance) -> String {
        let name = match self {
            Endpoint::Health => "health",
            Endpoint::Metrics => "jhimetrics",
            Endpoint::Loggers => "loggers",
            Endpoint::Environment => "env",
            Endpoint::Properties => "configprops",
            Endpoint::Documents => return format!("{}/v3/api-docs", target::context(instance)),
        };
        format!("{}/{name}", target::management(instance))
    }
}

impl Calls {
    pub(crate) fn new(allowed: Networks, config: &ConfigServer, outside: &Outside) -> Self {
        Calls { allowed, config: config.clone(), outside: outside.clone() }
    }

    /// What the instance answers. A health that is down comes with 503 and is an answer.
    pub(crate) async fn get(
        &self,
        instance: &Instance,
        endpoint: Endpoint,
        visit: &Visit,
    ) -> Result<Value, Failure> {
        let (url, addresses) = self.place(instance, endpoint).await?;
        let request = Request { method: Method::GET, url, addresses, body: None };
        let (status, body) = self.ask(instance, request, visit).await?;
        let is_answer = status.is_success()
            || endpoint == Endpoint::Health && status == StatusCode::SERVICE_UNAVAILABLE;
        if !is_answer {
            return Err(Failure::Refused(status));
        }
        serde_json::from_slice(&body).map_err(|_| Failure::NotJson)
    }

    /// Sets the level of a logger; none means the level of the logger above it.
    pub(crate) async fn set_level(
        &self,
        instance: &Instance,
        logger: &str,
        level: Option<&str>,
        visit: &Visit,
    ) -> Result<(), Failure> {
        let (mut url, addresses) = self.place(instance, Endpoint::Loggers).await?;
        url.path_segments_mut().map_err(|()| Failure::NoAddress)?.push(logger);
        let body = Some(json!({ "configuredLevel": level }));
        let request = Request { method: Method::POST, url, addresses, body };
        let (status, _) = self.ask(instance, request, visit).await?;
        if status.is_success() { Ok(()) } else { Err(Failure::Refused(status)) }
    }

    /// Shows the token of the sign-in, and if that is not accepted one that is signed with the secret of the instance.
    async fn ask(
        &self,
        instance: &Instance,
        request: Request,
        visit: &Visit,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let answer = request.send(&visit.token).await?;
        if answer.0 != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let Some(secret) = secret::shared(&self.config, instance).await else { return Ok(answer) };
        let now = self.outside.now();
        match shared_secret::token(secret.expose(), &visit.login, pages::ADMIN, now) {
            Ok(token) => request.send(&token).await,
            Err(cause) => {
                let app = &instance.app;
                warn!("the secret that {app} shares with other services cannot be used: {cause:#}");
                Ok(answer)
            }
        }
    }

    /// Where the request goes: the URL, and the addresses that were checked for it.
    async fn place(
        &self,
        instance: &Instance,
        endpoint: Endpoint,
    ) -> Result<(Url, Vec<SocketAddr>), Failure> {
        let mut url = target::base(instance).ok_or(Failure::NoAddress)?;
        url.set_path(&endpoint.path(instance));
        let addresses = timeout(TIMEOUT, target::addresses(&url))
            .await
            .map_err(|_| Failure::Silent("its name could not be looked up in time".to_owned()))??;
        match addresses.iter().find(|address| !self.allowed.admit(address.ip())) {
            Some(address) => Err(Failure::NotAllowed(address.ip().to_string())),
            None => Ok((url, addresses)),
        }
    }
}

impl Request {
    /// The status and the body, bounded in time and size. The connection goes to the addresses that were checked and to no
    /// others: the name is not looked up again.
    async fn send(&self, token: &Secret<String>) -> Result<(StatusCode, Bytes), Failure> {
        let host = self.url.host_str().unwrap_or_default();
        let client = chassis::client(&self.url, TIMEOUT).no_proxy();
        let client: Client =
            client.resolve_to_addrs(host, &self.addresses).build().map_err(silent)?;
        let mut request = client.request(self.method.clone(), self.url.clone());
        if let Some(body) = &self.body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let request = request.bearer_auth(token.expose()).header("accept", "application/json");
        let answer = request.send().await.map_err(silent)?;
        let status = answer.status();
        Ok((status, bounded(answer).await?))
    }
}

async fn bounded(mut answer: Response) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(silent)? {
        if body.len() + chunk.len() > LIMIT {
            return Err(Failure::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Without the address, which the page shows already.
fn silent(error: reqwest::Error) -> Failure {
    let reason = if error.is_timeout() {
        format!("it took longer than {} s", TIMEOUT.as_secs())
    } else if error.is_connect() {
        "nothing accepts connections there".to_owned()
    } else {
        "the connection broke".to_owned()
    };
    Failure::Silent(reason)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NoAddress => {
                f.write_str("The instance has registered no address that can be called.")
            }
            Failure::NotAllowed(address) => write!(
                f,
                "The registry does not call {address}. If your sign-in may be sent there, add its network to milena.registry.call-allowed."
            ),
            Failure::Silent(reason) => write!(f, "The instance does not answer: {reason}."),
            Failure::Refused(StatusCode::UNAUTHORIZED) => f.write_str(
                "The instance does not accept your sign-in (401). It may trust another identity provider.",
            ),
            Failure::Refused(StatusCode::FORBIDDEN) => {
                f.write_str("The instance does not let your user see this (403).")
            }
            Failure::Refused(StatusCode::NOT_FOUND) => {
                f.write_str("The instance does not offer this (404).")
            }
            Failure::Refused(status) if status.is_redirection() => write!(
                f,
                "The instance wants to send the registry elsewhere ({status}), which it does not follow."
            ),
            Failure::Refused(status) => write!(f, "The instance answered {status}."),
            Failure::TooLarge => {
                write!(f, "The instance answers with more than {} MiB.", LIMIT / 1024 / 1024)
            }
            Failure::NotJson => f.write_str("The instance answers with something else than JSON."),
        }
    }
}
