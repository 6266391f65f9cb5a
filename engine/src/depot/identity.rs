//! The identity of a folder of archives: a file with random digits. Another folder at the same path, such as the bare
//! mount point of a disk that is not mounted, has another identity or none.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::DepotError;
use crate::disk::name_once;
use crate::store::random_id;

/// The file. A depot does not list names that begin with a dot.
pub(super) const FILE: &str = ".pappus-place";
/// Digits, and a line break or two from a manual restore.
const MAX_BYTES: u64 = 64;

/// Reads the folder's identity, creating it when there is none.
pub(super) fn make(folder: &Path) -> Result<String, DepotError> {
    if let Some(found) = read(folder)? {
        return Ok(found);
    }
    let path = folder.join(FILE);
    let failed = DepotError::folder(folder, &path, "written");
    let random = random_id().map_err(|error| failed(io::Error::other(error)))?;
    let temporary = folder.join(format!("{FILE}.{random}"));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| writeln!(file, "{random}").and_then(|()| file.sync_all()))
        // Another program may be faster: its identity counts.
        .and_then(|()| match name_once(&temporary, &path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        });
    // Gone already where it was renamed for lack of links.
    _ = std::fs::remove_file(&temporary);
    written.map_err(&failed)?;
    read(folder)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
}

/// Checks that the folder has the expected identity.
pub(super) fn check(folder: &Path, expected: &str) -> Result<(), DepotError> {
    if read(folder)?.as_deref() == Some(expected) {
        return Ok(());
    }
    let (place, expected) = (folder.display().to_string(), expected.to_owned());
    Err(DepotError::Elsewhere { place, file: FILE, expected })
}

fn read(folder: &Path) -> Result<Option<String>, DepotError> {
    let path = folder.join(FILE);
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
    fn a_folder_is_known_by_its_file() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("out");
        assert!(make(&folder).unwrap_err().is_of_the_depot());
        std::fs::create_dir(&folder).unwrap();
        let first = make(&folder).unwrap();
        assert_eq!((make(&folder).unwrap(), first.len()), (first.clone(), 32));
        check(&folder, &first).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        // Moved away, and then only the bare folder is there.
        std::fs::rename(&folder, root.path().join("moved")).unwrap();
        assert!(matches!(check(&folder, &first), Err(DepotError::Folder { .. })));
        std::fs::create_dir(&folder).unwrap();
        assert!(matches!(check(&folder, &first), Err(DepotError::Elsewhere { .. })));
        std::fs::write(folder.join(FILE), format!(" {first}\r\n")).unwrap();
        check(&folder, &first).unwrap();
    }
}
