//! An index of the archive that supplies each record: the newest that has it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::{MergeError, MergeInput};
use crate::archive::document::{
    DocumentError, DocumentVisitor, Next, Place, Section, read_document, read_extras,
};
use crate::archive::lists::{List, Namespace};
use crate::domain::RecordKind;

/// A digest of a record's namespace and name. Saves memory, as there may be millions of records.
type NameDigest = [u8; 16];

/// The archive that supplies each record, by its index from the oldest to the newest.
#[derive(Default)]
pub(super) struct Index {
    sources: HashMap<NameDigest, u16>,
    only_in_older: BTreeMap<&'static str, u64>,
}

impl Index {
    /// Reads the names of all records.
    pub(super) fn read(inputs: &mut [MergeInput]) -> Result<Self, MergeError> {
        let mut index = Self::default();
        let newest = inputs.len().saturating_sub(1);
        for (position, input) in inputs.iter_mut().enumerate().rev() {
            let limits = *input.archive.limits();
            let archive = u16::try_from(position).unwrap_or(u16::MAX);
            let mut visitor = NameVisitor { index: &mut index, archive, is_newest: position == newest };
            read_document(input.archive.document()?, &limits, &mut visitor)?;
            if let Some(extras) = input.archive.extras()? {
                read_extras(extras, &limits, &mut visitor)?;
            }
            let files =
                input.archive.manifest().map(|manifest| manifest.entries.as_slice()).unwrap_or_default();
            for file in
                files.iter().filter_map(|entry| entry.path.strip_prefix(crate::archive::names::PHOTOS))
            {
                visitor.add(Namespace::PhotoFile, file);
            }
        }
        Ok(index)
    }

    /// Returns the number of records by kind that the newest archive lacks.
    pub(super) fn only_in_older(&self) -> BTreeMap<&'static str, u64> {
        self.only_in_older.clone()
    }

    /// Returns the archive that supplies a record, or `None` if none has it.
    pub(super) fn source_archive(&self, namespace: Namespace, name: &str) -> Option<usize> {
        self.sources.get(&digest(namespace, name)).copied().map(usize::from)
    }

    /// Like [`source_archive`](Self::source_archive), for the record of an omission.
    pub(super) fn source_of(&self, kind: RecordKind, name: &str) -> Option<usize> {
        let namespaces: &[Namespace] = match kind {
            RecordKind::Contact | RecordKind::Person => &[Namespace::Person],
            RecordKind::Post => &[Namespace::Post],
            RecordKind::Photo => &[Namespace::Photo],
            RecordKind::PhotoFile => &[Namespace::PhotoFile],
            RecordKind::Poll => &[Namespace::Poll],
            RecordKind::Comment | RecordKind::Like | RecordKind::PollParticipation => &[Namespace::Relayable],
            RecordKind::Conversation => &[Namespace::Conversation],
            RecordKind::Message => &[Namespace::Message],
            RecordKind::Subscription => &[Namespace::Subscription],
            // Only the newest archive counts for these.
            RecordKind::Account | RecordKind::Block => &[],
        };
        namespaces.iter().find_map(|namespace| self.source_archive(*namespace, name))
    }
}

fn digest(namespace: Namespace, name: &str) -> NameDigest {
    let digest = Sha256::new().chain_update([namespace as u8]).chain_update(name).finalize();
    let mut truncated = NameDigest::default();
    for (byte, source_byte) in truncated.iter_mut().zip(digest) {
        *byte = source_byte;
    }
    truncated
}

struct NameVisitor<'a> {
    index: &'a mut Index,
    archive: u16,
    is_newest: bool,
}

impl NameVisitor<'_> {
    fn add(&mut self, namespace: Namespace, name: &str) {
        if let Entry::Vacant(vacant) = self.index.sources.entry(digest(namespace, name)) {
            vacant.insert(self.archive);
            if !self.is_newest {
                *self.index.only_in_older.entry(namespace.label()).or_default() += 1;
            }
        }
    }
}

impl DocumentVisitor for NameVisitor<'_> {
    fn wants(&self, section: Section, name: &str) -> bool {
        // Blocks in older archives are obsolete.
        List::of(section, name).is_some_and(|list| self.is_newest || list != List::Blocks)
    }

    fn field(&mut self, _: &Place<'_>, _: &RawValue) -> Result<Next, DocumentError> {
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        if let Some(list) = place.list() {
            let record = list.names(value).map_err(|error| DocumentError::record(place, &error))?;
            self.add(list.namespace(), &record.name);
            for (namespace, name) in record.parts {
                self.add(namespace, &name);
            }
        }
        Ok(Next::Continue)
    }
}
