//! The data of a JPEG's scan: bits, and Huffman codes (ITU-T T.81, annexes C and F).

/// Reads bits. Data ends at a marker.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The last byte read, and the number of its bits that are left.
    byte: i32,
    left: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, byte: 0, left: 0 }
    }

    fn bit(&mut self) -> Option<i32> {
        if self.left == 0 {
            let byte = *self.data.get(self.at)?;
            self.at += 1;
            if byte == 0xFF {
                // A zero follows it that does not count.
                if self.data.get(self.at) != Some(&0) {
                    self.at -= 1;
                    return None;
                }
                self.at += 1;
            }
            (self.byte, self.left) = (i32::from(byte), 8);
        }
        self.left -= 1;
        Some(self.byte >> self.left & 1)
    }

    /// Takes a number of this many bits, at most 16.
    pub(super) fn take(&mut self, count: u8) -> Option<i32> {
        (0..count).try_fold(0, |value, _| Some(value << 1 | self.bit()?))
    }

    /// Takes a number of this many bits that may be negative; `None` if it is larger than those of pictures.
    pub(super) fn signed(&mut self, count: u8) -> Option<i32> {
        let Some(sign) = count.checked_sub(1) else { return Some(0) };
        if count > 11 {
            return None;
        }
        let value = self.take(count)?;
        Some(if value >> sign == 0 { value - (1 << count) + 1 } else { value })
    }

    /// Continues behind the next restart marker.
    pub(super) fn restart(&mut self) -> Option<()> {
        let rest = self.data.get(self.at..)?;
        self.at += rest.windows(2).position(|pair| matches!(pair, [0xFF, 0xD0..=0xD7]))? + 2;
        self.left = 0;
        Some(())
    }
}

/// A table of codes.
pub(super) struct Huffman {
    /// For each length of a code: the first one, their number, and the position of the first one's symbol.
    lengths: [(i32, i32, usize); 16],
    symbols: Vec<u8>,
}

impl Huffman {
    /// Makes a table of the number of codes of each length, and of their symbols.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Self {
        let (mut code, mut at) = (0, 0);
        let lengths = counts.map(|count| {
            let length = (code, i32::from(count), at);
            code = (code + i32::from(count)) << 1;
            at += usize::from(count);
            length
        });
        Self { lengths, symbols: symbols.to_vec() }
    }

    /// Reads one symbol.
    pub(super) fn read(&self, bits: &mut Bits<'_>) -> Option<u8> {
        let mut code = 0;
        for (first, count, at) in &self.lengths {
            code = code << 1 | bits.bit()?;
            if (*first..first + count).contains(&code) {
                return self.symbols.get(at + usize::try_from(code - first).ok()?).copied();
            }
        }
        None
    }
}
