//! Numbers in ZIP headers (PKWARE APPNOTE 6.3.10).

use super::ZipError;

/// General purpose flag: encrypted.
pub(super) const FLAG_ENCRYPTED: u16 = 1;
/// General purpose flag: sizes and CRC follow the data.
pub(super) const FLAG_DESCRIPTOR: u16 = 1 << 3;
/// General purpose flag: the name is UTF-8.
pub(super) const FLAG_UTF8: u16 = 1 << 11;
/// General purpose flags: strong encryption, masked headers.
pub(super) const FLAG_STRONG: u16 = 1 << 6 | 1 << 13;

/// Extra field with 64-bit sizes.
pub(super) const EXTRA_ZIP64: u16 = 0x0001;
/// Extra field with a second name of the entry.
pub(super) const EXTRA_UNICODE_NAME: u16 = 0x7075;

/// Reads little-endian numbers one after another; reading past the end is an error.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], ZipError> {
        let (head, rest) =
            self.0.split_at_checked(count).ok_or(ZipError::Directory { problem: "a header is too short" })?;
        self.0 = rest;
        Ok(head)
    }

    fn number(&mut self, count: usize) -> Result<u64, ZipError> {
        Ok(self.bytes(count)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(super) fn u16(&mut self) -> Result<u16, ZipError> {
        self.number(2).map(|number| u16::try_from(number).unwrap_or_default())
    }

    pub(super) fn u32(&mut self) -> Result<u32, ZipError> {
        self.number(4).map(|number| u32::try_from(number).unwrap_or_default())
    }

    pub(super) fn u64(&mut self) -> Result<u64, ZipError> {
        self.number(8)
    }

    /// Reads a signature, which must be `expected`.
    pub(super) fn signature(&mut self, expected: [u8; 4], problem: &'static str) -> Result<(), ZipError> {
        if self.bytes(4)? == expected { Ok(()) } else { Err(ZipError::Directory { problem }) }
    }
}

/// Returns the content of the first extra field of this kind.
pub(super) fn extra(fields: &[u8], expected: u16) -> Result<Option<&[u8]>, ZipError> {
    let mut fields = Fields(fields);
    // Some programs add padding shorter than a header.
    while fields.0.len() >= 4 {
        let kind = fields.u16()?;
        let length = usize::from(fields.u16()?);
        let content = fields.bytes(length)?;
        if kind == expected {
            return Ok(Some(content));
        }
    }
    Ok(None)
}

/// Replaces 32-bit numbers that refer to the extra field with its 64-bit ones.
pub(super) fn widen(numbers: &mut [&mut u64], extras: &[u8]) -> Result<(), ZipError> {
    const IN_EXTRA_FIELD: u64 = 0xffff_ffff;
    if numbers.iter().all(|number| **number != IN_EXTRA_FIELD) {
        return Ok(());
    }
    let problem = "a 64-bit size is missing";
    let mut wide = Fields(extra(extras, EXTRA_ZIP64)?.ok_or(ZipError::Directory { problem })?);
    for number in numbers.iter_mut().filter(|number| ***number == IN_EXTRA_FIELD) {
        **number = wide.u64()?;
    }
    Ok(())
}
