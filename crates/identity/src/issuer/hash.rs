//! Hashes of secrets, so that what is kept gives none away, and comparisons that take the same time either way.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// The SHA-256 hash of a text.
pub(super) type Hash = [u8; 32];

/// Hashes a text.
pub(super) fn hash(text: &str) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    hash
}

/// Hashes a text, in URL-safe base64.
pub(super) fn hash_text(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(hash(text))
}

/// Whether two texts are the same, found out in a time that does not depend on where they differ.
pub(super) fn same(left: &str, right: &str) -> bool {
    verify_slices_are_equal(&hash(left), &hash(right)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_the_example_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(hash_text(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn compares_whole_texts() {
        assert!(same("admin", "admin"));
        assert!(!same("admin", "admin "));
    }
}
