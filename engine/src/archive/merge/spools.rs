//! One temporary file for each list, so that one pass over the archives fills all lists.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek as _, Write};
use std::path::Path;

use crate::archive::lists::List;

/// A list being written: its elements, separated by commas.
struct Spool {
    file: BufWriter<File>,
    is_empty: bool,
}

/// All lists.
pub(super) struct Spools(Vec<(List, Spool)>);

impl Spools {
    /// Creates empty lists, in unnamed files.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let spool =
            |list| Ok((list, Spool { file: BufWriter::new(tempfile::tempfile_in(folder)?), is_empty: true }));
        List::ALL.iter().copied().map(spool).collect::<io::Result<_>>().map(Self)
    }

    /// Adds an element.
    pub(super) fn put(&mut self, list: List, text: &str) -> io::Result<()> {
        let Some((_, spool)) = self.0.iter_mut().find(|(known, _)| *known == list) else { return Ok(()) };
        if !std::mem::take(&mut spool.is_empty) {
            spool.file.write_all(b",")?;
        }
        spool.file.write_all(text.as_bytes())
    }

    /// Writes `"name":[…]` and frees the disk space.
    pub(super) fn copy(&mut self, list: List, out: &mut impl Write) -> io::Result<()> {
        let Some((_, spool)) = self.0.iter_mut().find(|(known, _)| *known == list) else { return Ok(()) };
        write!(out, "\"{}\":[", list.name())?;
        spool.file.flush()?;
        let file = spool.file.get_mut();
        file.rewind()?;
        copy(file, out)?;
        file.set_len(0)?;
        out.write_all(b"]")
    }
}

/// Copies in larger chunks than [`io::copy`] does.
pub(super) fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<u64> {
    let (mut buffer, mut total) = (vec![0; 256 << 10], 0);
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(read) => {
                to.write_all(buffer.get(..read).unwrap_or_default())?;
                total += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
