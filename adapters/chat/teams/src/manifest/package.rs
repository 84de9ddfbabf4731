//! The app package: a zip of the manifest and its two icons, uncompressed, so that no library is needed for it.
//!
//! <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>, sections 4.3.7, 4.3.12 and 4.3.16

use serde_json::Value;

const COLOR: &[u8] = include_bytes!("../../assets/color.png");
const OUTLINE: &[u8] = include_bytes!("../../assets/outline.png");
/// 1 January 1980, the earliest that a zip can tell: the same package has the same bytes.
const DATE: u16 = 0x0021;

/// The package of a manifest.
#[must_use]
pub fn package(manifest: &Value) -> Vec<u8> {
    // Plain data always serialises.
    let manifest = serde_json::to_vec_pretty(manifest).unwrap_or_default();
    zip(&[("manifest.json", &manifest), ("color.png", COLOR), ("outline.png", OUTLINE)])
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for (name, content) in files {
        let offset = count(out.len());
        let mut about = Vec::new();
        // Version 2.0, no flags, stored.
        put16(&mut about, &[20, 0, 0, 0, DATE]);
        let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, content);
        put32(&mut about, &[u32::try_from(crc).unwrap_or_default(), count(content.len()), count(content.len())]);
        put16(&mut about, &[u16::try_from(name.len()).unwrap_or_default(), 0]);
        put32(&mut out, &[0x0403_4b50]);
        out.extend_from_slice(&about);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(content);
        put32(&mut directory, &[0x0201_4b50]);
        put16(&mut directory, &[20]);
        directory.extend_from_slice(&about);
        put16(&mut directory, &[0, 0, 0]);
        put32(&mut directory, &[0, offset]);
        directory.extend_from_slice(name.as_bytes());
    }
    let (start, size) = (count(out.len()), count(directory.len()));
    out.extend_from_slice(&directory);
    put32(&mut out, &[0x0605_4b50]);
    let entries = u16::try_from(files.len()).unwrap_or_default();
    put16(&mut out, &[0, 0, entries, entries]);
    put32(&mut out, &[size, start]);
    put16(&mut out, &[0]);
    out
}

/// Three small files never come near four gigabytes.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn put16(out: &mut Vec<u8>, values: &[u16]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn put32(out: &mut Vec<u8>, values: &[u32]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}
