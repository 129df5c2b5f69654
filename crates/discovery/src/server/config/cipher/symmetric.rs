//! Spring's `Encryptors.standard`: a key from a password (PBKDF2 with HMAC-SHA1, 1024 rounds, RFC 8018), AES-256 in CBC mode
//! with PKCS #7 padding, and 16 random bytes in front.

use std::num::NonZeroU32;

use anyhow::anyhow;
use aws_lc_rs::{
    cipher::{
        AES_256, AES_256_KEY_LEN, AES_CBC_IV_LEN, DecryptionContext, PaddedBlockDecryptingKey,
        PaddedBlockEncryptingKey, UnboundCipherKey,
    },
    iv::FixedLength,
    pbkdf2,
};

/// How often the password is hashed; Spring's number, which both sides must share.
const ROUNDS: NonZeroU32 = NonZeroU32::new(1024).unwrap();

/// A key for both directions.
pub(super) struct Symmetric {
    key: [u8; AES_256_KEY_LEN],
}

impl Symmetric {
    /// The salt is hexadecimal, else its bytes are taken.
    pub(super) fn new(password: &[u8], salt: &str) -> Self {
        let mut key = [0; AES_256_KEY_LEN];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, ROUNDS, &super::salt(salt), password, &mut key);
        Symmetric { key }
    }

    pub(super) fn encrypt(&self, plain: &[u8]) -> anyhow::Result<Vec<u8>> {
        let failed = |_| anyhow!("the cipher does not work");
        let key = UnboundCipherKey::new(&AES_256, &self.key).map_err(failed)?;
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).map_err(failed)?;
        let mut text = plain.to_vec();
        let context = key.encrypt(&mut text).map_err(failed)?;
        let begin: &[u8] = (&context).try_into().map_err(failed)?;
        Ok([begin, &text].concat())
    }

    /// The plain bytes; none when this is not the key, or the text was cut.
    pub(super) fn decrypt(&self, encrypted: &[u8]) -> Option<Vec<u8>> {
        let (begin, text) = encrypted.split_at_checked(AES_CBC_IV_LEN)?;
        let context = DecryptionContext::Iv128(FixedLength::try_from(begin).ok()?);
        let key = UnboundCipherKey::new(&AES_256, &self.key).ok()?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
        let mut text = text.to_vec();
        key.decrypt(&mut text, context).ok().map(|plain| plain.to_vec())
    }
}

impl std::fmt::Debug for Symmetric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Symmetric(_)")
    }
}
