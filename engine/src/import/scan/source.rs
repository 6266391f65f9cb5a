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

/// The maximum number of records in a batch.
const BATCH_RECORDS: usize = 1000;
/// The approximate maximum size of the records in a batch, as JSON.
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
    /// A record that cannot be read: its expected kind, and its path in the document.
    Unreadable(CountKind, String),
    /// A value that cannot be read in a record that can: the record's kind, and the path in the document.
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

/// Returns the time at which a list is read.
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

/// Returns the lists to read in each pass over the archive document, and over `extras.json`, where the document has
/// this order of lists. The order of fields has no meaning in JSON: a list that comes before those that must be read
/// first is read in another pass.
fn passes(order: &[List]) -> (Vec<Vec<List>>, Vec<Vec<List>>) {
    let position = |list: &List| order.iter().position(|found| found == list);
    let (mut document, mut extras) = (vec![Vec::new()], Vec::new());
    let mut previous = 0;
    for (step, lists) in steps() {
        match step {
            Step::Survey => continue,
            Step::AnyTime => {}
            Step::Document(_) => {
                let positions = || lists.iter().filter_map(position);
                let (Some(first), Some(last)) = (positions().min(), positions().max()) else { continue };
                if first < previous {
                    document.push(Vec::new());
                }
                previous = last;
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
type CountedBatch = (Batch, u64);

/// The reading task; returns the archive after all records are read.
pub(in crate::import) type ReaderTask = JoinHandle<Result<Archive<Verified>, ImportError>>;

/// Starts reading on a thread of its own. `order` is that of the lists in the document. Reading stops when the receiver
/// of the batches is dropped.
pub(in crate::import) fn start(
    mut archive: Archive<Verified>,
    verifier: Arc<SignatureVerifier>,
    order: &[List],
) -> (mpsc::Receiver<CountedBatch>, ReaderTask) {
    let (channel, batches) = mpsc::channel(2);
    let (document_passes, extras_passes) = passes(order);
    let reading = tokio::task::spawn_blocking(move || {
        let limits = *archive.limits();
        let account = archive.report().account.clone();
        let additions = archive.additions::<ImportError>()?;
        let context = ReadContext { verifier: &verifier, additions: &additions, account: account.as_ref() };
        for lists in &document_passes {
            let mut feed = BatchFeed::new(&channel, context, lists);
            read_document(archive.document()?, &limits, &mut feed)?;
            if !feed.flush() {
                return Ok(archive);
            }
        }
        for lists in &extras_passes {
            let Some(extras) = archive.extras()? else { break };
            let mut feed = BatchFeed::new(&channel, context, lists);
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
struct ReadContext<'a> {
    verifier: &'a SignatureVerifier,
    additions: &'a Additions,
    /// The author of records that do not name one.
    account: Option<&'a DiasporaId>,
}

/// Collects records and sends them in batches.
struct BatchFeed<'a> {
    channel: &'a mpsc::Sender<CountedBatch>,
    context: ReadContext<'a>,
    lists: &'a [List],
    /// The list of `records`.
    list: Option<List>,
    records: Vec<Box<RawValue>>,
    /// Size of `records` in bytes, as JSON.
    record_bytes: usize,
    /// The index of the first of `records` in its list.
    first_index: u64,
}

impl<'a> BatchFeed<'a> {
    fn new(channel: &'a mpsc::Sender<CountedBatch>, context: ReadContext<'a>, lists: &'a [List]) -> Self {
        Self { channel, context, lists, list: None, records: Vec::new(), record_bytes: 0, first_index: 0 }
    }

    /// Sends the collected records; false if the receiver was dropped.
    fn flush(&mut self) -> bool {
        let records = std::mem::take(&mut self.records);
        self.record_bytes = 0;
        let Some(list) = self.list.filter(|_| !records.is_empty()) else { return true };
        let ReadContext { verifier, additions, account } = self.context;
        let (channel, first_index) = (self.channel, self.first_index);
        let mut parser =
            RecordParser { records, first_index, channel, account, parsed_count: 0, is_open: true };
        let batch = match list {
            List::Contacts => Batch::Contacts(parser.all::<lists::Contacts>()),
            List::FollowedTags => Batch::Tags(parser.all::<lists::FollowedTags>()),
            List::Posts => {
                let mut posts = parser.all::<lists::Posts>();
                for post in &mut posts {
                    additions.complete(post);
                }
                Batch::Posts(posts)
            }
            List::Subscriptions => Batch::Subscriptions(parser.all::<lists::Subscriptions>()),
            List::OwnRelayables => Batch::OwnRelayables(parser.all::<lists::OwnRelayables>()),
            List::OthersRelayables => Batch::OthersRelayables(
                verifier.check_all(parser.signed::<lists::OthersRelayables>(additions)),
            ),
            List::LikesOnComments => {
                Batch::LikesOnComments(verifier.check_all(parser.signed::<lists::LikesOnComments>(additions)))
            }
            List::UnsignedRelayables => Batch::UnsignedRelayables(parser.all::<lists::UnsignedRelayables>()),
            List::LoosePhotos => Batch::LoosePhotos(parser.all::<lists::LoosePhotos>()),
            List::AspectVisibility => Batch::Audiences(parser.all::<lists::AspectVisibility>()),
            List::Conversations => Batch::Conversations(parser.all::<lists::Conversations>()),
            List::HiddenPosts => Batch::HiddenPosts(parser.all::<lists::HiddenPosts>()),
            // Read by the survey.
            List::Blocks
            | List::Aspects
            | List::NonContactAuthors
            | List::Signers
            | List::PostRemainders
            | List::CommentedPosts => return true,
        };
        parser.is_open && channel.blocking_send((batch, parser.parsed_count)).is_ok()
    }
}

impl DocumentVisitor for BatchFeed<'_> {
    fn wants(&self, section: Section, name: &str) -> bool {
        List::of(section, name).is_some_and(|list| self.lists.contains(&list))
    }

    fn field(&mut self, _: &Place<'_>, _: &RawValue) -> Result<Next, DocumentError> {
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        let list = place.list();
        if (self.list != list || self.records.len() == BATCH_RECORDS || self.record_bytes > BATCH_BYTES)
            && !self.flush()
        {
            return Ok(Next::Stop);
        }
        if self.records.is_empty() {
            self.list = list;
            self.first_index = place.index.unwrap_or_default();
        }
        self.record_bytes += value.get().len();
        self.records.push(value.to_owned());
        Ok(Next::Continue)
    }
}

/// Parses the records of a batch, and reports those that cannot be read.
struct RecordParser<'a> {
    records: Vec<Box<RawValue>>,
    /// The index of the first record in its list.
    first_index: u64,
    channel: &'a mpsc::Sender<CountedBatch>,
    account: Option<&'a DiasporaId>,
    /// The number of records that could be read.
    parsed_count: u64,
    /// False after the receiver was dropped.
    is_open: bool,
}

impl RecordParser<'_> {
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
        for (index, record) in (self.first_index..).zip(&records) {
            let json_path = format!("{}[{index}]", L::LIST.name());
            match read_record(record, self.account) {
                Ok((record, lost)) => {
                    for LostValue { path, .. } in lost {
                        // The record is counted in a batch of its own kind.
                        self.send(Batch::ValueLeftOut(kind, format!("{json_path}.{path}")), 0);
                    }
                    parsed.push(record);
                }
                Err(_) => self.send(Batch::Unreadable(kind, json_path), 1),
            }
        }
        self.parsed_count += parsed.len() as u64;
        parsed
    }

    fn send(&mut self, batch: Batch, records: u64) {
        self.is_open &= self.channel.blocking_send((batch, records)).is_ok();
    }
}
