//! The original files of the account's photos.

use std::collections::{BTreeMap, HashSet, VecDeque};

use super::pieces::{ArchiveCommand, CommandSender};
use crate::archive::limits::Limits;
use crate::archive::names;
use crate::domain::{Omission, OmissionCode, Omissions, RecordKind, RecordRef};
use crate::pod::reader::{PhotoName, ReadError, Sink};
use crate::pod::uploads::{Lookup, PhotoBytes, PhotoFile, PhotoStore, is_plain_file_name};
use crate::progress::Progress;

/// The most photo files in an archive. Readers limit the number of entries; the rest is for documents and pages.
const MAX_FILES: u64 = Limits::ENTRIES - 10_000;

/// The most bytes that all photo names may take: the manifest lists them, and readers limit its size.
const MAX_NAME_BYTES: usize = 12 << 20;

/// The most photos being looked up ahead of the one that is sent. Lookups in a bucket take time.
const MAX_LOOKUPS: usize = 16;

/// Source of the photos; decides whether their bytes are read.
#[derive(Clone, Copy)]
pub(super) enum PhotoSource<'a> {
    /// The pod's photos, for an archive; in a folder, also for a forecast.
    Store(&'a PhotoStore),
    /// A bucket's originals with their sizes in bytes, for a forecast; none is downloaded.
    Listed(&'a BTreeMap<String, u64>),
}

impl PhotoSource<'_> {
    fn look_for(self, candidates: Vec<String>) -> Search {
        match self {
            Self::Store(store) => Search::Lookup(store.look_for(candidates)),
            Self::Listed(sizes) => {
                Search::Listed(candidates.iter().filter_map(|name| sizes.get(name)).copied().max())
            }
        }
    }
}

/// A photo being looked up.
enum Search {
    Lookup(Lookup),
    /// Size of the largest file among the photo's candidates.
    Listed(Option<u64>),
}

impl Search {
    fn is_done(&self) -> bool {
        match self {
            Self::Lookup(lookup) => lookup.is_done(),
            Self::Listed(_) => true,
        }
    }
}

/// Receives names of photos and sends their files in the same order.
pub(super) struct PhotoFiles<'a> {
    source: PhotoSource<'a>,
    commands: CommandSender,
    progress: &'a dyn Progress,
    lookups: VecDeque<(PhotoName, Search)>,
    sent_names: HashSet<String>,
    lowercase_names: HashSet<String>,
    name_bytes: usize,
    /// Files that could not be sent.
    pub(super) omissions: Omissions,
}

impl<'a> PhotoFiles<'a> {
    pub(super) fn new(source: PhotoSource<'a>, commands: CommandSender, progress: &'a dyn Progress) -> Self {
        Self {
            source,
            commands,
            progress,
            lookups: VecDeque::new(),
            sent_names: HashSet::new(),
            lowercase_names: HashSet::new(),
            name_bytes: 0,
            omissions: Omissions::default(),
        }
    }

    /// Returns the number of files sent so far.
    pub(super) fn count(&self) -> u64 {
        self.sent_names.len() as u64
    }

    /// Returns the names of the files sent.
    pub(super) fn names(&self) -> HashSet<String> {
        self.sent_names.clone()
    }

    fn omit(&mut self, photo: &PhotoName, code: OmissionCode, reason: String) {
        let record =
            RecordRef { kind: RecordKind::PhotoFile, id: Some(photo.row), name: Some(photo.name.clone()) };
        self.omissions.push(Omission { code, record, reason });
    }

    /// Sends all outstanding photos.
    pub(super) async fn finish(&mut self) -> Result<(), ReadError> {
        while let Some((photo, search)) = self.lookups.pop_front() {
            self.send_or_omit(&photo, search).await?;
        }
        Ok(())
    }

    async fn send_or_omit(&mut self, photo: &PhotoName, search: Search) -> Result<(), ReadError> {
        if !is_plain_file_name(&photo.name) {
            let reason = "the photo's file name could lead out of its folder".to_owned();
            self.omit(photo, OmissionCode::UnsafeFileName, reason);
            return Ok(());
        }
        if self.sent_names.contains(&photo.name) {
            return Ok(()); // Two photos share one file.
        }
        // Many systems treat names that differ only in case as one file, so readers reject the second.
        if self.lowercase_names.contains(&photo.name.to_lowercase()) {
            let reason = "the name of another photo's file differs only in upper and lower case".to_owned();
            self.omit(photo, OmissionCode::UnsafeFileName, reason);
            return Ok(());
        }
        if self.count() == MAX_FILES || self.name_bytes + photo.name.len() > MAX_NAME_BYTES {
            let reason = format!(
                "the archive already contains {} photos, the most that fit; copy this file from the pod's photo files",
                self.count()
            );
            self.omit(photo, OmissionCode::TooManyFiles, reason);
            return Ok(());
        }
        let file = match search {
            Search::Lookup(lookup) => lookup.result().await?,
            Search::Listed(Some(0)) => PhotoFile::Empty,
            Search::Listed(None) => PhotoFile::Missing,
            Search::Listed(Some(_)) => {
                self.mark_as_sent(photo);
                return Ok(());
            }
        };
        match file {
            PhotoFile::Found(bytes, size) => {
                self.mark_as_sent(photo);
                self.send(format!("{}{}", names::PHOTOS, photo.name), bytes, size).await?;
            }
            PhotoFile::Empty => {
                let reason = "the photo's file is empty".to_owned();
                self.omit(photo, OmissionCode::EmptyFile, reason);
            }
            PhotoFile::Unreadable(reason) => {
                let reason = format!("the photo's file cannot be read: {reason}");
                self.omit(photo, OmissionCode::UnreadableFile, reason);
            }
            PhotoFile::Missing => {
                let reason = "there is no such file among the pod's photo files".to_owned();
                self.omit(photo, OmissionCode::MissingFile, reason);
            }
        }
        Ok(())
    }

    fn mark_as_sent(&mut self, photo: &PhotoName) {
        self.name_bytes += photo.name.len();
        self.sent_names.insert(photo.name.clone());
        self.lowercase_names.insert(photo.name.to_lowercase());
    }

    async fn send(&mut self, path: String, bytes: PhotoBytes, size: u64) -> Result<(), ReadError> {
        match bytes {
            PhotoBytes::File(file) => self.commands.send(ArchiveCommand::Photo(path, file, size)).await,
            PhotoBytes::Object(mut object) => {
                self.commands.send(ArchiveCommand::BeginPhoto(path, size)).await?;
                while let Some(bytes) = object.next().await? {
                    self.commands.send(ArchiveCommand::Bytes(bytes)).await?;
                }
                Ok(())
            }
        }
    }
}

impl Sink<PhotoName> for PhotoFiles<'_> {
    async fn put(&mut self, photo: PhotoName) -> Result<(), ReadError> {
        self.progress.advance(1);
        let search = self.source.look_for(photo.candidates.clone());
        self.lookups.push_back((photo, search));
        while let Some((photo, search)) = self.lookups.pop_front_if(|(_, search)| search.is_done()) {
            self.send_or_omit(&photo, search).await?;
        }
        if self.lookups.len() > MAX_LOOKUPS
            && let Some((photo, search)) = self.lookups.pop_front()
        {
            self.send_or_omit(&photo, search).await?;
        }
        Ok(())
    }
}
