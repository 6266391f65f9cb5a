//! Limits for reading untrusted archives.

/// Upper bounds, all far above the needs of a genuine account.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Entries in the ZIP.
    pub entries: u64,
    /// Bytes of an entry's name.
    pub name_bytes: usize,
    /// Total unpacked bytes of all compressed entries. Stored ones are bounded by the file's own size.
    pub unpacked_bytes: u64,
    /// The largest compression ratio of an entry whose unpacked size exceeds `ratio_from_bytes`.
    pub ratio: u64,
    /// See `ratio`.
    pub ratio_from_bytes: u64,
    /// Bytes of `manifest.json`.
    pub manifest_bytes: u64,
    /// Nesting levels of JSON.
    pub json_depth: u32,
    /// Bytes of one record or value in a JSON document.
    pub record_bytes: u64,
}

impl Limits {
    // The writer observes these too, so that Pappus can read all archives that it has written.
    /// Entries in an archive.
    pub(crate) const ENTRIES: u64 = 100_000;
    /// Bytes of one record or value in a JSON document.
    pub(crate) const RECORD_BYTES: u64 = 16 << 20;
    /// Total unpacked bytes of all compressed entries.
    pub(crate) const UNPACKED_BYTES: u64 = 8 << 30;
    /// The largest compression ratio of an entry whose unpacked size exceeds [`Self::RATIO_FROM_BYTES`].
    pub(crate) const RATIO: u64 = 250;
    /// See [`Self::RATIO`].
    pub(crate) const RATIO_FROM_BYTES: u64 = 32 << 20;
    /// Bytes of `manifest.json`.
    pub(crate) const MANIFEST_BYTES: u64 = 64 << 20;

    /// Returns whether readers would take an entry for a bomb because of its compression ratio.
    pub(crate) fn looks_like_a_bomb(packed: u64, unpacked: u64) -> bool {
        unpacked > Self::RATIO_FROM_BYTES && unpacked > packed.saturating_mul(Self::RATIO)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: Self::ENTRIES,
            name_bytes: 512,
            unpacked_bytes: Self::UNPACKED_BYTES,
            ratio: Self::RATIO,
            ratio_from_bytes: Self::RATIO_FROM_BYTES,
            manifest_bytes: Self::MANIFEST_BYTES,
            json_depth: 32,
            record_bytes: Self::RECORD_BYTES,
        }
    }
}
