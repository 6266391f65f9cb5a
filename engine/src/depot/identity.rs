//! The identity of a folder of archives: a file with random digits. Another folder at the same path, such as the bare
//! mount point of a disk that is not mounted, has another identity or none.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::DepotError;
use crate::disk::name_once;
use crate::store::random_id;

/// The name of the file. A depot does not list names that begin with a dot.
pub(super) const FILE_NAME: &str = ".pappus-place";
/// The maximum bytes that are read: the digits, and white space around them if podmins have written the file.
const MAX_BYTES: u64 = 64;

/// Reads the folder's identity, and creates it if there is none.
pub(super) fn read_or_create(folder: &Path) -> Result<String, DepotError> {
    if let Some(identity) = read(folder)? {
        return Ok(identity);
    }
    let path = folder.join(FILE_NAME);
    let failed = DepotError::folder(folder, &path, "written");
    let random = random_id().map_err(|error| failed(io::Error::other(error)))?;
    let temporary = folder.join(format!("{FILE_NAME}.{random}"));
    let result = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| writeln!(file, "{random}").and_then(|()| file.sync_all()))
        // Another program may be faster; then its identity is used.
        .and_then(|()| match name_once(&temporary, &path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        });
    // It no longer exists if it was renamed, on file systems without hard links.
    _ = std::fs::remove_file(&temporary);
    result.map_err(&failed)?;
    read(folder)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
}

/// Checks that the folder has the expected identity.
pub(super) fn check(folder: &Path, expected: &str) -> Result<(), DepotError> {
    if read(folder)?.as_deref() == Some(expected) {
        return Ok(());
    }
    let (location, expected) = (folder.display().to_string(), expected.to_owned());
    Err(DepotError::WrongFolder { location, file: FILE_NAME, expected })
}

fn read(folder: &Path) -> Result<Option<String>, DepotError> {
    let path = folder.join(FILE_NAME);
    let failed = DepotError::folder(folder, &path, "read");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return std::fs::metadata(folder)
                .map(|_| None)
                .map_err(DepotError::folder(folder, folder, "read"));
        }
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    Ok(Some(text).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_recognized_by_its_file() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("out");
        assert!(read_or_create(&folder).unwrap_err().is_of_the_depot());
        std::fs::create_dir(&folder).unwrap();
        let first = read_or_create(&folder).unwrap();
        assert_eq!((read_or_create(&folder).unwrap(), first.len()), (first.clone(), 32));
        check(&folder, &first).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        // The folder is moved away, and then another one is created in its place.
        std::fs::rename(&folder, root.path().join("moved")).unwrap();
        assert!(matches!(check(&folder, &first), Err(DepotError::Folder { .. })));
        std::fs::create_dir(&folder).unwrap();
        assert!(matches!(check(&folder, &first), Err(DepotError::WrongFolder { .. })));
        std::fs::write(folder.join(FILE_NAME), format!(" {first}\r\n")).unwrap();
        check(&folder, &first).unwrap();
    }
}
