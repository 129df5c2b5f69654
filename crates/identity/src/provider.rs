//! One OpenID Connect provider: its discovery document and its keys, fetched when first needed and kept.
//! Knows nothing of what a token must say.

mod document;
mod key;
mod readiness;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use jsonwebtoken::Algorithm;
use reqwest::{Url, header};
use serde::{Deserialize, de::DeserializeOwned};

use document::Document;
pub(crate) use key::Key;
use key::{KeySet, Keys};

/// How long the provider may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often the keys may be asked for because a token names one that is not among them.
const COOL_DOWN: Duration = Duration::from_secs(10);
/// The largest document that is read from the provider, in bytes.
const DOCUMENT_LIMIT: usize = 256 * 1024;

/// An OpenID Connect provider, known by its issuer URL.
pub struct Provider {
    issuer: String,
    client: reqwest::Client,
    metadata: Document<Metadata>,
    keys: Document<Keys>,
}

/// What a provider says of itself (OpenID Connect Discovery 1.0 §3).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Metadata {
    /// The provider's name; equals the configured issuer.
    pub issuer: String,
    /// Where a browser is sent to sign in.
    pub authorization_endpoint: String,
    /// Where codes are exchanged for tokens.
    pub token_endpoint: String,
    /// Where a token is exchanged for claims about its user.
    pub userinfo_endpoint: String,
    /// Where the keys are.
    pub jwks_uri: String,
    /// Where a browser is sent to sign out.
    pub end_session_endpoint: Option<String>,
}

/// Whether the provider's keys could be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderState {
    /// Not yet: no token can be checked. The reason is that of the last attempt, if there was one.
    NotYet(Option<String>),
    /// The last attempt to fetch them worked.
    Reached,
    /// Not any more: the keys known so far go on working.
    Away {
        /// For how long attempts have failed.
        lasting: Duration,
        /// Why the last one did.
        reason: String,
    },
}

/// Why there is no key for a token.
#[derive(Debug)]
pub(crate) enum KeyError {
    /// The provider has no such key.
    Unknown,
    /// The provider cannot be asked.
    Unavailable(anyhow::Error),
}

impl Provider {
    /// Names a provider by its issuer URL; nothing is fetched yet.
    ///
    /// # Errors
    /// When `issuer` is no HTTP address, or the machine has no certificates to check an HTTPS one with.
    pub fn new(issuer: &str) -> anyhow::Result<Arc<Provider>> {
        let url =
            Url::parse(issuer).with_context(|| format!("read the issuer's address {issuer:?}"))?;
        ensure!(
            matches!(url.scheme(), "http" | "https"),
            "the issuer's address {issuer:?} must start with http:// or https://"
        );
        let client = chassis::client(&url, TIMEOUT)
            .build()
            .context("prepare requests to the identity provider")?;
        Ok(Arc::new(Provider {
            issuer: issuer.to_owned(),
            client,
            metadata: Document::new(COOL_DOWN),
            keys: Document::new(COOL_DOWN),
        }))
    }

    /// The issuer URL as configured.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The client for requests to the provider: ten seconds at most, no redirects.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Tells what the provider says of itself; asks it only the first time.
    ///
    /// # Errors
    /// When the provider does not answer, or describes a different issuer.
    pub async fn metadata(&self) -> anyhow::Result<Metadata> {
        let metadata = match self.metadata.kept() {
            Some(kept) => kept,
            None => self.metadata.fetch(self.discover()).await?,
        };
        Ok(Metadata::clone(&metadata))
    }

    /// Whether the provider's keys could be had, for a health report. Asks nobody.
    pub fn state(&self) -> ProviderState {
        self.keys.standing()
    }

    /// Changes whenever the keys were fetched. A key that is found after reading this is of this version or a later one.
    pub(crate) fn keys_version(&self) -> u64 {
        self.keys.version()
    }

    /// Finds the key that a token names. An unknown key makes the provider be asked again, at most every ten seconds;
    /// while it does not answer, the keys known so far go on working.
    pub(crate) async fn key(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Arc<Key>, KeyError> {
        if let Some(key) = self.keys.kept().and_then(|keys| keys.find(id, algorithm)) {
            return Ok(key);
        }
        let keys = self.keys.fetch(self.fetch_keys()).await.map_err(KeyError::Unavailable)?;
        keys.find(id, algorithm).ok_or(KeyError::Unknown)
    }

    async fn discover(&self) -> anyhow::Result<Metadata> {
        let address =
            format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let metadata: Metadata = self.fetch(&address).await?;
        ensure!(
            metadata.issuer == self.issuer,
            "{address} describes the issuer {:?}, but {:?} is configured: both must be the same",
            metadata.issuer,
            self.issuer
        );
        metadata.check_addresses()?;
        Ok(metadata)
    }

    async fn fetch_keys(&self) -> anyhow::Result<Keys> {
        let address = self.metadata().await?.jwks_uri;
        let keys = Keys::from(self.fetch::<KeySet>(&address).await?);
        // Whoever believed this would refuse everybody.
        ensure!(!keys.is_empty(), "{address} publishes no key that can check signatures");
        Ok(keys)
    }

    async fn fetch<T: DeserializeOwned>(&self, address: &str) -> anyhow::Result<T> {
        let request = self.client.get(address).header(header::ACCEPT, "application/json");
        let mut response = request.send().await.with_context(|| format!("ask {address}"))?;
        let status = response.status();
        ensure!(status.is_success(), "{address} answered {status}");
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.with_context(|| format!("read the answer of {address}"))?
        {
            ensure!(
                body.len() + chunk.len() <= DOCUMENT_LIMIT,
                "the answer of {address} is larger than {DOCUMENT_LIMIT} bytes"
            );
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).with_context(|| format!("understand the answer of {address}"))
    }
}

impl Metadata {
    /// A provider that is asked over TLS must not send anybody anywhere without it.
    fn check_addresses(&self) -> anyhow::Result<()> {
        let scheme = Url::parse(&self.issuer)?.scheme().to_owned();
        let required = [
            &self.authorization_endpoint,
            &self.token_endpoint,
            &self.userinfo_endpoint,
            &self.jwks_uri,
        ];
        for address in required.into_iter().chain(&self.end_session_endpoint) {
            let url = Url::parse(address)
                .with_context(|| format!("read the provider's address {address:?}"))?;
            ensure!(
                url.scheme() == scheme,
                "the provider {} names an address that is not {scheme}: {address}",
                self.issuer
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(issuer: &str, token_endpoint: &str, accepted: bool) {
        let address = |path: &str| format!("{issuer}/{path}");
        let metadata = Metadata {
            issuer: issuer.to_owned(),
            authorization_endpoint: address("auth"),
            token_endpoint: token_endpoint.to_owned(),
            userinfo_endpoint: address("userinfo"),
            jwks_uri: address("certs"),
            end_session_endpoint: None,
        };
        assert_eq!(metadata.check_addresses().is_ok(), accepted, "{issuer} {token_endpoint}");
    }

    #[test]
    fn a_provider_over_tls_names_only_addresses_over_tls() {
        check("https://id.example", "https://id.example/token", true);
        check("https://id.example", "http://id.example/token", false);
        check("http://localhost:9080", "http://localhost:9080/token", true);
        check("http://localhost:9080", "token", false);
    }

    #[test]
    fn refuses_an_issuer_that_is_no_http_address() {
        assert!(Provider::new("localhost:9080").is_err());
        assert!(Provider::new("file:///etc").is_err());
        assert!(Provider::new("http://localhost:9080/realms/jhipster").is_ok());
    }
}
