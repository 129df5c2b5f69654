//! What is asked of the issuer behind the browser's back: tokens for a code or a refresh token, claims for a token.

use anyhow::{Context, anyhow, bail};
use chassis::Secret;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Login;
use crate::session::Tokens;

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 256 * 1024;
/// The longest life of an access token that is believed.
const LONGEST_LIFE: i64 = 24 * 60 * 60;
/// The characters that stay as they are in a query (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why the issuer gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    /// The issuer refused, with an error code of RFC 6749 §5.2.
    #[error("the identity provider refused: {error} {description}")]
    Refused {
        /// The code, for example `invalid_grant`.
        error: String,
        /// The issuer's words about it.
        description: String,
    },
    /// The issuer did not answer, or not as it should.
    #[error("{0:#}")]
    Unavailable(anyhow::Error),
}

/// What a token request brought (RFC 6749 §5.1). Has no `Debug`, so that it cannot be printed.
#[derive(Deserialize)]
pub(super) struct Granted {
    pub(super) access_token: String,
    token_type: String,
    expires_in: Option<i64>,
    pub(super) refresh_token: Option<String>,
    pub(super) id_token: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Granted {
    /// When the access token expires, if the issuer says so.
    fn expires(&self, now: Timestamp) -> Option<Timestamp> {
        let seconds = self.expires_in?.clamp(0, LONGEST_LIFE);
        now.checked_add(SignedDuration::from_secs(seconds)).ok()
    }

    /// The tokens of a new session.
    pub(super) fn into_tokens(self, id_token: String, now: Timestamp) -> Tokens {
        let expires = self.expires(now);
        Tokens {
            access: Secret::new(self.access_token),
            refresh: self.refresh_token.map(Secret::new),
            id: Secret::new(id_token),
            expires,
        }
    }

    /// The tokens that follow `old` ones. An issuer that does not rotate leaves the refresh token out. The ID token
    /// stays: it only names the session when it ends, and a new one need not have been signed for this browser.
    pub(super) fn following(self, old: Tokens, now: Timestamp) -> Tokens {
        let expires = self.expires(now);
        let refresh = self.refresh_token.map(Secret::new).or(old.refresh);
        Tokens { access: Secret::new(self.access_token), refresh, id: old.id, expires }
    }
}

impl Login {
    /// Asks the token endpoint, naming ourselves with `client_secret_basic` (RFC 6749 §2.3.1).
    pub(super) async fn request_tokens(
        &self,
        form: &[(&str, &str)],
    ) -> Result<Granted, ExchangeError> {
        let metadata = self.provider.metadata().await.map_err(ExchangeError::Unavailable)?;
        let request = self
            .provider
            .client()
            .post(&metadata.token_endpoint)
            .basic_auth(escaped(&self.client_id), Some(escaped(self.client_secret.expose())))
            .form(form);
        let (status, body) = send(request)
            .await
            .context("ask the token endpoint")
            .map_err(ExchangeError::Unavailable)?;
        if status.is_success() {
            return granted(&body)
                .context("ask the token endpoint")
                .map_err(ExchangeError::Unavailable);
        }
        match serde_json::from_slice(&body) {
            Ok(Refusal { error, error_description }) if status.is_client_error() => {
                Err(ExchangeError::Refused {
                    error: brief(&error),
                    description: brief(&error_description),
                })
            }
            _ => Err(ExchangeError::Unavailable(anyhow!("the token endpoint answered {status}"))),
        }
    }

    /// Asks for the claims about the bearer of a token (OpenID Connect Core 1.0 §5.3).
    pub(super) async fn userinfo(&self, access_token: &str) -> anyhow::Result<Map<String, Value>> {
        let metadata = self.provider.metadata().await?;
        let request =
            self.provider.client().get(&metadata.userinfo_endpoint).bearer_auth(access_token);
        let (status, body) = send(request).await.context("ask the userinfo endpoint")?;
        if status != StatusCode::OK {
            bail!("the userinfo endpoint answered {status}");
        }
        serde_json::from_slice(&body)
            .map_err(|_| anyhow!("the userinfo endpoint answered no JSON object"))
    }
}

/// Sends a request and reads a bounded answer. The provider's client bounds the time.
async fn send(request: reqwest::RequestBuilder) -> anyhow::Result<(StatusCode, Vec<u8>)> {
    let mut response = request.header(reqwest::header::ACCEPT, "application/json").send().await?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            bail!("the answer is larger than {LARGEST_ANSWER} bytes");
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status(), body))
}

fn granted(body: &[u8]) -> anyhow::Result<Granted> {
    // The parser's message could quote a token.
    let granted: Granted = serde_json::from_slice(body)
        .map_err(|_| anyhow!("the answer is not that of RFC 6749 §5.1"))?;
    if !granted.token_type.eq_ignore_ascii_case("Bearer") {
        bail!("the token type is {}, not Bearer", brief(&granted.token_type));
    }
    Ok(granted)
}

/// Adds parameters to an endpoint's address.
pub(super) fn with_query(endpoint: &str, parameters: &[(&str, &str)]) -> String {
    let separator = if endpoint.contains('?') { "&" } else { "?" };
    let query: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    format!("{endpoint}{separator}{}", query.join("&"))
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// The beginning of what somebody else says, fit for a log line or a page.
pub(super) fn brief(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_escaped() {
        assert_eq!(
            with_query(
                "http://issuer/logout",
                &[("hint", "a.b-c"), ("uri", "http://x:1/?a=b&c d+é")]
            ),
            "http://issuer/logout?hint=a.b-c&uri=http%3A%2F%2Fx%3A1%2F%3Fa%3Db%26c%20d%2B%C3%A9"
        );
        assert_eq!(
            with_query("http://issuer/logout?tenant=1", &[("a", "b")]),
            "http://issuer/logout?tenant=1&a=b"
        );
    }

    #[test]
    fn a_parser_message_cannot_give_a_token_away() {
        let error =
            granted(br#"{"access_token":"hunter2","token_type":"Bearer","expires_in":"hunter3"}"#)
                .err()
                .unwrap();
        assert!(!format!("{error:#}").contains("hunter"), "{error:#}");
        let error = granted(br#"{"access_token":"x","token_type":"DPoP"}"#).err().unwrap();
        assert_eq!(error.to_string(), "the token type is DPoP, not Bearer");
    }

    #[test]
    fn the_life_of_a_token_is_bounded() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let check = |expires_in: &str, seconds: Option<i64>| {
            let body = format!(r#"{{"access_token":"x","token_type":"bearer"{expires_in}}}"#);
            let expires = granted(body.as_bytes()).unwrap().expires(now);
            assert_eq!(
                expires.map(|expires| expires.as_second() - now.as_second()),
                seconds,
                "{expires_in}"
            );
        };
        check("", None);
        check(r#","expires_in":300"#, Some(300));
        check(r#","expires_in":-1"#, Some(0));
        check(r#","expires_in":9223372036854775807"#, Some(LONGEST_LIFE));
    }
}
