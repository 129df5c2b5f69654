//! Spring's `RsaSecretEncryptor`: 16 random bytes encrypted with an RSA key, and the text encrypted with them.
//!
//! Base64 of: the length of the encrypted bytes (two bytes, the higher first), they themselves, then the text as
//! [`super::symmetric`] has it, with the random bytes in hexadecimal as the password.

use anyhow::{Context, anyhow};
use aws_lc_rs::{
    encoding::AsDer,
    rand,
    rsa::{
        KeyPair, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
        Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey, PrivateDecryptingKey,
    },
    signature::KeyPair as _,
};
use base64::{Engine, prelude::BASE64_STANDARD};

use super::{CipherOptions, hex, symmetric::Symmetric};

/// How the random bytes are padded (Spring's `encrypt.rsa.algorithm`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RsaAlgorithm {
    /// PKCS #1 v1.5 (RFC 8017, 7.2), Spring's `DEFAULT`.
    Default,
    /// OAEP with SHA-1 (RFC 8017, 7.1), Spring's `OAEP`.
    Oaep,
}

/// A private key, and its public half.
pub(super) struct Rsa {
    private: PrivateDecryptingKey,
    /// As OpenSSH writes it (RFC 4253, 6.6).
    public: String,
    algorithm: RsaAlgorithm,
    salt: String,
}

impl Rsa {
    /// Takes a private key in PEM: `RSA PRIVATE KEY` (PKCS #1) or `PRIVATE KEY` (PKCS #8). Line breaks may be blanks, as
    /// they are in variables of the environment.
    ///
    /// # Errors
    /// Says what is wrong with the key, without the key.
    pub(super) fn new(pem: &str, options: &CipherOptions) -> anyhow::Result<Self> {
        let wanted = "put an RSA private key in PEM into encrypt.key: PKCS #1 or PKCS #8, without a password";
        let body = pem.split("-----").nth(2).context(wanted)?;
        let body: String = body.replace("\\n", "").split_whitespace().collect();
        let der = BASE64_STANDARD.decode(body).ok().context(wanted)?;
        let rejected = |error| anyhow!("{wanted} ({error})");
        let pair = match pem.contains("BEGIN RSA PRIVATE KEY") {
            true => KeyPair::from_der(&der),
            false => KeyPair::from_pkcs8(&der),
        };
        let pair = pair.map_err(rejected)?;
        let der = pair.as_der().map_err(|_| anyhow!(wanted))?;
        let private = PrivateDecryptingKey::from_pkcs8(der.as_ref()).map_err(rejected)?;
        let public = openssh(pair.public_key().as_ref()).context(wanted)?;
        Ok(Rsa { private, public, algorithm: options.algorithm, salt: options.salt.clone() })
    }

    pub(super) fn public(&self) -> &str {
        &self.public
    }

    pub(super) fn encrypt(&self, text: &str) -> anyhow::Result<String> {
        let failed = |_| anyhow!("the cipher does not work");
        let mut random = [0; 16];
        rand::fill(&mut random).map_err(failed)?;
        let public = self.private.public_key();
        let mut secret = vec![0; public.key_size_bytes()];
        let length = match self.algorithm {
            RsaAlgorithm::Default => {
                let key = Pkcs1PublicEncryptingKey::new(public).map_err(failed)?;
                key.encrypt(&random, &mut secret).map_err(failed)?.len()
            }
            RsaAlgorithm::Oaep => {
                let key = OaepPublicEncryptingKey::new(public).map_err(failed)?;
                let encrypted = key.encrypt(&OAEP_SHA1_MGF1SHA1, &random, &mut secret, None);
                encrypted.map_err(failed)?.len()
            }
        };
        let begin = u16::try_from(length)?.to_be_bytes();
        let text = Symmetric::new(hex(&random).as_bytes(), &self.salt).encrypt(text.as_bytes())?;
        Ok(BASE64_STANDARD.encode([&begin, &secret[..length], &text].concat()))
    }

    /// The plain bytes; none when they were not encrypted for this key.
    pub(super) fn decrypt(&self, text: &str) -> Option<Vec<u8>> {
        let bytes = BASE64_STANDARD.decode(text).ok()?;
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (secret, text) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        let mut plain = vec![0; self.private.key_size_bytes()];
        let random = match self.algorithm {
            RsaAlgorithm::Default => {
                let key = Pkcs1PrivateDecryptingKey::new(self.private.clone()).ok()?;
                key.decrypt(secret, &mut plain).ok()?.to_vec()
            }
            RsaAlgorithm::Oaep => {
                let key = OaepPrivateDecryptingKey::new(self.private.clone()).ok()?;
                key.decrypt(&OAEP_SHA1_MGF1SHA1, secret, &mut plain, None).ok()?.to_vec()
            }
        };
        Symmetric::new(hex(&random).as_bytes(), &self.salt).decrypt(text)
    }
}

impl std::fmt::Debug for Rsa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rsa").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// `ssh-rsa …` of an RSA public key in DER (RFC 8017, A.1.1), with the comment that Spring writes.
fn openssh(der: &[u8]) -> Option<String> {
    let (content, _) = element(der, 0x30)?;
    let (modulus, rest) = element(content, 0x02)?;
    let (exponent, _) = element(rest, 0x02)?;
    let mut out = Vec::new();
    for part in [&b"ssh-rsa"[..], exponent, modulus] {
        out.extend(u32::try_from(part.len()).ok()?.to_be_bytes());
        out.extend(part);
    }
    Some(format!("ssh-rsa {} application", BASE64_STANDARD.encode(out)))
}

/// The content of a DER element of this kind, and what follows it.
fn element(der: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk::<2>()?;
    if tag != kind {
        return None;
    }
    if first < 0x80 {
        return rest.split_at_checked(first.into());
    }
    let (length, rest) = rest.split_at_checked((first & 0x7f).into())?;
    let length = length
        .iter()
        .try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add((*byte).into()));
    rest.split_at_checked(length?)
}
