//! The records of an archive, in batches and in the order in which they can be imported.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::ImportError;
use crate::archive::document::{
    Additions, DocumentError, DocumentVisitor, Next, Place, Section, read_document, read_extras, relayable,
};
use crate::archive::manifest::CountKind;
use crate::archive::open::{Archive, Verified};
use crate::domain::{AspectAudience, Contact, Conversation, Guid, LoosePhoto, OwnPost, Relayable};
use crate::validate::{Judge, Verdict};

/// Records in a batch.
const BATCH: usize = 1000;

/// Records of one kind.
pub(super) enum Batch {
    Contacts(Vec<Contact>),
    Tags(Vec<String>),
    Posts(Vec<OwnPost>),
    LoosePhotos(Vec<LoosePhoto>),
    Audiences(Vec<AspectAudience>),
    OwnRelayables(Vec<Relayable>),
    OthersRelayables(Vec<(Relayable, Verdict)>),
    LikesOnComments(Vec<(Relayable, Verdict)>),
    UnsignedRelayables(Vec<Relayable>),
    Subscriptions(Vec<Guid>),
    Conversations(Vec<Conversation>),
    HiddenPosts(Vec<Guid>),
    /// Something that cannot be read: what it should be, and where it stands.
    Unreadable(CountKind, String),
}

/// A list of the archive: its section, its name, and whether it is in `extras.json`.
const PASSES: &[&[(Section, &str)]] = &[
    &[
        (Section::User, "contacts"),
        (Section::User, "followed_tags"),
        (Section::User, "posts"),
        (Section::OthersData, "relayables"),
    ],
    // After the comments of others: the account may like those.
    &[(Section::User, "relayables"), (Section::User, "post_subscriptions")],
];
/// The same for `extras.json`.
const EXTRAS_PASSES: &[&[&str]] = &[
    &["loose_photos", "aspect_visibility", "likes_on_comments", "unsigned_relayables"],
    &["conversations", "hidden_posts"],
];

/// Whether the records of a list come in batches.
pub(super) fn is_batched(section: Section, name: &str) -> bool {
    PASSES.iter().any(|pass| pass.contains(&(section, name)))
        || section == Section::Root && EXTRAS_PASSES.iter().any(|pass| pass.contains(&name))
}

impl Batch {
    /// How many records it holds.
    pub(super) fn len(&self) -> u64 {
        let len = match self {
            Self::Contacts(list) => list.len(),
            Self::Tags(list) => list.len(),
            Self::Posts(list) => list.len(),
            Self::LoosePhotos(list) => list.len(),
            Self::Audiences(list) => list.len(),
            Self::OwnRelayables(list) | Self::UnsignedRelayables(list) => list.len(),
            Self::OthersRelayables(list) | Self::LikesOnComments(list) => list.len(),
            Self::Subscriptions(list) | Self::HiddenPosts(list) => list.len(),
            Self::Conversations(list) => list.len(),
            Self::Unreadable(..) => 1,
        };
        len as u64
    }
}

/// Gives the archive back when everything was read.
pub(super) type Reading = JoinHandle<Result<Archive<Verified>, ImportError>>;

/// Starts reading on a thread of its own. It stops when nobody takes the batches any more.
pub(super) fn start(mut archive: Archive<Verified>, judge: Arc<Judge>) -> (mpsc::Receiver<Batch>, Reading) {
    let (channel, batches) = mpsc::channel(2);
    let reading = tokio::task::spawn_blocking(move || {
        let limits = *archive.limits();
        let additions = archive.additions::<ImportError>()?;
        let known = Known { judge: &judge, additions: &additions };
        for lists in PASSES {
            let wanted = |section, name: &str| lists.contains(&(section, name));
            let mut feed = Feed::new(&channel, known, &wanted);
            read_document(archive.document()?, &limits, &mut feed)?;
            if !feed.flush() {
                return Ok(archive);
            }
        }
        for lists in EXTRAS_PASSES {
            let Some(extras) = archive.extras()? else { break };
            let wanted = |_, name: &str| lists.contains(&name);
            let mut feed = Feed::new(&channel, known, &wanted);
            read_extras(extras, &limits, &mut feed)?;
            if !feed.flush() {
                return Ok(archive);
            }
        }
        Ok(archive)
    });
    (batches, reading)
}

/// What is known about records before they are read.
#[derive(Clone, Copy)]
struct Known<'a> {
    judge: &'a Judge,
    additions: &'a Additions,
}

struct Feed<'a> {
    channel: &'a mpsc::Sender<Batch>,
    known: Known<'a>,
    wanted: &'a dyn Fn(Section, &str) -> bool,
    list: (Option<Section>, String),
    records: Vec<Box<RawValue>>,
    first: u64,
}

impl<'a> Feed<'a> {
    fn new(
        channel: &'a mpsc::Sender<Batch>,
        known: Known<'a>,
        wanted: &'a dyn Fn(Section, &str) -> bool,
    ) -> Self {
        Self { channel, known, wanted, list: (None, String::new()), records: Vec::new(), first: 0 }
    }

    /// Sends what has gathered; false when nobody listens any more.
    fn flush(&mut self) -> bool {
        let records = std::mem::take(&mut self.records);
        if records.is_empty() {
            return true;
        }
        let (section, name) = (self.list.0, self.list.1.as_str());
        let Known { judge, additions } = self.known;
        let mut read = Read { name, first: self.first, channel: self.channel, open: true };
        let batch = match (section, name) {
            (_, "contacts") => Batch::Contacts(read.all(&records, CountKind::Contacts)),
            (_, "followed_tags") => Batch::Tags(read.all(&records, CountKind::FollowedTags)),
            (_, "posts") => {
                let mut posts: Vec<OwnPost> = read.all(&records, CountKind::StatusMessages);
                for post in &mut posts {
                    additions.complete(post);
                }
                Batch::Posts(posts)
            }
            (_, "post_subscriptions") => Batch::Subscriptions(read.all(&records, CountKind::Subscriptions)),
            (Some(Section::User), _) => Batch::OwnRelayables(read.relayables(&records)),
            (Some(Section::OthersData), _) => {
                Batch::OthersRelayables(judge.judge_all(read.signed_relayables(&records, additions)))
            }
            (_, "likes_on_comments") => {
                Batch::LikesOnComments(judge.judge_all(read.signed_relayables(&records, additions)))
            }
            (_, "unsigned_relayables") => Batch::UnsignedRelayables(read.relayables(&records)),
            (_, "loose_photos") => Batch::LoosePhotos(read.all(&records, CountKind::Photos)),
            (_, "aspect_visibility") => Batch::Audiences(read.all(&records, CountKind::StatusMessages)),
            (_, "conversations") => Batch::Conversations(read.all(&records, CountKind::Conversations)),
            _ => Batch::HiddenPosts(read.all(&records, CountKind::StatusMessages)),
        };
        read.open && self.channel.blocking_send(batch).is_ok()
    }
}

impl DocumentVisitor for Feed<'_> {
    fn wants(&self, section: Section, name: &str) -> bool {
        (self.wanted)(section, name)
    }

    fn field(&mut self, _: &Place<'_>, _: &RawValue) -> Result<Next, DocumentError> {
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        let same = self.list.0 == Some(place.section) && self.list.1 == place.name;
        if (!same || self.records.len() == BATCH) && !self.flush() {
            return Ok(Next::Stop);
        }
        if self.records.is_empty() {
            self.list = (Some(place.section), place.name.to_owned());
            self.first = place.index.unwrap_or_default();
        }
        self.records.push(value.to_owned());
        Ok(Next::Continue)
    }
}

/// Parses the records of a batch, and reports those that cannot be read.
struct Read<'a> {
    name: &'a str,
    first: u64,
    channel: &'a mpsc::Sender<Batch>,
    open: bool,
}

impl Read<'_> {
    fn all<T: serde::de::DeserializeOwned>(&mut self, records: &[Box<RawValue>], kind: CountKind) -> Vec<T> {
        self.each(records, kind, |value| serde_json::from_str(value.get()))
    }

    fn relayables(&mut self, records: &[Box<RawValue>]) -> Vec<Relayable> {
        self.each(records, CountKind::OthersComments, relayable)
    }

    /// Other people's, under the IDs that they signed with.
    fn signed_relayables(&mut self, records: &[Box<RawValue>], additions: &Additions) -> Vec<Relayable> {
        let mut relayables = self.relayables(records);
        for record in &mut relayables {
            additions.name_signer(record);
        }
        relayables
    }

    fn each<T>(
        &mut self,
        records: &[Box<RawValue>],
        kind: CountKind,
        parse: impl Fn(&RawValue) -> Result<T, serde_json::Error>,
    ) -> Vec<T> {
        let mut parsed = Vec::with_capacity(records.len());
        for (index, record) in (self.first..).zip(records) {
            if let Ok(record) = parse(record) {
                parsed.push(record);
            } else {
                let place = format!("{}[{index}]", self.name);
                self.open &= self.channel.blocking_send(Batch::Unreadable(kind, place)).is_ok();
            }
        }
        parsed
    }
}
