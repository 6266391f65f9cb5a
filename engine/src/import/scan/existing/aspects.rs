//! The people whom the account ignores, and posts and photos that were shown to aspects.

use std::collections::{HashMap, HashSet};

use crate::domain::{AspectAudience, DiasporaId};
use crate::import::ImportError;
use crate::import::journal::notes::{Journal, Noted, kinds};
use crate::import::target::{ExistingRow, Target};

/// The people whom the account ignores, and the notes on the blocks of a batch.
pub(in crate::import) struct ExistingBlocks {
    pub(in crate::import) ignored: HashSet<i64>,
    /// By the ID in the archive.
    pub(in crate::import) noted: HashMap<String, Noted>,
}

/// Posts, or photos, that an archive says were shown to aspects.
pub(in crate::import) struct ExistingAudiences {
    /// The archive's name for the kind of record.
    pub(in crate::import) kind: &'static str,
    /// diaspora*'s name for it.
    pub(in crate::import) class: &'static str,
    /// The journal's name for its audiences.
    pub(in crate::import) noted_as: &'static str,
    pub(in crate::import) rows: HashMap<String, ExistingRow>,
    pub(in crate::import) noted: HashMap<String, Noted>,
}

impl Target {
    pub(in crate::import) async fn existing_blocks(
        &mut self,
        user: i64,
        blocks: &[DiasporaId],
        journal: &Journal,
    ) -> Result<ExistingBlocks, ImportError> {
        let ids: Vec<&str> = blocks.iter().map(DiasporaId::as_str).collect();
        let noted = journal.noted(kinds::BLOCKS, &ids).await?;
        Ok(ExistingBlocks { ignored: self.ignored_people(user).await?, noted })
    }

    pub(in crate::import) async fn existing_audiences(
        &mut self,
        audiences: &[AspectAudience],
        journal: &Journal,
    ) -> Result<Vec<ExistingAudiences>, ImportError> {
        let mut existing = Vec::new();
        for (kind, table, class, noted_as) in [
            ("post", "posts", "Post", kinds::POST_AUDIENCES),
            ("photo", "photos", "Photo", kinds::PHOTO_AUDIENCES),
        ] {
            let of_kind = audiences.iter().filter(|audience| audience.kind == kind);
            let guids: Vec<&str> = of_kind.map(|audience| audience.guid.as_str()).collect();
            let (rows, noted) =
                (self.existing_rows(table, &guids).await?, journal.noted(noted_as, &guids).await?);
            existing.push(ExistingAudiences { kind, class, noted_as, rows, noted });
        }
        Ok(existing)
    }
}
