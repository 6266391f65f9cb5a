//! How much of a stranger's archive is looked at before it is refused.

/// Upper bounds. All are far above what an honest account needs.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Entries in the ZIP.
    pub entries: u64,
    /// Bytes of an entry's name.
    pub name_bytes: usize,
    /// Unpacked bytes of all compressed entries together. Stored ones are bounded by the file's own size.
    pub unpacked_bytes: u64,
    /// How many times larger a compressed entry may get, once it is larger than `ratio_from_bytes`.
    pub ratio: u64,
    /// See `ratio`.
    pub ratio_from_bytes: u64,
    /// Bytes of `manifest.json`.
    pub manifest_bytes: u64,
    /// Nesting of JSON.
    pub json_depth: u32,
    /// Bytes of one record or value in a JSON document.
    pub record_bytes: u64,
}

impl Limits {
    /// Entries in an archive; the writer keeps to it as well.
    pub(crate) const ENTRIES: u64 = 100_000;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: Self::ENTRIES,
            name_bytes: 512,
            unpacked_bytes: 8 << 30,
            ratio: 250,
            ratio_from_bytes: 32 << 20,
            manifest_bytes: 64 << 20,
            json_depth: 32,
            record_bytes: 16 << 20,
        }
    }
}
