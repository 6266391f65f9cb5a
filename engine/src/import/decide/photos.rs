//! Photos outside posts, the avatar among them.

use std::collections::HashSet;

use super::{Action, BatchPlan, Context};
use crate::domain::{CountKind, Photo};
use crate::import::report::FindingCode;
use crate::import::scan::existing::photos::ExistingPhotos;
use crate::import::write::photos::PhotoFiles;

/// The photos of a batch that are written.
pub(in crate::import) struct PhotoRows<'a> {
    pub(in crate::import) context: Context<'a>,
    pub(in crate::import) new: Vec<Photo>,
    /// Row numbers of the old person's photos, which become the account's.
    pub(in crate::import) adopted: Vec<i64>,
}

/// Plans the photos outside posts, each once.
pub(in crate::import) fn standalone_photos<'a>(
    context: Context<'a>,
    existing: &ExistingPhotos,
    photos: Vec<Photo>,
) -> BatchPlan<PhotoRows<'a>> {
    let mut plan = BatchPlan::new(PhotoRows { context, new: vec![], adopted: vec![] });
    let mut seen = HashSet::new();
    for photo in photos {
        let (row, noted) = existing.of(&photo.guid);
        let action = if seen.insert(photo.guid.clone()) {
            Action::of_own_record(row, noted, context.account)
        } else {
            Action::Omit(FindingCode::Duplicate)
        };
        plan.add(CountKind::Photos, "photos", &photo.guid, action);
        if matches!(action, Action::Omit(_)) {
            continue;
        }
        existing.note_missing_file(&mut plan, context.files, &photo);
        match action {
            Action::Insert => plan.rows.new.push(photo),
            Action::Adopt(row) => plan.rows.adopted.push(row.id),
            _ => {}
        }
    }
    plan
}

impl ExistingPhotos {
    /// Notes that a photo stays on the old pod: its file is neither here nor in the archive.
    pub(in crate::import) fn note_missing_file<R>(
        &self,
        plan: &mut BatchPlan<R>,
        files: &PhotoFiles,
        photo: &Photo,
    ) {
        if !files.contains_key(&photo.remote_photo_name)
            && !self.guids_with_file.contains(photo.guid.as_str())
        {
            plan.count(CountKind::Photos, &photo.guid, Action::Note(FindingCode::FileMissing));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::decide::tests::{Fixture, actions, deleted, guid};
    use crate::import::target::ExistingRow;

    #[test]
    fn photos_are_written_adopted_found_or_left_out() {
        let fixture = Fixture::new();
        let photo = |number: i64| -> Photo {
            serde_json::from_value(serde_json::json!({
                "guid": guid(number), "author": "alice@old.example", "public": true,
                "created_at": "2020-01-01T00:00:00Z", "remote_photo_path": "https://old.example/",
                "remote_photo_name": "x.jpg",
            }))
            .unwrap()
        };
        let row = |number: i64, author| (guid(number).to_string(), ExistingRow { id: number, author });
        let existing = ExistingPhotos {
            rows: [row(2, 2), row(3, 1), row(4, 3)].into(),
            noted: [(guid(5).to_string(), deleted())].into(),
            guids_with_file: [1, 2].map(|number| guid(number).to_string()).into(),
        };
        let photos = [1, 2, 3, 4, 5, 1].map(photo).to_vec();
        let plan = standalone_photos(fixture.context(), &existing, photos);
        assert_eq!(
            actions(&plan),
            [
                Action::Insert,
                Action::Adopt(ExistingRow { id: 2, author: 2 }),
                Action::Present(None),
                Action::Note(FindingCode::FileMissing),
                Action::Omit(FindingCode::GuidTaken),
                Action::Omit(FindingCode::DeletedSince),
                Action::Omit(FindingCode::Duplicate),
            ]
        );
        assert_eq!((plan.rows.new.len(), plan.rows.adopted, plan.intents.len()), (1, vec![2], 3));
    }
}
