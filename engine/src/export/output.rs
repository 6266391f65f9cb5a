//! An archive's output file, under a temporary name until it is complete.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Seek};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::archive::encryption::EncryptTo;
use crate::domain::{DiasporaId, Timestamp};

use super::ExportError;

/// The reason the output file could not be created.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// A file of this name exists already.
    #[error("{0} already exists and is not overwritten. Move it away, or specify another folder with --out")]
    Exists(PathBuf),
    /// Another export is writing the same account's archive in the same folder.
    #[error("another export of this account is already writing to {0}")]
    Busy(PathBuf),
    /// The file system failed.
    #[error("{path} cannot be written: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}

/// A locked file with a temporary name. It is removed on drop; if the process is killed it stays, and the account's
/// next export overwrites it.
pub(super) struct OutputFile {
    file: Option<File>,
    temporary_path: PathBuf,
    final_path: PathBuf,
}

impl OutputFile {
    /// Creates the temporary file for an account's archive, readable by its owner only.
    pub(super) fn create(
        folder: &Path,
        account: &DiasporaId,
        created_at: Timestamp,
        is_encrypted: bool,
    ) -> Result<Self, OutputError> {
        let name = crate::archive::names::archive_file_name(account, created_at);
        let final_path = folder.join(if is_encrypted { format!("{name}.age") } else { name });
        let temporary_path =
            folder.join(format!(".{}.part", crate::archive::names::file_stem(account.as_str())));
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| OutputError::Io { path, source }
        };
        // Only the last folder is created: a missing parent was moved or unmounted and must not be replaced.
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(folder)(error)),
            _ => {}
        }
        if final_path.try_exists().map_err(failed(&final_path))? {
            return Err(OutputError::Exists(final_path));
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&temporary_path)
            .map_err(failed(&temporary_path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OutputError::Busy(temporary_path)),
            Err(TryLockError::Error(source)) => return Err(OutputError::Io { path: temporary_path, source }),
        }
        file.set_len(0).map_err(failed(&temporary_path))?;
        Ok(Self { file: Some(file), temporary_path, final_path })
    }

    /// Returns a handle to write to.
    pub(super) fn file(&self) -> io::Result<File> {
        self.file.as_ref().ok_or_else(|| io::Error::other("the file is already published"))?.try_clone()
    }

    /// Encrypts everything written so far with age.
    pub(super) fn encrypt(&mut self, encrypt_to: &EncryptTo) -> Result<(), ExportError> {
        let path = self.temporary_path.clone();
        let failed = |source| OutputError::Io { path: path.clone(), source };
        let mut unencrypted = self.file().map_err(failed)?;
        // The lock on the temporary file covers this name too; a killed program's leftovers are overwritten.
        let encrypted = self.temporary_path.with_extension("age.part");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&encrypted)
            .map_err(failed)?;
        let result = (|| -> Result<(), ExportError> {
            unencrypted.rewind().map_err(failed)?;
            let mut encryptor = encrypt_to.wrap(&file)?;
            io::copy(&mut unencrypted, &mut encryptor).map_err(failed)?;
            encryptor.finish().map_err(failed)?;
            // Not every file system supports locks. Processes waiting for the name find the new file and its lock.
            _ = file.try_lock();
            Ok(std::fs::rename(&encrypted, &self.temporary_path).map_err(failed)?)
        })();
        if let Err(error) = result {
            // There is no way to handle a failure here.
            _ = std::fs::remove_file(&encrypted);
            return Err(error);
        }
        self.file = Some(file);
        Ok(())
    }

    /// Gives the file its final name. If `durable`, it is complete even after a power failure.
    pub(super) fn publish(mut self, durable: bool) -> Result<PathBuf, OutputError> {
        let failed = |source| OutputError::Io { path: self.final_path.clone(), source };
        if let Some(file) = self.file.take()
            && durable
        {
            file.sync_all().map_err(failed)?;
        }
        // Unlike a rename, a link never replaces an existing file.
        match crate::disk::name_once(&self.temporary_path, &self.final_path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(OutputError::Exists(self.final_path.clone()));
            }
            Err(error) => return Err(failed(error)),
        }
        if let Some(folder) = self.final_path.parent()
            && durable
        {
            // Not every file system can sync a folder.
            _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(self.final_path.clone())
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        // There is no way to handle a failure here, and after a rename there is nothing to remove.
        _ = std::fs::remove_file(&self.temporary_path);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn create(folder: &Path) -> Result<OutputFile, OutputError> {
        let account = "alice@closing.example:3000".parse().unwrap();
        OutputFile::create(folder, &account, "2026-11-22T10:00:00Z".parse().unwrap(), false)
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn only_complete_files_have_the_final_name() {
        let folder = tempfile::tempdir().unwrap();
        let output = create(folder.path()).unwrap();
        output.file().unwrap().write_all(b"half").unwrap();
        assert_eq!(names(folder.path()), [".alice@closing.example_3000.part"]);
        assert!(matches!(create(folder.path()), Err(OutputError::Busy(_))));
        drop(output);
        assert!(names(folder.path()).is_empty());
        let path = create(folder.path()).unwrap().publish(true).unwrap();
        assert_eq!(names(folder.path()), ["alice@closing.example_3000-20261122T100000Z.zip"]);
        assert!(matches!(create(folder.path()), Err(OutputError::Exists(existing)) if existing == path));
        assert_eq!(names(folder.path()).len(), 1);
    }
}
