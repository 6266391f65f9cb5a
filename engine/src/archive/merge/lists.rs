//! Writes the lists of both documents, each record once.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write};
use std::path::Path;

use serde_json::Value;
use serde_json::value::RawValue;

use super::index::Index;
use super::spools::Spools;
use super::{MergeError, MergeInput};
use crate::archive::EXTRAS_FORMAT;
use crate::archive::document::{
    DocumentError, DocumentVisitor, Next, Place, Section, read_document, read_extras,
};
use crate::archive::lists::{List, Namespace};
use crate::domain::{Conversation, Message};

/// Both documents, in unnamed files positioned at the start.
pub(super) struct Documents {
    pub(super) document: File,
    pub(super) extras: File,
    /// The non-list fields of the newest `user`, as members of a JSON object.
    pub(super) settings: zeroize::Zeroizing<String>,
}

/// Merges both documents.
pub(super) fn write(
    inputs: &mut [MergeInput],
    index: &Index,
    folder: &Path,
) -> Result<Documents, MergeError> {
    let failed = MergeError::io(folder);
    let mut merger = ListMerger {
        spools: Spools::new(folder).map_err(&failed)?,
        index,
        archive: 0,
        newest: inputs.len().saturating_sub(1),
        settings: zeroize::Zeroizing::default(),
        extra_settings: "{}".to_owned(),
        older_messages: HashMap::new(),
        io_error: None,
    };
    // Aspects keep the user's order, so the newest archive's come first.
    for reads_aspects in [true, false] {
        let mut order: Vec<usize> = (0..inputs.len()).collect();
        if reads_aspects {
            order.reverse();
        }
        for position in order {
            let Some(input) = inputs.get_mut(position) else { continue };
            merger.archive = position;
            merger.read(input, reads_aspects).map_err(|error| match (error, merger.io_error.take()) {
                (_, Some(source)) => failed(source),
                (error, None) => error,
            })?;
        }
    }
    merger.finish(folder).map_err(&failed)
}

struct ListMerger<'a> {
    spools: Spools,
    index: &'a Index,
    archive: usize,
    newest: usize,
    settings: zeroize::Zeroizing<String>,
    extra_settings: String,
    /// Messages that are only in older copies of a conversation.
    older_messages: HashMap<String, Vec<Message>>,
    io_error: Option<io::Error>,
}

/// One pass over an archive: for its aspects, or for everything else.
struct Pass<'g, 'a> {
    merger: &'g mut ListMerger<'a>,
    reads_aspects: bool,
}

impl ListMerger<'_> {
    fn read(&mut self, input: &mut MergeInput, reads_aspects: bool) -> Result<(), MergeError> {
        let limits = *input.archive.limits();
        read_document(input.archive.document()?, &limits, &mut Pass { merger: self, reads_aspects })?;
        if reads_aspects {
            return Ok(());
        }
        if let Some(extras) = input.archive.extras()? {
            read_extras(extras, &limits, &mut Pass { merger: self, reads_aspects })?;
        }
        Ok(())
    }

    fn record(&mut self, list: List, place: &Place<'_>, value: &RawValue) -> Result<(), DocumentError> {
        let invalid = |error: serde_json::Error| DocumentError::record(place, &error);
        let name = list.names(value).map_err(invalid)?.name;
        let is_source = self.index.source_archive(list.namespace(), &name) == Some(self.archive);
        let is_newest = self.archive == self.newest;
        let text = match list {
            List::Conversations => {
                let mut conversation: Conversation = serde_json::from_str(value.get()).map_err(invalid)?;
                if !is_source {
                    let only_here = |message: &Message| {
                        self.index.source_archive(Namespace::Message, message.guid.as_str())
                            == Some(self.archive)
                    };
                    conversation.messages.retain(only_here);
                    let messages = self.older_messages.entry(name).or_default();
                    messages.append(&mut conversation.messages);
                    return Ok(());
                }
                let Some(mut older) = self.older_messages.remove(&name).filter(|older| !older.is_empty())
                else {
                    return self.put(list, value.get(), place);
                };
                conversation.messages.append(&mut older);
                conversation.messages.sort_by_key(|message| message.created_at);
                for part in conversation.into_parts() {
                    self.put(list, &serde_json::to_string(&part).map_err(invalid)?, place)?;
                }
                return Ok(());
            }
            _ if !is_source => return Ok(()),
            // Only the newest archive has the current profile picture.
            List::LoosePhotos if !is_newest => {
                let mut photo: Value = serde_json::from_str(value.get()).map_err(invalid)?;
                if let Some(avatar) = photo.get_mut("avatar") {
                    *avatar = Value::Bool(false);
                }
                photo.to_string()
            }
            _ => return self.put(list, value.get(), place),
        };
        self.put(list, &text, place)
    }

    fn put(&mut self, list: List, text: &str, place: &Place<'_>) -> Result<(), DocumentError> {
        self.spools.put(list, text).map_err(|error| {
            let document_error = DocumentError::record(place, &error);
            self.io_error = Some(error);
            document_error
        })
    }

    fn finish(mut self, folder: &Path) -> io::Result<Documents> {
        let mut document = BufWriter::new(tempfile::tempfile_in(folder)?);
        write!(document, "{{\"version\":\"2.0\",\"user\":{{{}", *self.settings)?;
        for list in List::in_section(Section::User) {
            document.write_all(b",")?;
            self.spools.copy(list, &mut document)?;
        }
        document.write_all(b"},\"others_data\":{")?;
        for (position, list) in List::in_section(Section::OthersData).enumerate() {
            document.write_all(if position == 0 { b"" } else { b"," })?;
            self.spools.copy(list, &mut document)?;
        }
        document.write_all(b"}}\n")?;
        let mut extras = BufWriter::new(tempfile::tempfile_in(folder)?);
        write!(extras, "{{\"format\":\"{EXTRAS_FORMAT}\",\"settings\":{}", self.extra_settings)?;
        for list in List::in_section(Section::Extras) {
            extras.write_all(b",")?;
            self.spools.copy(list, &mut extras)?;
        }
        extras.write_all(b"}\n")?;
        let begin = |file: BufWriter<File>| {
            let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.rewind().map(|()| file)
        };
        Ok(Documents { document: begin(document)?, extras: begin(extras)?, settings: self.settings })
    }
}

impl DocumentVisitor for Pass<'_, '_> {
    fn wants(&self, section: Section, name: &str) -> bool {
        if let Some(list) = List::of(section, name) {
            return (list == List::Aspects) == self.reads_aspects;
        }
        let is_account_field = section == Section::User || section == Section::Extras && name == "settings";
        !self.reads_aspects && self.merger.archive == self.merger.newest && is_account_field
    }

    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        let merger = &mut *self.merger;
        if place.section == Section::Extras {
            value.get().clone_into(&mut merger.extra_settings);
        } else {
            let comma = if merger.settings.is_empty() { "" } else { "," };
            let name = serde_json::to_string(place.name).unwrap_or_default();
            for part in [comma, &name, ":", value.get()] {
                merger.settings.push_str(part);
            }
        }
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        if let Some(list) = place.list() {
            self.merger.record(list, place, value)?;
        }
        Ok(Next::Continue)
    }
}
