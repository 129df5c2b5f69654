//! Making and reading, with the server's key, the values that are kept encrypted.

use super::{
    ConfigServer,
    cipher::{names, without_names},
};

/// Why a text was not encrypted or decrypted.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// The server has no key.
    #[error("there is no key")]
    NoKey,
    /// Nobody has encrypted this text with this key.
    #[error("the text is not encrypted with this key")]
    OtherKey,
    /// There is no randomness.
    #[error("{0}")]
    Failed(anyhow::Error),
}

impl ConfigServer {
    /// The text as it stands after `{cipher}` in a file. Names in front of it, `{key:…}` and the like, stay there.
    ///
    /// # Errors
    /// When there is no key, or no randomness.
    pub fn encrypt(&self, text: &str) -> Result<String, NotDone> {
        let cipher = self.cipher().ok_or(NotDone::NoKey)?;
        let encrypted = cipher.encrypt(without_names(text)).map_err(NotDone::Failed)?;
        Ok(format!("{}{encrypted}", names(text)))
    }

    /// What an encrypted text says, with `{cipher}` in front of it or without.
    ///
    /// # Errors
    /// When there is no key, or it is not the one that the text was encrypted with.
    pub fn decrypt(&self, text: &str) -> Result<String, NotDone> {
        let cipher = self.cipher().ok_or(NotDone::NoKey)?;
        let text = without_names(text.strip_prefix("{cipher}").unwrap_or(text)).trim();
        let plain = cipher.decrypt(text).ok_or(NotDone::OtherKey)?;
        Ok(plain.expose().clone())
    }
}
