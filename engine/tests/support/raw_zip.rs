//! A ZIP writer without manners: it writes what it is told.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// What both headers of an entry say.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) name: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) packed: u32,
    pub(crate) unpacked: u32,
    pub(crate) extra: Vec<u8>,
}

/// An entry. `local` and `central` are alike until somebody changes one.
#[derive(Debug, Clone)]
pub(crate) struct RawEntry {
    pub(crate) local: Header,
    pub(crate) central: Header,
    pub(crate) data: Vec<u8>,
    /// Bytes before the local header that belong to nothing.
    pub(crate) gap: Vec<u8>,
    /// Bytes between this entry's data and the next header.
    pub(crate) descriptor: Vec<u8>,
    pub(crate) attributes: u32,
    /// Where the directory says it is, when that is not where it is.
    pub(crate) offset: Option<u32>,
}

impl RawEntry {
    pub(crate) fn stored(name: &str, content: &[u8]) -> Self {
        Self::new(name.as_bytes(), 0, content, content.to_vec())
    }

    pub(crate) fn deflated(name: &str, content: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(9));
        encoder.write_all(content).unwrap();
        Self::new(name.as_bytes(), 8, content, encoder.finish().unwrap())
    }

    fn new(name: &[u8], method: u16, content: &[u8], data: Vec<u8>) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let header = Header {
            name: name.to_vec(),
            flags: 0,
            method,
            crc: crc.sum(),
            packed: u32::try_from(data.len()).unwrap(),
            unpacked: u32::try_from(content.len()).unwrap(),
            extra: Vec::new(),
        };
        let central = header.clone();
        Self {
            local: header,
            central,
            data,
            gap: Vec::new(),
            descriptor: Vec::new(),
            attributes: 0o100_600 << 16,
            offset: None,
        }
    }

    /// Changes both headers alike.
    pub(crate) fn both(&mut self, change: impl Fn(&mut Header)) {
        change(&mut self.local);
        change(&mut self.central);
    }
}

/// What the end of the file says, where it is not the truth.
#[derive(Debug, Clone, Default)]
pub(crate) struct End {
    pub(crate) entries: Option<u16>,
    pub(crate) disk: u16,
    pub(crate) directory_at: Option<u32>,
    /// A 64-bit end with this number of entries; its place is right unless `locator` says otherwise.
    pub(crate) wide_entries: Option<u64>,
    pub(crate) locator: Option<u64>,
    pub(crate) comment: Vec<u8>,
    /// The directory lists the entries from the last to the first.
    pub(crate) reversed: bool,
    /// What follows the end.
    pub(crate) behind: Vec<u8>,
}

fn put(out: &mut Vec<u8>, numbers: &[(usize, u64)]) {
    for (bytes, number) in numbers {
        out.extend_from_slice(&number.to_le_bytes()[..*bytes]);
    }
}

/// Time and date of every entry: 1980-01-01.
const TIME: [(usize, u64); 2] = [(2, 0), (2, 0x21)];

fn sizes(header: &Header) -> [(usize, u64); 5] {
    [
        (4, header.crc.into()),
        (4, header.packed.into()),
        (4, header.unpacked.into()),
        (2, header.name.len() as u64),
        (2, header.extra.len() as u64),
    ]
}

/// Writes the file.
pub(crate) fn write(entries: &[RawEntry], end: &End) -> Vec<u8> {
    let (mut out, mut headers) = (Vec::new(), Vec::new());
    for entry in entries {
        let mut directory = Vec::new();
        out.extend_from_slice(&entry.gap);
        let offset = entry.offset.unwrap_or(u32::try_from(out.len()).unwrap());
        let Header { name, flags, method, extra, .. } = &entry.local;
        out.extend_from_slice(b"PK\x03\x04");
        put(&mut out, &[(2, 20), (2, (*flags).into()), (2, (*method).into())]);
        put(&mut out, &TIME);
        put(&mut out, &sizes(&entry.local));
        out.extend_from_slice(name);
        out.extend_from_slice(extra);
        out.extend_from_slice(&entry.data);
        out.extend_from_slice(&entry.descriptor);

        let Header { name, flags, method, extra, .. } = &entry.central;
        directory.extend_from_slice(b"PK\x01\x02");
        put(&mut directory, &[(2, 0x0314), (2, 20), (2, (*flags).into()), (2, (*method).into())]);
        put(&mut directory, &TIME);
        put(&mut directory, &sizes(&entry.central));
        put(&mut directory, &[(2, 0), (2, 0), (2, 0), (4, entry.attributes.into()), (4, offset.into())]);
        directory.extend_from_slice(name);
        directory.extend_from_slice(extra);
        headers.push(directory);
    }
    if end.reversed {
        headers.reverse();
    }
    let at = out.len() as u64;
    out.extend_from_slice(&headers.concat());
    write_end(&mut out, at, entries.len() as u64, end);
    out.extend_from_slice(&end.behind);
    out
}

fn write_end(out: &mut Vec<u8>, at: u64, count: u64, end: &End) {
    let size = out.len() as u64 - at;
    let wide_at = out.len() as u64;
    if let Some(count) = end.wide_entries {
        out.extend_from_slice(b"PK\x06\x06");
        put(out, &[(8, 44), (2, 45), (2, 45), (4, 0), (4, 0), (8, count), (8, count), (8, size), (8, at)]);
        out.extend_from_slice(b"PK\x06\x07");
        put(out, &[(4, 0), (8, end.locator.unwrap_or(wide_at)), (4, 1)]);
    }
    let count = end.entries.map_or(count, u64::from);
    let at = end.directory_at.map_or(at, u64::from);
    out.extend_from_slice(b"PK\x05\x06");
    put(out, &[(2, end.disk.into()), (2, end.disk.into()), (2, count), (2, count), (4, size), (4, at)]);
    put(out, &[(2, end.comment.len() as u64)]);
    out.extend_from_slice(&end.comment);
}
