//! The records of an archive, in batches and in the order of their import.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::archive::document::{
    Additions, DocumentError, DocumentVisitor, LostValue, Next, Place, Section, read_document, read_extras,
    read_record,
};
use crate::archive::lists::{self, List, TypedList};
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

/// The time at which a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// By the survey, before everything else.
    Survey,
    /// With the archive document, in any order.
    AnyTime,
    /// With the archive document, after the lists with smaller numbers.
    Document(u8),
    /// With `extras.json`, in the pass of this number.
    Extras(u8),
}

fn step(list: List) -> Step {
    match list {
        List::Blocks
        | List::Aspects
        | List::NonContactAuthors
        | List::Signers
        | List::PostRemainders
        | List::CommentedPosts => Step::Survey,
        List::FollowedTags => Step::AnyTime,
        List::Contacts => Step::Document(1),
        List::Posts => Step::Document(2),
        List::OthersRelayables => Step::Document(3),
        // After others' comments: the account may like those.
        List::OwnRelayables | List::Subscriptions => Step::Document(4),
        List::LoosePhotos | List::AspectVisibility | List::LikesOnComments | List::UnsignedRelayables => {
            Step::Extras(1)
        }
        List::Conversations | List::HiddenPosts => Step::Extras(2),
    }
}

/// Returns the lists by the time at which they are read.
fn steps() -> BTreeMap<Step, Vec<List>> {
    let mut steps = BTreeMap::<_, Vec<_>>::new();
    for list in List::ALL {
        steps.entry(step(*list)).or_default().push(*list);
    }
    steps
}

/// Returns whether the records of a list are read in batches.
pub(in crate::import) fn is_batched(list: List) -> bool {
    step(list) != Step::Survey
}

/// Returns the lists to read in each pass over the archive document, and over `extras.json`, where the document has this
/// order of lists. The order of fields has no meaning in JSON, so a list that must come later and stands before the
/// others waits for another pass.
fn passes(order: &[List]) -> (Vec<Vec<List>>, Vec<Vec<List>>) {
    let place = |list: &List| order.iter().position(|found| found == list);
    let (mut document, mut extras) = (vec![Vec::new()], Vec::new());
    let mut behind = 0;
    for (step, lists) in steps() {
        match step {
            Step::Survey => continue,
            Step::AnyTime => {}
            Step::Document(_) => {
                let places = || lists.iter().filter_map(place);
                let (Some(first), Some(last)) = (places().min(), places().max()) else { continue };
                if first < behind {
                    document.push(Vec::new());
                }
                behind = last;
            }
            Step::Extras(_) => {
                extras.push(lists);
                continue;
            }
        }
        if let Some(pass) = document.last_mut() {
            pass.extend(lists);
        }
    }
    (document, extras)
}

/// A batch, and the number of the archive's records in it, for showing progress.
type Counted = (Batch, u64);

/// The reading thread; returns the archive when everything was read.
pub(in crate::import) type Reading = JoinHandle<Result<Archive<Verified>, ImportError>>;

/// Starts reading on a thread of its own. `order` is that of the lists in the document. It stops when the receiver of
/// the batches is dropped.
pub(in crate::import) fn start(
    mut archive: Archive<Verified>,
    verifier: Arc<SignatureVerifier>,
    order: &[List],
) -> (mpsc::Receiver<Counted>, Reading) {
    let (channel, batches) = mpsc::channel(2);
    let (document_passes, extras_passes) = passes(order);
    let reading = tokio::task::spawn_blocking(move || {
        let limits = *archive.limits();
        let account = archive.report().account.clone();
        let additions = archive.additions::<ImportError>()?;
        let known = Known { verifier: &verifier, additions: &additions, account: account.as_ref() };
        for lists in &document_passes {
            let mut feed = Feed::new(&channel, known, lists);
            read_document(archive.document()?, &limits, &mut feed)?;
            if !feed.flush() {
                return Ok(archive);
            }
        }
        for lists in &extras_passes {
            let Some(extras) = archive.extras()? else { break };
            let mut feed = Feed::new(&channel, known, lists);
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
    verifier: &'a SignatureVerifier,
    additions: &'a Additions,
    /// The author of records that do not name one.
    account: Option<&'a DiasporaId>,
}

struct Feed<'a> {
    channel: &'a mpsc::Sender<Counted>,
    known: Known<'a>,
    lists: &'a [List],
    /// The list of `records`.
    list: Option<List>,
    records: Vec<Box<RawValue>>,
    /// Bytes of text in `records`.
    bytes: usize,
    first: u64,
}

impl<'a> Feed<'a> {
    fn new(channel: &'a mpsc::Sender<Counted>, known: Known<'a>, lists: &'a [List]) -> Self {
        Self { channel, known, lists, list: None, records: Vec::new(), bytes: 0, first: 0 }
    }

    /// Sends the collected records; false if the receiver was dropped.
    fn flush(&mut self) -> bool {
        let records = std::mem::take(&mut self.records);
        self.bytes = 0;
        let Some(list) = self.list.filter(|_| !records.is_empty()) else { return true };
        let Known { verifier, additions, account } = self.known;
        let mut read =
            Read { records, first: self.first, channel: self.channel, account, parsed: 0, open: true };
        let batch = match list {
            List::Contacts => Batch::Contacts(read.all::<lists::Contacts>()),
            List::FollowedTags => Batch::Tags(read.all::<lists::FollowedTags>()),
            List::Posts => {
                let mut posts = read.all::<lists::Posts>();
                for post in &mut posts {
                    additions.complete(post);
                }
                Batch::Posts(posts)
            }
            List::Subscriptions => Batch::Subscriptions(read.all::<lists::Subscriptions>()),
            List::OwnRelayables => Batch::OwnRelayables(read.all::<lists::OwnRelayables>()),
            List::OthersRelayables => {
                Batch::OthersRelayables(verifier.check_all(read.signed::<lists::OthersRelayables>(additions)))
            }
            List::LikesOnComments => {
                Batch::LikesOnComments(verifier.check_all(read.signed::<lists::LikesOnComments>(additions)))
            }
            List::UnsignedRelayables => Batch::UnsignedRelayables(read.all::<lists::UnsignedRelayables>()),
            List::LoosePhotos => Batch::LoosePhotos(read.all::<lists::LoosePhotos>()),
            List::AspectVisibility => Batch::Audiences(read.all::<lists::AspectVisibility>()),
            List::Conversations => Batch::Conversations(read.all::<lists::Conversations>()),
            List::HiddenPosts => Batch::HiddenPosts(read.all::<lists::HiddenPosts>()),
            // Read by the survey.
            List::Blocks
            | List::Aspects
            | List::NonContactAuthors
            | List::Signers
            | List::PostRemainders
            | List::CommentedPosts => return true,
        };
        read.open && self.channel.blocking_send((batch, read.parsed)).is_ok()
    }
}

impl DocumentVisitor for Feed<'_> {
    fn wants(&self, section: Section, name: &str) -> bool {
        List::of(section, name).is_some_and(|list| self.lists.contains(&list))
    }

    fn field(&mut self, _: &Place<'_>, _: &RawValue) -> Result<Next, DocumentError> {
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        let list = place.list();
        if (self.list != list || self.records.len() == BATCH || self.bytes > BATCH_BYTES) && !self.flush() {
            return Ok(Next::Stop);
        }
        if self.records.is_empty() {
            self.list = list;
            self.first = place.index.unwrap_or_default();
        }
        self.bytes += value.get().len();
        self.records.push(value.to_owned());
        Ok(Next::Continue)
    }
}

/// Parses the records of a batch, and reports those that cannot be read.
struct Read<'a> {
    records: Vec<Box<RawValue>>,
    first: u64,
    channel: &'a mpsc::Sender<Counted>,
    account: Option<&'a DiasporaId>,
    parsed: u64,
    open: bool,
}

impl Read<'_> {
    /// Returns other people's relayables, under the IDs that they signed with.
    fn signed<L: TypedList<Record = Relayable>>(&mut self, additions: &Additions) -> Vec<Relayable> {
        let mut relayables = self.all::<L>();
        for record in &mut relayables {
            additions.name_signer(record);
        }
        relayables
    }

    /// Returns the records of a list.
    fn all<L: TypedList>(&mut self) -> Vec<L::Record> {
        let (records, kind) = (std::mem::take(&mut self.records), L::LIST.kind());
        let mut parsed = Vec::with_capacity(records.len());
        for (index, record) in (self.first..).zip(&records) {
            let place = format!("{}[{index}]", L::LIST.name());
            match read_record(record, self.account) {
                Ok((record, lost)) => {
                    for LostValue { path, .. } in lost {
                        // The record is counted in a batch of its own kind.
                        self.send(Batch::ValueLeftOut(kind, format!("{place}.{path}")), 0);
                    }
                    parsed.push(record);
                }
                Err(_) => self.send(Batch::Unreadable(kind, place), 1),
            }
        }
        self.parsed += parsed.len() as u64;
        parsed
    }

    fn send(&mut self, batch: Batch, records: u64) {
        self.open &= self.channel.blocking_send((batch, records)).is_ok();
    }
}
