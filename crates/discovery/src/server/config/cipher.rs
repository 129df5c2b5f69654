//! Values that are kept encrypted, in Spring's formats: `{cipher}…`, optionally with names of keys before the text.

mod prefix;
mod rsa;
mod symmetric;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chassis::Secret;
use tracing::warn;

pub(super) use prefix::{names, without_names};
pub use rsa::RsaAlgorithm;

use super::source::{Property, Source, Value};
use rsa::Rsa;
use symmetric::Symmetric;

/// What an encrypted value begins with.
const MARK: &str = "{cipher}";
/// How many decrypted values are remembered.
const KEPT: usize = 4096;
/// The longest encrypted value, in bytes.
const LONGEST: usize = 256 * 1024;

/// The key that values are encrypted with, and how.
#[derive(Debug)]
pub(super) struct Cipher {
    key: Key,
    /// Plain texts by their ciphers, because a key from a password takes its time.
    kept: Mutex<HashMap<String, Arc<Secret<String>>>>,
}

#[derive(Debug)]
enum Key {
    Symmetric(Symmetric),
    Rsa(Box<Rsa>),
}

/// How keys become ciphers; the defaults are Spring's.
#[derive(Clone, Debug)]
pub struct CipherOptions {
    /// Hexadecimal, else its bytes are taken; `deadbeef` unless set (`encrypt.salt`, `encrypt.rsa.salt`).
    pub salt: String,
    /// How the session's secret is padded (`encrypt.rsa.algorithm`).
    pub algorithm: RsaAlgorithm,
}

impl Default for CipherOptions {
    fn default() -> Self {
        CipherOptions { salt: "deadbeef".to_owned(), algorithm: RsaAlgorithm::Default }
    }
}

impl Cipher {
    /// A private key in PEM is for RSA, any other text is a password.
    ///
    /// # Errors
    /// Says what is wrong with the key, without the key.
    pub(super) fn new(key: &Secret<String>, options: &CipherOptions) -> anyhow::Result<Self> {
        let text = key.expose().trim();
        let key = match text.contains("-----BEGIN") {
            true => Key::Rsa(Box::new(Rsa::new(text, options)?)),
            false => Key::Symmetric(Symmetric::new(key.expose().as_bytes(), &options.salt)),
        };
        Ok(Cipher { key, kept: Mutex::default() })
    }

    pub(super) fn encrypt(&self, text: &str) -> anyhow::Result<String> {
        match &self.key {
            Key::Symmetric(key) => Ok(hex(&key.encrypt(text.as_bytes())?)),
            Key::Rsa(key) => key.encrypt(text),
        }
    }

    /// The plain text; none when it was not encrypted with this key.
    pub(super) fn decrypt(&self, text: &str) -> Option<Arc<Secret<String>>> {
        if text.len() > LONGEST {
            return None;
        }
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plain) = kept().get(text) {
            return Some(plain.clone());
        }
        let plain = match &self.key {
            Key::Symmetric(key) => key.decrypt(&from_hex(text)?)?,
            Key::Rsa(key) => key.decrypt(text)?,
        };
        let plain = Arc::new(Secret::new(String::from_utf8(plain).ok()?));
        let mut kept = kept();
        if kept.len() == KEPT {
            kept.clear();
        }
        kept.insert(text.to_owned(), plain.clone());
        Some(plain)
    }

    /// The public key as OpenSSH writes it; a password has none.
    pub(super) fn public_key(&self) -> Option<&str> {
        match &self.key {
            Key::Symmetric(_) => None,
            Key::Rsa(key) => Some(key.public()),
        }
    }
}

/// Decrypts what is encrypted. As in the original, such values come last in their source, and one that cannot be decrypted
/// is served as `invalid.KEY: <n/a>`. Without a key every one is such.
pub(super) fn decrypted(source: Source, cipher: Option<&Cipher>) -> Source {
    let encrypted = |property: &Property| match &property.value {
        Value::Text(text) => text.strip_prefix(MARK).map(str::to_owned),
        _ => None,
    };
    if !source.properties.iter().any(|property| encrypted(property).is_some()) {
        return source;
    }
    let (mut open, mut closed) = (Vec::new(), Vec::new());
    for property in source.properties.iter() {
        let Some(text) = encrypted(property) else {
            open.push(property.clone());
            continue;
        };
        let plain = cipher.and_then(|cipher| cipher.decrypt(without_names(&text)));
        let (key, value) = match plain {
            Some(plain) => (property.key.clone(), plain.expose().clone()),
            None => {
                let (key, file) = (&property.key, &source.file);
                warn!(config.key = %key, config.file = %file, "cannot decrypt {key} of {file}: it was not encrypted with this key");
                (format!("invalid.{key}"), "<n/a>".to_owned())
            }
        };
        let (value, place) = (Value::Text(value), property.place);
        closed.push(Property { key, value, place, secret: true });
    }
    open.append(&mut closed);
    Source { properties: Arc::new(open), ..source }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = (0..text.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// A salt as bytes: hexadecimal, else the text itself, as the original takes it.
fn salt(text: &str) -> Vec<u8> {
    from_hex(text).unwrap_or_else(|| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests;
