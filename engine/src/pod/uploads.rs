//! The pod's uploads folder: the originals of its photos.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The folder that holds `images/`.
#[derive(Debug, Clone)]
pub struct UploadsFolder(PathBuf);

/// Why the uploads folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UploadsError {
    /// It is not there, or may not be read.
    #[error(
        "the uploads folder {path} cannot be read: {source}. Name the folder that holds images/ with --uploads"
    )]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The pod keeps its photos elsewhere.
    #[error(
        "the pod keeps its photos on S3 (bucket {0}). Copy the bucket to a folder and name that folder with --uploads"
    )]
    OnS3(String),
}

/// What became of looking for a photo's file.
#[derive(Debug)]
pub enum PhotoFile {
    /// Open, with its size in bytes.
    Found(File, u64),
    /// Not there.
    Missing,
    /// The name could lead out of the folder.
    UnsafeName,
    /// There and not readable.
    Unreadable(io::Error),
}

impl UploadsFolder {
    /// Checks that the folder holds a readable `images/`.
    ///
    /// # Errors
    /// [`UploadsError::Unreadable`].
    pub fn open(path: &Path) -> Result<Self, UploadsError> {
        let images = path.join("images");
        match std::fs::read_dir(&images) {
            Ok(_) => Ok(Self(images)),
            Err(source) => Err(UploadsError::Unreadable { path: images, source }),
        }
    }

    /// The folder `images/` itself.
    pub fn images(&self) -> &Path {
        &self.0
    }

    /// Opens the original of a photo by the name in the pod's database.
    pub fn photo(&self, name: &str) -> PhotoFile {
        if !is_plain_file_name(name) {
            return PhotoFile::UnsafeName;
        }
        match File::open(self.0.join(name)).and_then(|file| file.metadata().map(|data| (file, data))) {
            Ok((file, data)) if data.is_file() => PhotoFile::Found(file, data.len()),
            Ok(_) => PhotoFile::Missing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => PhotoFile::Missing,
            Err(error) => PhotoFile::Unreadable(error),
        }
    }
}

/// Whether a name is one path component that means the same on every system.
pub fn is_plain_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && name != "."
        && name != ".."
        && !name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_reach_the_file_system() {
        for name in ["ad096fda5f400a61a6d5.webp", "mit leer zeichen.jpg", "ünï.png", "..a"] {
            assert!(is_plain_file_name(name), "{name}");
        }
        for name in ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", "c:x", "a\nb", &"x".repeat(256)] {
            assert!(!is_plain_file_name(name), "{name}");
        }
    }

    #[test]
    fn a_folder_is_no_photo() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("images/sub")).unwrap();
        std::fs::write(dir.path().join("images/a.png"), b"12345").unwrap();
        let uploads = UploadsFolder::open(dir.path()).unwrap();
        assert!(matches!(uploads.photo("a.png"), PhotoFile::Found(_, 5)));
        assert!(matches!(uploads.photo("sub"), PhotoFile::Missing));
        assert!(matches!(uploads.photo("b.png"), PhotoFile::Missing));
        assert!(matches!(uploads.photo("../a.png"), PhotoFile::UnsafeName));
        assert!(UploadsFolder::open(&dir.path().join("none")).is_err());
    }
}
