//! The originals of the account's photos.

use std::collections::{BTreeMap, HashSet, VecDeque};

use super::Progress;
use super::pieces::{ArchiveCommand, Pieces};
use crate::archive::limits::Limits;
use crate::archive::names;
use crate::domain::{Omission, OmissionCode, Omissions, RecordKind, RecordRef};
use crate::pod::reader::{PhotoName, ReadError, Sink};
use crate::pod::uploads::{Lookup, PhotoBytes, PhotoFile, PhotoStore, is_plain_file_name};

/// So many photos fit into what a reader takes, with room for the documents and the pages.
const MAX_FILES: u64 = Limits::ENTRIES - 10_000;

/// Bytes of all their names together: the manifest lists them, and a reader takes so much of one.
const MAX_NAME_BYTES: usize = 12 << 20;

/// So many photos are asked for ahead of the one that is written, where that means waiting for an answer.
const AHEAD: usize = 16;

/// Where photos are, and whether their bytes are wanted.
#[derive(Clone, Copy)]
pub(super) enum PhotoSource<'a> {
    /// Files that go into an archive; in a folder, also files that are only looked at.
    Store(&'a PhotoStore),
    /// The originals in a bucket with their sizes, of which none is fetched.
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

/// A photo that is being looked for.
enum Search {
    Lookup(Lookup),
    /// The size of the largest file of its names.
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

/// Takes names of photos and sends the files, in the order of the names.
pub(super) struct PhotoFiles<'a> {
    source: PhotoSource<'a>,
    pieces: Pieces,
    progress: &'a dyn Progress,
    ahead: VecDeque<(PhotoName, Search)>,
    sent: HashSet<String>,
    lower_case: HashSet<String>,
    name_bytes: usize,
    /// Files that could not be had.
    pub(super) omissions: Omissions,
}

impl<'a> PhotoFiles<'a> {
    pub(super) fn new(source: PhotoSource<'a>, pieces: Pieces, progress: &'a dyn Progress) -> Self {
        Self {
            source,
            pieces,
            progress,
            ahead: VecDeque::new(),
            sent: HashSet::new(),
            lower_case: HashSet::new(),
            name_bytes: 0,
            omissions: Omissions::default(),
        }
    }

    /// Files sent so far.
    pub(super) fn count(&self) -> u64 {
        self.sent.len() as u64
    }

    /// The names of the files that were sent.
    pub(super) fn names(&self) -> HashSet<String> {
        self.sent.clone()
    }

    fn omit(&mut self, photo: &PhotoName, code: OmissionCode, reason: String) {
        let record =
            RecordRef { kind: RecordKind::PhotoFile, id: Some(photo.row), name: Some(photo.name.clone()) };
        self.omissions.push(Omission { code, record, reason });
    }

    /// Sends what has been asked for.
    pub(super) async fn finish(&mut self) -> Result<(), ReadError> {
        while let Some((photo, search)) = self.ahead.pop_front() {
            self.settle(&photo, search).await?;
        }
        Ok(())
    }

    async fn settle(&mut self, photo: &PhotoName, search: Search) -> Result<(), ReadError> {
        if !is_plain_file_name(&photo.name) {
            let reason = "the photo's file name could lead out of its folder".to_owned();
            self.omit(photo, OmissionCode::UnsafeFileName, reason);
            return Ok(());
        }
        if self.sent.contains(&photo.name) {
            return Ok(()); // two photos of one file
        }
        // On many systems two names that differ only in case are one file, so no reader takes both.
        if self.lower_case.contains(&photo.name.to_lowercase()) {
            let reason = "another photo's file has the same name but for upper and lower case".to_owned();
            self.omit(photo, OmissionCode::UnsafeFileName, reason);
            return Ok(());
        }
        if self.count() == MAX_FILES || self.name_bytes + photo.name.len() > MAX_NAME_BYTES {
            let reason = format!(
                "an archive holds {} photos; copy this file from the pod's photo files",
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
                self.note(photo);
                return Ok(());
            }
        };
        match file {
            PhotoFile::Found(bytes, size) => {
                self.note(photo);
                self.send(format!("{}{}", names::PHOTOS, photo.name), bytes, size).await?;
            }
            PhotoFile::Empty => {
                let reason = "the photo's file is empty: it has no bytes".to_owned();
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

    fn note(&mut self, photo: &PhotoName) {
        self.name_bytes += photo.name.len();
        self.sent.insert(photo.name.clone());
        self.lower_case.insert(photo.name.to_lowercase());
    }

    async fn send(&mut self, path: String, bytes: PhotoBytes, size: u64) -> Result<(), ReadError> {
        match bytes {
            PhotoBytes::File(file) => self.pieces.send(ArchiveCommand::Photo(path, file, size)).await,
            PhotoBytes::Object(mut object) => {
                self.pieces.send(ArchiveCommand::BeginPhoto(path, size)).await?;
                while let Some(bytes) = object.next().await? {
                    self.pieces.send(ArchiveCommand::Bytes(bytes)).await?;
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
        self.ahead.push_back((photo, search));
        while let Some((photo, search)) = self.ahead.pop_front_if(|(_, search)| search.is_done()) {
            self.settle(&photo, search).await?;
        }
        if self.ahead.len() > AHEAD
            && let Some((photo, search)) = self.ahead.pop_front()
        {
            self.settle(&photo, search).await?;
        }
        Ok(())
    }
}
