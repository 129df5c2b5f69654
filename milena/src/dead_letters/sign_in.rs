//! As whom a service is asked: a token that somebody has, or one that is got by name and password.

use std::time::Duration;

use anyhow::{Context, bail};
use chassis::Secret;
use identity::Provider;
use reqwest::{StatusCode, Url};
use serde_json::Value;

use super::{Misuse, input, service};
use crate::arguments::Access;

/// The variable that holds an access token.
pub(super) const VARIABLE: &str = "DEAD_LETTERS_TOKEN";
/// How long the identity provider may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The access token.
pub(super) async fn token(
    access: &Access,
    variables: &[(String, String)],
) -> anyhow::Result<Secret<String>> {
    let given = variables.iter().find(|(name, value)| name == VARIABLE && !value.is_empty());
    match (&access.token_file, &access.user, given) {
        (Some(_), Some(_), _) => {
            Err(Misuse("either --token-file or --user, not both".to_owned()).into())
        }
        (None, None, _) if access.password_file.is_some() => {
            Err(Misuse("--password-file needs --user NAME".to_owned()).into())
        }
        (Some(file), None, _) => input::secret(file),
        (None, Some(user), _) => by_password(access, user).await,
        (None, None, Some((_, token))) => Ok(Secret::new(token.trim().to_owned())),
        (None, None, None) => Err(Misuse(format!(
            "say who you are: --user NAME, --token-file FILE, or an access token in {VARIABLE}"
        ))
        .into()),
    }
}

/// Asks the identity provider (RFC 6749 §4.3).
async fn by_password(access: &Access, user: &str) -> anyhow::Result<Secret<String>> {
    let password = match &access.password_file {
        Some(file) => input::secret(file)?,
        None => input::password(user)?,
    };
    let secret = access.client_secret_file.as_deref().map(input::secret).transpose()?;
    let issuer = &access.issuer;
    let provider = Provider::new(issuer).map_err(|cause| Misuse(format!("--issuer: {cause:#}")))?;
    let metadata = provider.metadata().await.with_context(|| {
        format!("sign in at {issuer}; --issuer names another identity provider")
    })?;
    let address: Url =
        metadata.token_endpoint.parse().context("read the token endpoint's address")?;
    let mut form = vec![
        ("grant_type", "password"),
        ("client_id", &access.client_id),
        ("scope", "openid"),
        ("username", user),
        ("password", password.expose()),
    ];
    form.extend(secret.as_ref().map(|secret| ("client_secret", secret.expose().as_str())));
    let client = chassis::client(&address, PATIENCE).build().context("prepare a request")?;
    let answer = client.post(address).form(&form).send().await;
    let answer = answer.with_context(|| format!("sign in at {issuer}"))?;
    let status = answer.status();
    let body: Value = serde_json::from_slice(&service::body(answer).await?).unwrap_or_default();
    match (status, &body["access_token"]) {
        (StatusCode::OK, Value::String(token)) => Ok(Secret::new(token.clone())),
        _ => {
            let reason = ["error_description", "error"].map(|name| body[name].as_str());
            let reason = reason.into_iter().flatten().next().unwrap_or("no reason is given");
            bail!("{issuer} does not let {user} in ({status}): {reason}")
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command};

    async fn check(flags: &[&str], variables: &[(&str, &str)], expected: Result<&str, &str>) {
        let arguments = [&["milena", "dead-letters", "list"], flags].concat();
        let Command::DeadLetters(arguments) = Arguments::parse_from(arguments).command else {
            panic!("another command");
        };
        let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let found = token(&arguments.access, &pairs.collect::<Vec<_>>()).await;
        match (found, expected) {
            (Ok(token), Ok(text)) => assert_eq!(token.expose(), text),
            (Err(error), Err(text)) => {
                assert!(error.is::<Misuse>() && format!("{error:#}").contains(text), "{error:#}");
            }
            (found, expected) => panic!("{flags:?}: {found:?} instead of {expected:?}"),
        }
    }

    #[tokio::test]
    async fn a_token_comes_from_a_file_or_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "a.b.c\n").unwrap();
        let file = file.to_str().unwrap();
        check(&["--token-file", file], &[], Ok("a.b.c")).await;
        check(&["--token-file", file], &[(VARIABLE, "d.e.f")], Ok("a.b.c")).await;
        check(&[], &[(VARIABLE, "d.e.f ")], Ok("d.e.f")).await;
        check(&[], &[(VARIABLE, "")], Err(VARIABLE)).await;
        check(&[], &[], Err("--user NAME")).await;
        check(&["--password-file", file], &[], Err("--user NAME")).await;
        check(&["--token-file", file, "--user", "ann"], &[], Err("not both")).await;
        let flags = ["--user", "ann", "--password-file", file, "--issuer", "here"];
        check(&flags, &[], Err("--issuer")).await;
    }
}
