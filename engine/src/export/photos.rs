//! The originals of the account's photos.

use std::collections::HashSet;

use super::Progress;
use super::pieces::{Piece, Pieces};
use crate::archive::limits::Limits;
use crate::archive::names;
use crate::domain::{Omission, OmissionCode, RecordKind, RecordRef};
use crate::pod::reader::{PhotoName, ReadError, Sink};
use crate::pod::uploads::{PhotoFile, UploadsFolder, is_plain_file_name};

/// So many photos fit into what a reader takes, with room for the documents and the pages.
const MAX_FILES: u64 = Limits::ENTRIES - 10_000;

/// Takes names of photos and sends the files.
pub(super) struct PhotoFiles<'a> {
    uploads: &'a UploadsFolder,
    pieces: Pieces,
    progress: &'a dyn Progress,
    sent: HashSet<String>,
    lower_case: HashSet<String>,
    /// Files that could not be had.
    pub(super) omissions: Vec<Omission>,
}

impl<'a> PhotoFiles<'a> {
    pub(super) fn new(uploads: &'a UploadsFolder, pieces: Pieces, progress: &'a dyn Progress) -> Self {
        Self {
            uploads,
            pieces,
            progress,
            sent: HashSet::new(),
            lower_case: HashSet::new(),
            omissions: Vec::new(),
        }
    }

    /// Files sent so far.
    pub(super) fn count(&self) -> u64 {
        self.sent.len() as u64
    }

    fn omit(&mut self, photo: &PhotoName, code: OmissionCode, reason: String) {
        let record =
            RecordRef { kind: RecordKind::PhotoFile, id: Some(photo.row), name: Some(photo.name.clone()) };
        self.omissions.push(Omission { code, record, reason });
    }
}

impl Sink<PhotoName> for PhotoFiles<'_> {
    async fn put(&mut self, photo: PhotoName) -> Result<(), ReadError> {
        self.progress.advance(1);
        if !is_plain_file_name(&photo.name) {
            let reason = "the photo's file name could lead out of its folder".to_owned();
            self.omit(&photo, OmissionCode::UnsafeFileName, reason);
            return Ok(());
        }
        if self.sent.contains(&photo.name) {
            return Ok(()); // two photos of one file
        }
        // On many systems two names that differ only in case are one file, so no reader takes both.
        if self.lower_case.contains(&photo.name.to_lowercase()) {
            let reason = "another photo's file has the same name but for upper and lower case".to_owned();
            self.omit(&photo, OmissionCode::UnsafeFileName, reason);
            return Ok(());
        }
        if self.count() == MAX_FILES {
            let reason =
                format!("an archive holds {MAX_FILES} photos; copy this file from the uploads folder");
            self.omit(&photo, OmissionCode::TooManyFiles, reason);
            return Ok(());
        }
        let mut unreadable = None;
        for candidate in &photo.candidates {
            match self.uploads.photo(candidate) {
                PhotoFile::Found(file, size) => {
                    self.sent.insert(photo.name.clone());
                    self.lower_case.insert(photo.name.to_lowercase());
                    let path = format!("{}{}", names::PHOTOS, photo.name);
                    return self.pieces.send(Piece::Photo(path, file, size)).await;
                }
                PhotoFile::Unreadable(error) => unreadable = Some(error),
                PhotoFile::Missing | PhotoFile::UnsafeName => {}
            }
        }
        if let Some(error) = unreadable {
            let reason = format!("the photo's file cannot be read: {error}");
            self.omit(&photo, OmissionCode::UnreadableFile, reason);
        } else {
            let reason = format!("there is no such file in {}", self.uploads.images().display());
            self.omit(&photo, OmissionCode::MissingFile, reason);
        }
        Ok(())
    }
}
