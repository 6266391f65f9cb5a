//! The two files that a stock pod imports, converted from an archive on demand, and kept encrypted for a while.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pappus_engine::archive::convert::{ConvertError, convert_to_diaspora};
use pappus_engine::archive::encryption::{DecryptWith, EncryptTo};
use pappus_engine::archive::limits::Limits;
use pappus_engine::archive::open::Archive;
use pappus_engine::departures::{MadeArchive, OpenedArchive};
use pappus_engine::depot::{Depot, DepotAddress};
use pappus_engine::store::StateFolder;
use tokio::sync::Mutex;

use super::depot_of;
use crate::app::App;
use crate::error::WebError;

/// Time for which they are kept.
const RETENTION: Duration = Duration::from_hours(6);

/// One of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stock {
    /// `USERNAME.json.gz`.
    Document,
    /// `USERNAME_photos.zip`.
    Photos,
}

impl Stock {
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Document, Self::Photos].into_iter().find(|part| part.as_str() == name)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Photos => "photos",
        }
    }

    pub(super) fn file_name(self, username: &str) -> String {
        match self {
            Self::Document => format!("{username}.json.gz"),
            Self::Photos => format!("{username}_photos.zip"),
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Document => "application/gzip",
            Self::Photos => "application/zip",
        }
    }
}

/// Prefix of the folders of unfinished conversions.
const UNFINISHED: &str = ".tmp";

/// The folder of converted files: on this machine, wherever the depot is.
#[derive(Clone)]
pub(super) struct Converted {
    folder: PathBuf,
    /// Allows one conversion at a time: it reads a whole archive.
    conversion_lock: Arc<Mutex<()>>,
}

impl Converted {
    pub(super) fn new(state: &StateFolder) -> Self {
        Self { folder: state.path().join("converted"), conversion_lock: Arc::default() }
    }

    /// Removes partial, unencrypted conversions that a killed process left.
    pub(super) fn wipe_unfinished(&self) -> std::io::Result<()> {
        self.for_each(&mut |entry| {
            let is_unfinished = entry.file_name().to_string_lossy().starts_with(UNFINISHED);
            if is_unfinished { std::fs::remove_dir_all(entry.path()) } else { Ok(()) }
        })
    }

    /// Removes files that are unlikely to be requested again soon.
    pub(super) fn sweep(&self, now: SystemTime) -> std::io::Result<()> {
        self.for_each(&mut |entry| {
            let age = now.duration_since(entry.metadata()?.modified()?).unwrap_or_default();
            if age > RETENTION && entry.path().is_dir() {
                std::fs::remove_dir_all(entry.path())
            } else {
                Ok(())
            }
        })
    }

    fn for_each(&self, action: &mut dyn FnMut(&DirEntry) -> std::io::Result<()>) -> std::io::Result<()> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            action(&entry?)?;
        }
        Ok(())
    }
}

/// Returns one of the two files, opened for reading.
pub(super) async fn open(app: &App, archive: &MadeArchive, part: Stock) -> Result<OpenedArchive, WebError> {
    if archive.key_locked {
        let text = "a stock pod cannot open a key that is encrypted with a passphrase: request an archive without one";
        return Err(WebError::Conflict(text.to_owned()));
    }
    let unavailable = |error: &dyn std::fmt::Display| WebError::Unavailable(error.to_string());
    let converted = &app.portal.converted;
    let depot = Depot::open(&DepotAddress::Folder(converted.folder.clone()))
        .await
        .map_err(|error| unavailable(&error))?;
    let name = |part: Stock| format!("{}/{}.age", archive.sha256, part.as_str());
    // The photos are stored last.
    let missing = async || {
        Ok::<_, WebError>(
            depot.stat(&name(Stock::Photos)).await.map_err(|error| unavailable(&error))?.is_none(),
        )
    };
    if missing().await? {
        let _guard = converted.conversion_lock.lock().await;
        if missing().await? {
            convert(app, archive, &depot, &name).await?;
        }
    }
    let unlock = app.keys.unlock().map_err(|error| unavailable(&error))?;
    Ok(OpenedArchive::open(&depot, &name(part), true, unlock).await?)
}

async fn convert(
    app: &App,
    archive: &MadeArchive,
    converted: &Depot,
    name: &impl Fn(Stock) -> String,
) -> Result<(), WebError> {
    let unavailable = |error: &dyn std::fmt::Display| WebError::Unavailable(error.to_string());
    let folder = app.portal.converted.folder.clone();
    let work = tempfile::TempDir::with_prefix_in(UNFINISHED, &folder).map_err(|error| unavailable(&error))?;
    let depot = depot_of(app, archive.place.as_deref())
        .await
        .ok_or_else(|| unavailable(&"the archive cannot be reached"))?;
    let copy = depot.local_copy(&archive.file, work.path()).await.map_err(|error| unavailable(&error))?;
    let unlock = app.keys.unlock().map_err(|error| unavailable(&error))?;
    let key = app.keys.current(app.now().into()).await.map_err(|error| unavailable(&error))?;
    let encrypt_to = EncryptTo::recipients(&[key.recipient]).map_err(|error| unavailable(&error))?;
    let path = work.path().to_owned();
    let converting = tokio::task::spawn_blocking(move || {
        let files = two_files(copy.path(), unlock.as_ref(), &path)?;
        seal(&files.0, &encrypt_to)
            .and_then(|document| Ok((document, seal(&files.1, &encrypt_to)?)))
            .map_err(|error| error.to_string())
    });
    let (document, photos) =
        converting.await.map_err(|error| unavailable(&error))?.map_err(|error| unavailable(&error))?;
    for (part, path) in [(Stock::Document, document), (Stock::Photos, photos)] {
        // A file left by a killed process has other bytes: each encryption differs.
        converted.replace(&name(part), &path).await.map_err(|error| unavailable(&error))?;
    }
    Ok(())
}

/// Writes both files, unencrypted for a short time, into a folder that only its owner can enter.
fn two_files(archive: &Path, unlock: Option<&DecryptWith>, out: &Path) -> Result<(PathBuf, PathBuf), String> {
    let opened = Archive::open(archive, Limits::default(), unlock).map_err(|error| error.to_string())?;
    let mut verified = opened.verify(&()).map_err(|error| error.to_string())?;
    let files = convert_to_diaspora(&mut verified, out, None);
    files.map(|files| (files.document, files.photos)).map_err(|error: ConvertError| error.to_string())
}

fn seal(path: &Path, encrypt_to: &EncryptTo) -> std::io::Result<PathBuf> {
    let sealed = path.with_added_extension("age");
    let mut encryptor =
        encrypt_to.wrap(std::fs::File::create_new(&sealed)?).map_err(std::io::Error::other)?;
    std::io::copy(&mut std::fs::File::open(path)?, &mut encryptor)?;
    encryptor.finish()?.sync_all()?;
    std::fs::remove_file(path)?;
    Ok(sealed)
}
