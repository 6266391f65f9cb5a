//! Texts that are longer than the target pod's database can hold.
//!
//! diaspora* keeps texts in columns of type `text`: 65,535 bytes in MySQL and MariaDB, any number elsewhere. What
//! it takes is counted in characters, so a long text in Cyrillic fits into one pod and not into another.

use super::report::FindingCode;
use super::source::Batch;
use super::target::Target;
use crate::archive::manifest::CountKind;
use crate::domain::{Entity, LoosePhoto, Post, Relayable, RelayableEntity};
use crate::pod::config::Dialect;

/// Bytes of a `text` in MySQL.
const MYSQL_TEXT: usize = 65_535;
/// Characters of a `varchar` there, which holds the names of signed values.
const MYSQL_STRING: usize = 255;

impl Target {
    /// Bytes of the longest text this pod can hold, if there is a limit.
    pub(super) fn longest_text(&self) -> Option<usize> {
        (self.pod.dialect() == Dialect::MySql).then_some(MYSQL_TEXT)
    }

    /// Cuts what the account wrote to what fits, and leaves out what others wrote and signed beyond it.
    pub(super) fn fit_texts(&mut self, mut batch: Batch) -> Batch {
        let Some(most) = self.longest_text() else { return batch };
        let report = &mut self.report;
        let mut cut = |text: &mut String, kind: CountKind, record: &dyn std::fmt::Display| {
            if text.len() > most {
                text.truncate(text.floor_char_boundary(most));
                report.note(kind, FindingCode::Shortened, &record.to_string());
            }
        };
        match &mut batch {
            Batch::Posts(posts) => {
                for post in posts {
                    let Post::StatusMessage(message) = &mut post.post else { continue };
                    cut(&mut message.text, CountKind::StatusMessages, &message.guid);
                    for Entity(photo) in &mut message.photos {
                        if let Some(text) = &mut photo.text {
                            cut(text, CountKind::Photos, &photo.guid);
                        }
                    }
                }
            }
            Batch::LoosePhotos(photos) => {
                for LoosePhoto { photo, .. } in photos {
                    if let Some(text) = &mut photo.text {
                        cut(text, CountKind::Photos, &photo.guid);
                    }
                }
            }
            Batch::OwnRelayables(records) => {
                for record in records {
                    if let RelayableEntity::Comment(comment) = &mut record.entity {
                        cut(&mut comment.text, CountKind::OwnComments, &comment.guid);
                    }
                }
            }
            Batch::Conversations(talks) => {
                for message in talks.iter_mut().flat_map(|talk| &mut talk.messages) {
                    cut(&mut message.text, CountKind::Messages, &message.guid);
                }
            }
            Batch::OthersRelayables(records) => records.retain(|(record, _)| {
                let fits = fits(record, most);
                if !fits {
                    let kind = match &record.entity {
                        RelayableEntity::Comment(_) => CountKind::OthersComments,
                        RelayableEntity::Like(_) => CountKind::OthersLikes,
                        RelayableEntity::PollParticipation(_) => CountKind::OthersPollParticipations,
                    };
                    report.left_out(kind, FindingCode::TooLong, &record.entity.guid());
                }
                fits
            }),
            Batch::LikesOnComments(records) => records.retain(|(record, _)| {
                let fits = fits(record, most);
                if !fits {
                    let guid = record.entity.guid();
                    report.left_out(CountKind::LikesOnComments, FindingCode::TooLong, &guid);
                }
                fits
            }),
            _ => {}
        }
        batch
    }
}

fn fits(record: &Relayable, most: usize) -> bool {
    let order: usize = record.property_order.iter().map(|name| name.chars().count() + 1).sum();
    order <= MYSQL_STRING
        && match &record.entity {
            RelayableEntity::Comment(comment) => comment.text.len() <= most,
            _ => true,
        }
}
