//! Headers as one value of the log.

use anyhow::Context;
use database::Header;

/// Headers as lengths (32 bits, big endian) and bytes: name, value, name, value, ….
pub(super) fn pack(headers: &[Header]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in headers.iter().flat_map(|header| [header.name.as_bytes(), &header.value]) {
        bytes.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(part);
    }
    bytes
}

/// Reads what [`pack`] wrote.
pub(super) fn unpack(mut bytes: &[u8]) -> anyhow::Result<Vec<Header>> {
    let mut part = || -> anyhow::Result<Option<Vec<u8>>> {
        let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length))?;
        let (part, rest) = rest.split_at_checked(length).context("a header is cut off")?;
        bytes = rest;
        Ok(Some(part.to_vec()))
    };
    let mut headers = Vec::new();
    while let Some(name) = part()? {
        let value = part()?.context("a header has no value")?;
        headers.push(Header {
            name: String::from_utf8(name).context("a header's name is no text")?,
            value,
        });
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_as_they_were() {
        let header = |name: &str, value: &[u8]| Header { name: name.into(), value: value.into() };
        let headers = vec![
            header("contentType", b"\"application/json\""),
            header("", b""),
            header("x", &[0, 255]),
        ];
        assert_eq!(unpack(&pack(&headers)).unwrap(), headers);
        assert!(unpack(&pack(&headers)[..9]).is_err());
    }
}
