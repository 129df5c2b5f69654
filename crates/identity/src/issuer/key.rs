//! The key that signs tokens: made on first start, kept in a file that only its owner can read.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};
use serde_json::{Map, Value};

const FILE: &str = "issuer-key.pem";
/// The one algorithm that every service of the tutorial accepts.
const ALGORITHM: Algorithm = Algorithm::RS256;

/// A key pair, ready to sign.
pub(super) struct SigningKey {
    signing: EncodingKey,
    checking: DecodingKey,
    public: Jwk,
}

impl SigningKey {
    /// Reads the key from the folder, or makes one and keeps it there.
    pub(super) async fn load_or_make(folder: &Path) -> anyhow::Result<SigningKey> {
        let folder = folder.to_owned();
        // Making a key of 2048 bits takes a good part of a second of computing.
        let key = tokio::task::spawn_blocking(move || load_or_make(&folder));
        key.await.context("make the issuer's signing key")?
    }

    /// Looks whether the key in the folder, if there is one, can be used.
    pub(super) fn check(folder: &Path) -> anyhow::Result<()> {
        load(folder).map(drop)
    }

    fn from_pem(pem: &[u8]) -> anyhow::Result<SigningKey> {
        let signing = EncodingKey::from_rsa_pem(pem)?;
        let mut public = Jwk::from_encoding_key(&signing, ALGORITHM)?;
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        public.common.key_id = Some(public.thumbprint(ThumbprintHash::SHA256)?);
        let checking = DecodingKey::from_jwk(&public)?;
        Ok(SigningKey { signing, checking, public })
    }

    /// Makes a token of these claims.
    pub(super) fn sign(&self, claims: &Map<String, Value>) -> anyhow::Result<String> {
        let mut header = Header::new(ALGORITHM);
        header.kid.clone_from(&self.public.common.key_id);
        jsonwebtoken::encode(&header, claims, &self.signing).context("sign a token")
    }

    /// Reads a token that this key has signed, whatever its times say.
    pub(super) fn read(&self, token: &str) -> Option<Map<String, Value>> {
        let mut signature_only = Validation::new(ALGORITHM);
        signature_only.required_spec_claims.clear();
        signature_only.validate_exp = false;
        signature_only.validate_aud = false;
        Some(jsonwebtoken::decode(token, &self.checking, &signature_only).ok()?.claims)
    }

    /// The public half, as a key set shows it.
    pub(super) fn public(&self) -> &Jwk {
        &self.public
    }
}

fn load_or_make(folder: &Path) -> anyhow::Result<SigningKey> {
    match load(folder)? {
        Some(key) => Ok(key),
        None => SigningKey::from_pem(&make(folder, &folder.join(FILE))?),
    }
}

fn load(folder: &Path) -> anyhow::Result<Option<SigningKey>> {
    let path = folder.join(FILE);
    let pem = match fs::read(&path) {
        Ok(pem) => pem,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error)
                .with_context(|| format!("read the issuer's signing key {}", path.display()));
        }
    };
    let key = SigningKey::from_pem(&pem).with_context(|| {
        format!("the issuer's signing key {} is damaged; remove it, and a new one is made at the next start", path.display())
    });
    key.map(Some)
}

fn make(folder: &Path, path: &Path) -> anyhow::Result<Vec<u8>> {
    // The randomness is the cryptographic library's own: a key from a test's repeatable sequence would be no key.
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| anyhow!("make an RSA key"))?;
    let der: Pkcs8V1Der<'static> = pair.as_der().map_err(|_| anyhow!("write an RSA key"))?;
    let pem = pem(der.as_ref());
    keep(folder, path, pem.as_bytes())
        .with_context(|| format!("keep the issuer's signing key in {}", path.display()))?;
    Ok(pem.into_bytes())
}

fn pem(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}

/// Writes a file that is there whole or not at all, even if the machine stops in the middle.
fn keep(folder: &Path, path: &Path, content: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let unfinished: PathBuf = path.with_extension("unfinished");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn makes_a_key_once_and_finds_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let made = SigningKey::load_or_make(&folder.path().join("keys")).await.unwrap();
        let found = SigningKey::load_or_make(&folder.path().join("keys")).await.unwrap();
        assert_eq!(made.public().common.key_id, found.public().common.key_id);
        let claims = json!({ "sub": "7" }).as_object().unwrap().clone();
        assert_eq!(found.read(&made.sign(&claims).unwrap()), Some(claims));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_can_read_the_key() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        SigningKey::load_or_make(folder.path()).await.unwrap();
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_damaged_key_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "not a key").unwrap();
        let Err(failure) = SigningKey::load_or_make(folder.path()).await else {
            panic!("a damaged key was accepted")
        };
        assert!(failure.to_string().contains("issuer-key.pem is damaged"), "{failure:#}");
        assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap(), "not a key");
    }
}
