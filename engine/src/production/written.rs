//! A complete archive, and its name in a depot.

use std::io;
use std::path::Path;

use super::SpoolError;
use crate::depot::digest_of_file;
use crate::export::Exported;

/// A complete archive that has its final name in a depot or is about to get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// Its name in the depot.
    pub(crate) file: String,
    /// Its size in bytes.
    pub(crate) bytes: i64,
    /// Its SHA-256 digest in hexadecimal digits.
    pub(crate) sha256: String,
    /// Records in it.
    pub(crate) records: i64,
    /// Records left out or incomplete.
    pub(crate) omissions: i64,
}

impl Written {
    /// Reads and measures an exported archive that is about to be stored as `file`.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub(crate) async fn measure(exported: &Exported, file: String) -> Result<Self, SpoolError> {
        let path = exported.path.clone();
        let result = tokio::task::spawn_blocking(move || digest_of_file(&path)).await;
        let (bytes, sha256) = result
            .unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
            .map_err(|source| SpoolError { path: exported.path.clone(), source })?;
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Ok(Self {
            file,
            bytes: number(bytes),
            sha256,
            records: number(exported.manifest.counts.values().sum()),
            omissions: number(exported.manifest.omission_count()),
        })
    }
}

/// Returns the name of an archive in a folder of a depot: the file's name, followed by the parts that distinguish it
/// from others. Usernames may begin with a dot or a hyphen, but names in a depot may not, so `=` precedes these.
pub(crate) fn depot_name(folder: &str, path: &Path, parts: &[&str]) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let prefix = if name.starts_with(['.', '-']) { "=" } else { "" };
    let (stem, ending) = [".zip.age", ".zip"]
        .into_iter()
        .find_map(|ending| name.strip_suffix(ending).map(|stem| (stem, ending)))
        .unwrap_or((&name, ""));
    let parts: Vec<&str> = std::iter::once(stem).chain(parts.iter().copied()).collect();
    format!("{folder}{prefix}{}{ending}", parts.join("-"))
}
