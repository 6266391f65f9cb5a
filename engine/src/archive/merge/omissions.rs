//! The omissions that remain after a merge.

use std::collections::HashSet;

use super::MergeInput;
use super::index::Index;
use crate::domain::{Omission, OmissionCode, Omissions, RecordKind};

/// Returns the remaining omissions, each once and with the reason of the newest archive. Omits those of records that
/// another archive contains.
pub(super) fn merge(inputs: &[MergeInput], index: &Index) -> Omissions {
    let lists: Vec<&[Omission]> = inputs
        .iter()
        .map(|input| {
            input.archive.manifest().map(|manifest| manifest.omissions.as_slice()).unwrap_or_default()
        })
        .collect();
    let newest = lists.len().saturating_sub(1);
    let omitted: HashSet<(usize, RecordKind, &str)> = lists
        .iter()
        .enumerate()
        .flat_map(|(archive, list)| list.iter().map(move |omission| (archive, omission)))
        .filter_map(|(archive, omission)| {
            Some((archive, omission.record.kind, omission.record.name.as_deref()?))
        })
        .collect();
    let (mut seen, mut remaining) = (HashSet::new(), Omissions::default());
    for (archive, list) in lists.iter().enumerate().rev() {
        for omission in *list {
            let record = &omission.record;
            // Older omissions of the account are obsolete, or are in the newest archive too.
            if archive != newest && matches!(record.kind, RecordKind::Account | RecordKind::Block) {
                continue;
            }
            let is_supplied = record.name.as_deref().is_some_and(|name| {
                let source_archive =
                    index.source_of(record.kind, name).filter(|source_archive| *source_archive != archive);
                source_archive
                    .is_some_and(|source_archive| !omitted.contains(&(source_archive, record.kind, name)))
            });
            let name: (OmissionCode, RecordKind, Option<i64>, Option<&str>) =
                (omission.code, record.kind, record.id, record.name.as_deref());
            if !is_supplied && seen.insert(name) {
                remaining.push(omission.clone());
            }
        }
    }
    remaining
}
