//! The caller's token: fetched at the issuer with the password grant and replaced well before it ends, beside the
//! load, so that no measured request ever waits for it.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use http_body_util::Full;
use hyper::{Request, header::HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::{sync::watch, task::JoinSet};

use crate::{http::Http, values::pair};

/// How long to wait after the issuer failed to give a new token.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The shortest time between two tokens, whatever the issuer says.
const SHORTEST: Duration = Duration::from_secs(1);

/// Who calls, on the command line.
#[derive(Args)]
pub(crate) struct SignIn {
    /// A token to use instead of fetching one.
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,

    /// Who signs in at the issuer.
    #[arg(long, value_name = "NAME:PASSWORD", default_value = "admin:admin", value_parser = pair)]
    user: (String, String),

    /// The client that asks the issuer for tokens.
    #[arg(long, value_name = "ID:SECRET", default_value = "web_app:web_app", value_parser = pair)]
    client: (String, String),
}

/// The value of the `Authorization` header, always current.
pub(crate) struct Bearer {
    value: watch::Receiver<HeaderValue>,
    /// Replaces the value until this is dropped.
    _refresher: JoinSet<()>,
}

impl Bearer {
    /// Uses a token that was obtained elsewhere, as long as it lasts.
    pub(crate) fn fixed(token: &str) -> anyhow::Result<Bearer> {
        let (_, value) = watch::channel(header(token)?);
        Ok(Bearer { value, _refresher: JoinSet::new() })
    }

    /// Uses the given token if there is one, else fetches the first one at the issuer and goes on replacing it.
    pub(crate) async fn sign_in(
        http: Http,
        issuer: &str,
        sign_in: &SignIn,
    ) -> anyhow::Result<Bearer> {
        if let Some(token) = &sign_in.token {
            return Bearer::fixed(token);
        }
        let endpoint = discover(&http, issuer).await?;
        let form = form(sign_in);
        let (token, lifetime) = fetch(&http, &endpoint, &form).await?;
        let (sender, value) = watch::channel(token);
        let mut refresher = JoinSet::new();
        refresher.spawn(async move {
            let mut pause = lifetime / 2;
            loop {
                tokio::time::sleep(pause.max(SHORTEST)).await;
                pause = match fetch(&http, &endpoint, &form).await {
                    Ok((token, lifetime)) => {
                        sender.send_replace(token);
                        lifetime / 2
                    }
                    Err(cause) => {
                        eprintln!("no new token, trying again: {cause:#}");
                        AFTER_FAILURE
                    }
                };
            }
        });
        Ok(Bearer { value, _refresher: refresher })
    }

    /// The header as it is now.
    pub(crate) fn header(&self) -> HeaderValue {
        self.value.borrow().clone()
    }
}

async fn discover(http: &Http, issuer: &str) -> anyhow::Result<String> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let request =
        Request::get(&url).body(Full::default()).with_context(|| format!("the issuer {issuer}"))?;
    let document = http.send_for_json(request).await?;
    let endpoint = document.get("token_endpoint").and_then(Value::as_str);
    Ok(endpoint.with_context(|| format!("{url} names no token_endpoint"))?.to_owned())
}

fn form(sign_in: &SignIn) -> Bytes {
    let members = [
        ("grant_type", "password"),
        ("scope", "openid profile email"),
        ("client_id", &sign_in.client.0),
        ("client_secret", &sign_in.client.1),
        ("username", &sign_in.user.0),
        ("password", &sign_in.user.1),
    ];
    let encoded = members
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    Bytes::from(encoded.join("&"))
}

async fn fetch(
    http: &Http,
    endpoint: &str,
    form: &Bytes,
) -> anyhow::Result<(HeaderValue, Duration)> {
    let request = Request::post(endpoint)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(form.clone()))
        .context("the issuer's token endpoint")?;
    let answer = http.send_for_json(request).await.context("ask the issuer for a token")?;
    let token = answer
        .get("access_token")
        .and_then(Value::as_str)
        .context("the issuer's answer has no access_token")?;
    let lifetime = answer.get("expires_in").and_then(Value::as_u64).unwrap_or(60);
    Ok((header(token)?, Duration::from_secs(lifetime)))
}

fn header(token: &str) -> anyhow::Result<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .context("the token has characters that no header can carry")?;
    value.set_sensitive(true);
    Ok(value)
}
