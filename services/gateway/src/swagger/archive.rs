//! Finds a file in a ZIP archive that is part of the program, and hands it on as it is packed (PKWARE's APPNOTE 6.3.10,
//! RFC 1951, RFC 1952): browsers unpack it themselves.

use std::io::Read;

use anyhow::Context;
use bytes::Bytes;
use flate2::read::DeflateDecoder;

/// How long the end of an archive is without its comment, and how long that may be.
const END: usize = 22;
const COMMENT: usize = 65_535;
/// How long a file's entry in the directory, and the header before its content, are without their variable parts.
const ENTRY: usize = 46;
const HEADER: usize = 30;
/// The only method of packing that occurs.
const DEFLATE: usize = 8;

/// The beginning of a gzip member that names neither file nor time (RFC 1952 §2.3).
const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff";

/// A file as it is packed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    deflated: &'static [u8],
    checksum: u32,
    length: u32,
}

impl Packed {
    /// What tells versions of the file apart.
    pub(super) fn checksum(&self) -> u32 {
        self.checksum
    }

    /// The file as a member of gzip, in parts.
    pub(super) fn gzip(&self) -> [Bytes; 3] {
        let [checksum, length] = [self.checksum, self.length].map(u32::to_le_bytes);
        let end = Bytes::from([checksum, length].concat());
        [Bytes::from_static(GZIP), Bytes::from_static(self.deflated), end]
    }

    /// The file itself.
    ///
    /// # Errors
    /// When it is not packed as the archive says.
    pub(super) fn unpacked(&self) -> anyhow::Result<Vec<u8>> {
        let length = u64::from(self.length);
        let mut plain = Vec::with_capacity(self.length as usize);
        let read = DeflateDecoder::new(self.deflated).take(length).read_to_end(&mut plain);
        let read = read.context("unpack a file of the archive")?;
        anyhow::ensure!(read as u64 == length, "a file of the archive is shorter than it says");
        Ok(plain)
    }
}

/// Finds a file by its path below the archive's one folder.
pub(super) fn find(archive: &'static [u8], path: &str) -> Option<Packed> {
    let last = archive.len().checked_sub(END)?;
    let mut ends = (last.saturating_sub(COMMENT)..=last).rev();
    let end = ends.find(|at| archive[*at..].starts_with(b"PK\x05\x06"))?;
    let count = short(archive, end + 10)?;
    let mut at = long(archive, end + 16)? as usize;
    for _ in 0..count {
        let entry = archive.get(at..).filter(|entry| entry.starts_with(b"PK\x01\x02"))?;
        let (name, extra, comment) = (short(entry, 28)?, short(entry, 30)?, short(entry, 32)?);
        let name_there = entry.get(ENTRY..ENTRY + name)?;
        if is_below_the_folder(name_there, path) {
            return packed(archive, entry);
        }
        at += ENTRY + name + extra + comment;
    }
    None
}

fn is_below_the_folder(name: &[u8], path: &str) -> bool {
    let slash = name.iter().position(|byte| *byte == b'/');
    slash.is_some_and(|slash| &name[slash + 1..] == path.as_bytes())
}

fn packed(archive: &'static [u8], entry: &[u8]) -> Option<Packed> {
    if short(entry, 10)? != DEFLATE {
        return None;
    }
    let at = long(entry, 42)? as usize;
    let header = archive.get(at..).filter(|header| header.starts_with(b"PK\x03\x04"))?;
    // Its lengths may differ from those in the directory.
    let begin = at + HEADER + short(header, 26)? + short(header, 28)?;
    let deflated = archive.get(begin..begin + long(entry, 20)? as usize)?;
    Some(Packed { deflated, checksum: long(entry, 16)?, length: long(entry, 24)? })
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes).into())
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use flate2::read::GzDecoder;
    use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

    use super::*;

    #[test]
    fn a_file_is_the_same_in_both_forms() {
        let packed = find(SWAGGER_UI_VENDORED, "dist/index.html").unwrap();
        let plain = packed.unpacked().unwrap();
        assert!(plain.starts_with(b"<!"), "{}", String::from_utf8_lossy(&plain));
        // The decoder checks length and checksum.
        let mut read = Vec::new();
        GzDecoder::new(&*packed.gzip().concat()).read_to_end(&mut read).unwrap();
        assert_eq!(read, plain);
    }

    #[test]
    fn a_file_is_found_by_its_whole_path_only() {
        for path in ["index.html", "dist/index", "dist/nope.js", ""] {
            assert!(find(SWAGGER_UI_VENDORED, path).is_none(), "{path}");
        }
    }

    #[test]
    fn what_is_no_archive_has_no_files() {
        let cut = &SWAGGER_UI_VENDORED[..SWAGGER_UI_VENDORED.len() / 2];
        let begun = &SWAGGER_UI_VENDORED[SWAGGER_UI_VENDORED.len() / 2..];
        for bytes in [b"".as_slice(), b"PK\x05\x06", cut, begun] {
            assert!(find(bytes, "dist/index.html").is_none(), "{} bytes", bytes.len());
        }
    }
}
