//! The secret that an instance shares with the other services of its system, where they trust no identity provider.

use base64::{Engine, prelude::BASE64_STANDARD};
use chassis::Secret;
use discovery::{Instance, server::ConfigServer};

/// Under which the configuration has it, without dashes and in lower case: Base64, and as it is (JHipster's properties).
const BASE64: &str = "jhipster.security.authentication.jwt.base64secret";
const PLAIN: &str = "jhipster.security.authentication.jwt.secret";
/// The profile of an instance that has not said with which it runs.
const PROFILE: &str = "default";

/// What the configuration server tells this instance, if it tells it a secret.
pub(super) async fn shared(config: &ConfigServer, instance: &Instance) -> Option<Secret<Vec<u8>>> {
    let profiles = instance.metadata.get("profile").and_then(|profile| profile.as_str());
    let profiles = profiles.filter(|profiles| !profiles.is_empty()).unwrap_or(PROFILE);
    let sources = config.sources(&instance.app.to_lowercase(), profiles, None).await.ok()?;
    let found = |wanted: &str| {
        let mut all = sources.iter().flat_map(|source| &source.properties);
        let value = all.find(|(key, _)| key.replace('-', "").to_lowercase() == wanted);
        value.map(|(_, value)| value).filter(|value| !value.is_empty())
    };
    let secret = match found(BASE64) {
        Some(value) => BASE64_STANDARD.decode(value).ok()?,
        None => found(PLAIN)?.as_bytes().to_vec(),
    };
    Some(Secret::new(secret))
}
