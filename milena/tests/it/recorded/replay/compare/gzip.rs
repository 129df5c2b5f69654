//! Compressed bodies, of which only what they unpack to has to be the same: their last bytes tell its checksum and length
//! (RFC 1952 §2.3.1).

/// How a body is not the compressed form of another.
pub(super) fn deviation(packed: &[u8], plain: &[u8]) -> Option<String> {
    if !packed.starts_with(&[0x1f, 0x8b, 8]) || packed.len() >= plain.len() {
        return Some("is not compressed".to_owned());
    }
    let length = u32::try_from(plain.len()).unwrap();
    let end = [checksum(plain).to_le_bytes(), length.to_le_bytes()].concat();
    (!packed.ends_with(&end)).then(|| "unpacks to something else than the plain answer".to_owned())
}

/// The checksum CRC-32 of RFC 1952 §8.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

#[test]
fn the_checksum_is_the_published_one() {
    assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
}
