//! The records of an archive, in batches and in the order of their import.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::archive::document::{
    Additions, DocumentError, DocumentVisitor, LostValue, Next, Place, Record, Section, read_document,
    read_extras, read_record,
};
use crate::archive::open::{Archive, Verified};
use crate::domain::{
    AspectAudience, Contact, Conversation, CountKind, DiasporaId, Guid, LoosePhoto, OwnPost, Relayable,
};
use crate::import::ImportError;
use crate::validate::{SignatureCheck, SignatureVerifier};

/// Records in a batch, and approximate bytes of text.
const BATCH: usize = 1000;
const BATCH_BYTES: usize = 4 << 20;

/// Records of one kind.
pub(in crate::import) enum Batch {
    Contacts(Vec<Contact>),
    Tags(Vec<String>),
    Posts(Vec<OwnPost>),
    LoosePhotos(Vec<LoosePhoto>),
    Audiences(Vec<AspectAudience>),
    OwnRelayables(Vec<Relayable>),
    OthersRelayables(Vec<(Relayable, SignatureCheck)>),
    LikesOnComments(Vec<(Relayable, SignatureCheck)>),
    UnsignedRelayables(Vec<Relayable>),
    Subscriptions(Vec<Guid>),
    Conversations(Vec<Conversation>),
    HiddenPosts(Vec<Guid>),
    /// A record that cannot be read: its expected kind, and its location.
    Unreadable(CountKind, String),
    /// A value that cannot be read in a record that can.
    ValueLeftOut(CountKind, String),
}

/// A list of the archive document: its object, and its name.
type List = (Section, &'static str);

/// The lists of the archive document, in the order of their import.
const STEPS: &[&[List]] = &[
    &[(Section::User, "contacts")],
    &[(Section::User, "posts")],
    &[(Section::OthersData, "relayables")],
    // After others' comments: the account may like those.
    &[(Section::User, "relayables"), (Section::User, "post_subscriptions")],
];
/// A list that may be imported at any time.
const ANY_TIME: List = (Section::User, "followed_tags");
/// The lists of `extras.json`, by the pass in which they are read.
const EXTRAS_PASSES: &[&[&str]] = &[
    &["loose_photos", "aspect_visibility", "likes_on_comments", "unsigned_relayables"],
    &["conversations", "hidden_posts"],
];

/// Returns whether the records of a list are read in batches.
pub(in crate::import) fn is_batched(section: Section, name: &str) -> bool {
    STEPS.iter().any(|step| step.contains(&(section, name)))
        || ANY_TIME == (section, name)
        || section == Section::Root && EXTRAS_PASSES.iter().any(|pass| pass.contains(&name))
}

impl Batch {
    /// Returns the number of its records.
    pub(in crate::import) fn len(&self) -> u64 {
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
            // The record is counted in a batch of its own kind.
            Self::ValueLeftOut(..) => 0,
        };
        len as u64
    }
}

/// Returns the lists to read in each pass over a document with this order of lists. The order of fields has no
/// meaning in JSON, so a list that must come later and stands before the others waits for another pass.
fn passes(order: &[(Section, String)]) -> Vec<Vec<List>> {
    let place = |list: &List| order.iter().position(|(section, name)| (*section, name.as_str()) == *list);
    let mut passes = vec![vec![ANY_TIME]];
    let mut behind = 0;
    for step in STEPS {
        let places = || step.iter().filter_map(place);
        let (Some(first), Some(last)) = (places().min(), places().max()) else { continue };
        if first < behind {
            passes.push(Vec::new());
        }
        behind = last;
        if let Some(pass) = passes.last_mut() {
            pass.extend_from_slice(step);
        }
    }
    passes
}

/// The reading thread; returns the archive when everything was read.
pub(in crate::import) type Reading = JoinHandle<Result<Archive<Verified>, ImportError>>;

/// Starts reading on a thread of its own. `order` is that of the lists in the document. It stops when the receiver of
/// the batches is dropped.
pub(in crate::import) fn start(
    mut archive: Archive<Verified>,
    judge: Arc<SignatureVerifier>,
    order: &[(Section, String)],
) -> (mpsc::Receiver<Batch>, Reading) {
    let (channel, batches) = mpsc::channel(2);
    let passes = passes(order);
    let reading = tokio::task::spawn_blocking(move || {
        let limits = *archive.limits();
        let account = archive.report().account.clone();
        let additions = archive.additions::<ImportError>()?;
        let known = Known { judge: &judge, additions: &additions, account: account.as_ref() };
        for lists in &passes {
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

/// The context in which records are read.
#[derive(Clone, Copy)]
struct Known<'a> {
    judge: &'a SignatureVerifier,
    additions: &'a Additions,
    /// The author of records that do not name one.
    account: Option<&'a DiasporaId>,
}

struct Feed<'a> {
    channel: &'a mpsc::Sender<Batch>,
    known: Known<'a>,
    wanted: &'a dyn Fn(Section, &str) -> bool,
    list: (Option<Section>, String),
    records: Vec<Box<RawValue>>,
    /// Bytes of text in `records`.
    bytes: usize,
    first: u64,
}

impl<'a> Feed<'a> {
    fn new(
        channel: &'a mpsc::Sender<Batch>,
        known: Known<'a>,
        wanted: &'a dyn Fn(Section, &str) -> bool,
    ) -> Self {
        let (list, records) = ((None, String::new()), Vec::new());
        Self { channel, known, wanted, list, records, bytes: 0, first: 0 }
    }

    /// Sends the collected records; false if the receiver was dropped.
    fn flush(&mut self) -> bool {
        let records = std::mem::take(&mut self.records);
        self.bytes = 0;
        if records.is_empty() {
            return true;
        }
        let (section, name) = (self.list.0, self.list.1.as_str());
        let Known { judge, additions, account } = self.known;
        let mut read = Read { name, first: self.first, channel: self.channel, account, open: true };
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
            (Some(Section::User), _) => Batch::OwnRelayables(read.all(&records, CountKind::OwnComments)),
            (Some(Section::OthersData), _) => {
                let records = read.signed_relayables(&records, CountKind::OthersComments, additions);
                Batch::OthersRelayables(judge.check_all(records))
            }
            (_, "likes_on_comments") => {
                let records = read.signed_relayables(&records, CountKind::LikesOnComments, additions);
                Batch::LikesOnComments(judge.check_all(records))
            }
            (_, "unsigned_relayables") => {
                Batch::UnsignedRelayables(read.all(&records, CountKind::UnsignedRelayables))
            }
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
        if (!same || self.records.len() == BATCH || self.bytes > BATCH_BYTES) && !self.flush() {
            return Ok(Next::Stop);
        }
        if self.records.is_empty() {
            self.list = (Some(place.section), place.name.to_owned());
            self.first = place.index.unwrap_or_default();
        }
        self.bytes += value.get().len();
        self.records.push(value.to_owned());
        Ok(Next::Continue)
    }
}

/// Parses the records of a batch, and reports those that cannot be read.
struct Read<'a> {
    name: &'a str,
    first: u64,
    channel: &'a mpsc::Sender<Batch>,
    account: Option<&'a DiasporaId>,
    open: bool,
}

impl Read<'_> {
    /// Returns other people's relayables, under the IDs that they signed with.
    fn signed_relayables(
        &mut self,
        records: &[Box<RawValue>],
        kind: CountKind,
        additions: &Additions,
    ) -> Vec<Relayable> {
        let mut relayables = self.all(records, kind);
        for record in &mut relayables {
            additions.name_signer(record);
        }
        relayables
    }

    fn all<T: Record>(&mut self, records: &[Box<RawValue>], kind: CountKind) -> Vec<T> {
        let mut parsed = Vec::with_capacity(records.len());
        for (index, record) in (self.first..).zip(records) {
            let place = format!("{}[{index}]", self.name);
            match read_record(record, self.account) {
                Ok((record, lost)) => {
                    for LostValue { path, .. } in lost {
                        self.send(Batch::ValueLeftOut(kind, format!("{place}.{path}")));
                    }
                    parsed.push(record);
                }
                Err(_) => self.send(Batch::Unreadable(kind, place)),
            }
        }
        parsed
    }

    fn send(&mut self, batch: Batch) {
        self.open &= self.channel.blocking_send(batch).is_ok();
    }
}
