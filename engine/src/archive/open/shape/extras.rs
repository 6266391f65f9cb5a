//! Validation of `extras.json`.

use serde_json::value::RawValue;

use super::Tally;
use crate::archive::document::{DocumentError, DocumentVisitor, Next, Place};
use crate::archive::manifest::CountKind;
use crate::domain::{
    AspectAudience, CommentedPost, Conversation, ExtraSettings, Guid, LoosePhoto, PostRemainder, Relayable,
    SignedAs,
};

/// Validates every record of `extras.json`.
pub(in crate::archive::open) struct ExtrasShape<'a> {
    pub(in crate::archive::open) tally: &'a mut Tally,
    pub(in crate::archive::open) format: Option<String>,
}

const LISTS: [&str; 9] = [
    "aspect_visibility",
    "loose_photos",
    "conversations",
    "likes_on_comments",
    "unsigned_relayables",
    "signed_as",
    "post_remainders",
    "commented_posts",
    "hidden_posts",
];

impl DocumentVisitor for ExtrasShape<'_> {
    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        match place.name {
            "format" => self.format = self.tally.parse(place, value)?,
            "settings" => _ = self.tally.parse::<ExtraSettings>(place, value)?,
            name if LISTS.contains(&name) => self.tally.refuse(place, "this should be an array")?,
            _ => self.tally.refuse(place, "no such field belongs here")?,
        }
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        let tally = &mut *self.tally;
        match place.name {
            "aspect_visibility" => _ = tally.parse::<AspectAudience>(place, value)?,
            "hidden_posts" => _ = tally.parse::<Guid>(place, value)?,
            "loose_photos" => tally.count_one::<LoosePhoto>(place, value, CountKind::Photos)?,
            "likes_on_comments" => tally.count_one::<Relayable>(place, value, CountKind::LikesOnComments)?,
            "unsigned_relayables" => {
                tally.count_one::<Relayable>(place, value, CountKind::UnsignedRelayables)?;
            }
            "signed_as" => _ = tally.parse::<SignedAs>(place, value)?,
            "post_remainders" => {
                if let Some(remainder) = tally.parse::<PostRemainder>(place, value)? {
                    tally.count(CountKind::Polls, u64::from(remainder.poll.is_some()));
                }
            }
            "commented_posts" => tally.count_one::<CommentedPost>(place, value, CountKind::CommentedPosts)?,
            "conversations" => {
                if let Some(conversation) = tally.parse::<Conversation>(place, value)? {
                    tally.count(CountKind::Conversations, u64::from(!conversation.continued));
                    tally.count(CountKind::Messages, conversation.messages.len() as u64);
                }
            }
            _ => tally.refuse(place, "no such list belongs here")?,
        }
        Ok(Next::Continue)
    }
}
