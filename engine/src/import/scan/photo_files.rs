//! The photo files of the archive, checked before any is stored.

use super::survey::Survey;
use crate::archive::open::{Archive, OpenError, Verified};
use crate::import::write::photos::PhotoCheck;
use crate::progress::{Progress, Stage};

impl Survey {
    /// Lists the photo files of the archive: those that can be stored, and the others.
    pub(super) fn read_photos(
        &mut self,
        archive: &mut Archive<Verified>,
        check: PhotoCheck,
        progress: &dyn Progress,
    ) -> Result<(), OpenError> {
        // Decoding takes so long that its progress is shown.
        let is_shown = check == PhotoCheck::Pixels;
        if is_shown {
            let mut total = 0;
            archive.photos::<OpenError>(|_, _, _| {
                total += 1;
                Ok(())
            })?;
            progress.begin(Stage::Photos, total);
        }
        archive.photos(|name, size, bytes| {
            if check.accepts(size, bytes)? {
                self.files.insert(name.to_owned());
                self.photos.push((name.to_owned(), size));
            } else {
                self.rejected_photos.push(name.to_owned());
            }
            if is_shown {
                progress.advance(1);
            }
            Ok(())
        })
    }
}
