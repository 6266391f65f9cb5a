//! Reading a configuration file, with a size limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::ConfigError;

/// The largest configuration file in bytes. Real ones are far smaller (diaspora*'s own have 1 and 40 KB). The limit
/// keeps a wrong path to a huge file from filling the memory.
pub(super) const MAX_BYTES: u64 = 1024 * 1024;

/// Reads the text of `file`; returns `None` when there is no such file.
///
/// # Errors
/// [`ConfigError::Unreadable`] when it exists but cannot be read or is not UTF-8;
/// [`ConfigError::TooLarge`] when it is larger than [`MAX_BYTES`].
pub(super) fn read(file: &Path) -> Result<Option<Zeroizing<String>>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { file: file.to_owned(), source };
    let opened = match File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut bytes = Zeroizing::new(Vec::new());
    opened.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ConfigError::TooLarge { file: file.to_owned(), limit: MAX_BYTES });
    }
    crate::text::decode(&bytes).map(Some).map_err(|error| unreadable(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguishes_missing_unreadable_and_too_large() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("database.yml");
        assert!(read(&file).unwrap().is_none());

        std::fs::write(&file, "\u{feff}a: b").unwrap();
        assert_eq!(read(&file).unwrap().unwrap().as_str(), "a: b");

        std::fs::write(&file, [b'a', 0xff]).unwrap();
        assert!(matches!(read(&file), Err(ConfigError::Unreadable { .. })));

        std::fs::write(&file, vec![b'#'; 1024 * 1024 + 1]).unwrap();
        let error = read(&file).unwrap_err();
        assert!(matches!(error, ConfigError::TooLarge { .. }));
        assert!(error.to_string().contains("database.yml"), "{error}");

        // A folder in place of the file can be opened but not read, even by root.
        assert!(matches!(read(dir.path()), Err(ConfigError::Unreadable { .. })));
    }
}
