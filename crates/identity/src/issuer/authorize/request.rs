//! A request for authorization, checked in two steps: first whether the address that it returns to can be trusted,
//! then the rest.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;

use crate::issuer::{
    address, client, page,
    parameters::{Parameters, known_scopes},
};

/// The longest `state` or `nonce`, in bytes.
const LONGEST: usize = 4096;
/// How long a challenge is: a SHA-256 hash in URL-safe base64 (RFC 7636 §4.2).
const CHALLENGE: usize = 43;

/// A request for authorization that keeps all rules.
#[derive(Debug)]
pub(super) struct Authorization {
    pub(super) back: Box<Back>,
    pub(super) scopes: String,
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
    pub(super) login_hint: Option<String>,
    prompt: Prompt,
    longest_age: Option<SignedDuration>,
}

/// Where the browser is sent back to.
#[derive(Debug)]
pub(super) struct Back {
    pub(super) address: Url,
    state: Option<String>,
}

/// A request for authorization that does not go on.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A person must be told, because the address cannot be trusted.
    Here(String),
    /// The client is told.
    Back { back: Box<Back>, error: &'static str, description: &'static str },
}

#[derive(Debug, PartialEq)]
enum Prompt {
    AsNeeded,
    Never,
    Always,
}

type Broken = (&'static str, &'static str);

impl Authorization {
    pub(super) fn read(parameters: &Parameters) -> Result<Authorization, Refusal> {
        let back = Box::new(Back::read(parameters).map_err(Refusal::Here)?);
        if let Err((error, description)) = check(parameters) {
            return Err(Refusal::Back { back, error, description });
        }
        let (prompt, longest_age) = match (prompt(parameters), longest_age(parameters)) {
            (Ok(prompt), Ok(longest_age)) => (prompt, longest_age),
            (Err((error, description)), _) | (_, Err((error, description))) => {
                return Err(Refusal::Back { back, error, description });
            }
        };
        let text = |name: &str| parameters.get(name).map(str::to_owned);
        Ok(Authorization {
            back,
            scopes: known_scopes(parameters.get("scope")),
            challenge: text("code_challenge").unwrap_or_default(),
            nonce: text("nonce"),
            login_hint: text("login_hint"),
            prompt,
            longest_age,
        })
    }

    /// Whether somebody who showed the password at that time must show it again.
    pub(super) fn needs_password(&self, authenticated: Timestamp, now: Timestamp) -> bool {
        self.prompt == Prompt::Always
            || self.longest_age.is_some_and(|longest| now.duration_since(authenticated) > longest)
    }

    /// Whether the client wants no page to be shown.
    pub(super) fn must_not_ask(&self) -> bool {
        self.prompt == Prompt::Never
    }

    pub(super) fn refusal(self, error: &'static str, description: &'static str) -> Refusal {
        Refusal::Back { back: self.back, error, description }
    }
}

impl Back {
    fn read(parameters: &Parameters) -> Result<Back, String> {
        if let Some(name) =
            ["client_id", "redirect_uri"].into_iter().find(|name| parameters.repeats(name))
        {
            return Err(format!("The application gave {name} twice."));
        }
        match parameters.get("client_id") {
            Some(client::ID) => {}
            Some(other) => return Err(format!("No application called {other} is known here.")),
            None => {
                return Err(
                    "The application did not say who it is: client_id is missing.".to_owned()
                );
            }
        }
        let address = parameters
            .get("redirect_uri")
            .ok_or("The application did not say where to return to: redirect_uri is missing.")?;
        let address = address::signed_in(address).map_err(|reason| {
            format!("The application wants to return to a place that is not allowed: {reason}.")
        })?;
        let state =
            parameters.get("state").filter(|state| state.len() <= LONGEST).map(str::to_owned);
        Ok(Back { address, state })
    }

    /// Sends the browser back, with the issuer's name so that the client cannot mix up two issuers (RFC 9207).
    pub(super) fn to(mut self, issuer: &str, answer: &[(&str, &str)]) -> Response {
        self.address
            .query_pairs_mut()
            .extend_pairs(answer)
            .extend_pairs(self.state.iter().map(|state| ("state", state)))
            .append_pair("iss", issuer);
        // Not 302: a browser that has just sent a password must not send it again (RFC 9700 §4.12).
        let mut response = StatusCode::SEE_OTHER.into_response();
        page::set(&mut response, header::LOCATION, self.address.as_str());
        response
    }
}

fn check(parameters: &Parameters) -> Result<(), Broken> {
    let invalid = |description| Err(("invalid_request", description));
    if parameters.repeated().is_some() {
        return invalid("a parameter is given twice");
    }
    if parameters.get("request").is_some() {
        return Err(("request_not_supported", "request objects are not supported"));
    }
    if parameters.get("request_uri").is_some() {
        return Err(("request_uri_not_supported", "request objects are not supported"));
    }
    match parameters.get("response_type") {
        Some("code") => {}
        Some(_) => return Err(("unsupported_response_type", "only the code flow is supported")),
        None => return invalid("response_type is missing"),
    }
    if parameters.get("response_mode").is_some_and(|mode| mode != "query") {
        return invalid("only the response mode query is supported");
    }
    if ["state", "nonce"]
        .iter()
        .any(|name| parameters.get(name).is_some_and(|value| value.len() > LONGEST))
    {
        return invalid("state or nonce is too long");
    }
    let Some(challenge) = parameters.get("code_challenge") else {
        return invalid("code_challenge is missing: PKCE is required");
    };
    if parameters.get("code_challenge_method") != Some("S256") {
        return invalid("code_challenge_method must be S256");
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if challenge.len() != CHALLENGE || !challenge.bytes().all(allowed) {
        return invalid("code_challenge is not a SHA-256 hash in URL-safe base64");
    }
    Ok(())
}

fn prompt(parameters: &Parameters) -> Result<Prompt, Broken> {
    let wanted: Vec<&str> =
        parameters.get("prompt").unwrap_or_default().split_ascii_whitespace().collect();
    match wanted.as_slice() {
        ["none"] => Ok(Prompt::Never),
        wanted if wanted.contains(&"none") => Err(("invalid_request", "prompt=none stands alone")),
        wanted if wanted.iter().any(|prompt| ["login", "select_account"].contains(prompt)) => {
            Ok(Prompt::Always)
        }
        _ => Ok(Prompt::AsNeeded),
    }
}

fn longest_age(parameters: &Parameters) -> Result<Option<SignedDuration>, Broken> {
    let Some(seconds) = parameters.get("max_age") else { return Ok(None) };
    let seconds: u32 =
        seconds.parse().map_err(|_| ("invalid_request", "max_age is not a number of seconds"))?;
    Ok(Some(SignedDuration::from_secs(i64::from(seconds))))
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    const GOOD: [(&str, &str); 5] = [
        ("client_id", "web_app"),
        ("redirect_uri", "http://localhost:8081/login/oauth2/code/oidc"),
        ("response_type", "code"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];

    /// Reads the good request with some parameters replaced; tells how it was refused.
    fn check(changes: &[(&str, &str)], expected: Option<&str>) {
        let kept = GOOD.iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
        let parameters: Parameters =
            from_value(json!(kept.chain(changes).collect::<Vec<_>>())).unwrap();
        let refusal = Authorization::read(&parameters).err().map(|refusal| match refusal {
            Refusal::Here(_) => "here",
            Refusal::Back { error, .. } => error,
        });
        assert_eq!(refusal, expected, "{changes:?}");
    }

    #[test]
    fn a_good_request_goes_on() {
        check(&[], None);
        check(
            &[
                ("state", "s"),
                ("nonce", "n"),
                ("prompt", "login"),
                ("max_age", "0"),
                ("unknown", "x"),
            ],
            None,
        );
    }

    #[test]
    fn an_untrusted_address_is_never_returned_to() {
        check(&[("client_id", "other")], Some("here"));
        check(&[("client_id", "")], Some("here"));
        check(&[("redirect_uri", "http://example.com/login/oauth2/code/oidc")], Some("here"));
        check(&[("redirect_uri", "")], Some("here"));
        check(&[("client_id", "web_app"), ("client_id", "web_app")], Some("here"));
    }

    #[test]
    fn everything_else_is_told_to_the_client() {
        check(&[("response_type", "token")], Some("unsupported_response_type"));
        check(&[("response_type", "")], Some("invalid_request"));
        check(&[("response_mode", "fragment")], Some("invalid_request"));
        check(&[("code_challenge", "")], Some("invalid_request"));
        check(&[("code_challenge", "short")], Some("invalid_request"));
        check(&[("code_challenge_method", "plain")], Some("invalid_request"));
        check(&[("code_challenge_method", "")], Some("invalid_request"));
        check(&[("request", "x.y.z")], Some("request_not_supported"));
        check(&[("prompt", "none login")], Some("invalid_request"));
        check(&[("max_age", "soon")], Some("invalid_request"));
        check(&[("nonce", "a"), ("nonce", "b")], Some("invalid_request"));
        check(&[("state", &"x".repeat(LONGEST + 1))], Some("invalid_request"));
    }
}
