//! A short name for a representation: the same bytes have the same name, in every process and after every restart.

use std::fmt;

use axum::http::HeaderValue;

/// The 64-bit FNV-1a hash of a representation. It tells versions of one entity apart, and keeps no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag(u64);

impl Tag {
    pub(crate) fn of(representation: &[u8]) -> Self {
        let hash = representation.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Tag(hash)
    }

    /// The value of `ETag`, a strong one.
    pub(crate) fn header(self) -> HeaderValue {
        // Hexadecimal digits and quotes are always a header's value.
        HeaderValue::try_from(format!("\"{self}\"")).unwrap_or(HeaderValue::from_static(""))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Tag;

    /// Vectors of the algorithm's authors: a tag that changed with a release would look like a change of every entity.
    #[test]
    fn a_name_never_changes() {
        for (text, expected) in
            [("", "cbf29ce484222325"), ("a", "af63dc4c8601ec8c"), ("foobar", "85944171f73967e8")]
        {
            assert_eq!(Tag::of(text.as_bytes()).to_string(), expected, "{text}");
        }
    }
}
