//! Relayables with their signatures, conversations, subscriptions.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Check, texts};
use crate::rows::{Record, number, text};

/// Relayables: table, signatures, the column there, and where the parent's number and class are.
const RELAYABLES: [(&str, &str, &str, &str); 3] = [
    ("comments", "comment_signatures", "comment_id", "commentable_id"),
    ("likes", "like_signatures", "like_id", "target_id"),
    ("poll_participations", "poll_participation_signatures", "poll_participation_id", "poll_id"),
];

impl Check<'_> {
    pub(super) fn talk(&mut self) {
        for (table, signatures, key, parent) in RELAYABLES {
            self.signatures(table, signatures, key, parent);
        }
        self.conversations();
        for participation in self.rows.of("participations") {
            let holds = number(participation, "count") >= 1;
            self.must(holds, "participations", participation, "nobody takes part");
        }
    }

    /// What people from elsewhere say under posts of this pod has a signature. What people from here say needs
    /// none, and may have one from before they came here.
    fn signatures(&mut self, table: &str, signatures: &str, key: &str, parent: &str) {
        let owners = self.owners();
        let signed: BTreeSet<i64> =
            self.rows.of(signatures).iter().map(|signature| number(signature, key)).collect();
        let post_authors = self.post_authors(table, parent);
        for record in self.rows.of(table) {
            let id = number(record, "id");
            let local = owners.contains_key(&number(record, "author_id"));
            let under = post_authors.get(&id);
            let needed = !local
                && under.is_some_and(|author| {
                    owners.contains_key(author) && *author != number(record, "author_id")
                });
            self.must(!needed || signed.contains(&id), table, record, "there is no signature");
        }
        let orders = self.by_id("signature_orders");
        let there: HashSet<i64> = self.rows.of(table).iter().map(|record| number(record, "id")).collect();
        for signature in self.rows.of(signatures) {
            self.must(there.contains(&number(signature, key)), signatures, signature, "nothing is signed");
            let readable = STANDARD.decode(text(signature, "author_signature")).is_ok();
            self.must(readable, signatures, signature, "author_signature is not base64");
            let Some(order) = orders.get(&number(signature, "signature_order_id")) else { continue };
            let names: Vec<&str> = text(order, "order").split(' ').collect();
            let fits = names.contains(&"guid") && names.contains(&"parent_guid");
            self.must(fits, signatures, signature, "its order leaves out what it is about");
            if let Some(yaml) = signature.get("additional_data") {
                let values = texts::hash(yaml);
                self.must(values.is_some(), signatures, signature, "additional_data is no hash of texts");
            }
        }
    }

    /// The author of the post that each record of a table stands under.
    fn post_authors(&self, table: &str, parent: &str) -> BTreeMap<i64, i64> {
        let (posts, comments, polls) = (self.by_id("posts"), self.by_id("comments"), self.by_id("polls"));
        let author = |record: &Record| {
            let id = number(record, parent);
            let post = match (table, text(record, "target_type")) {
                ("poll_participations", _) => number(polls.get(&id)?, "status_message_id"),
                (_, "Comment") => number(comments.get(&id)?, "commentable_id"),
                _ => id,
            };
            Some(number(posts.get(&post)?, "author_id"))
        };
        let records = self.rows.of(table).iter();
        records.filter_map(|record| Some((number(record, "id"), author(record)?))).collect()
    }

    fn conversations(&mut self) {
        // Who wrote a message may have left since.
        let mut members: BTreeSet<i64> = BTreeSet::new();
        for visibility in self.rows.of("conversation_visibilities") {
            let talk = number(visibility, "conversation_id");
            members.insert(talk);
            let messages = self.rows.of("messages").iter();
            let there = messages.filter(|message| number(message, "conversation_id") == talk).count();
            let unread = usize::try_from(number(visibility, "unread"));
            let fits = unread.is_ok_and(|unread| unread <= there);
            self.must(fits, "conversation_visibilities", visibility, "more is unread than there is");
        }
        for conversation in self.rows.of("conversations") {
            let holds = members.contains(&number(conversation, "id"));
            self.must(holds, "conversations", conversation, "nobody takes part");
        }
    }
}
