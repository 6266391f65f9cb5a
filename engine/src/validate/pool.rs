//! The thread pool that checks signatures.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError, RwLock};

use serde_json::value::RawValue;

use super::keys::KeyRing;
use super::report::{RejectedRecord, SignatureCheck, SignatureReport};
use crate::archive::document::{Additions, relayable};
use crate::archive::lists::List;
use crate::domain::{DiasporaId, Relayable, RelayableEntity};

/// The most records sent to a thread at once, and their bytes.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 256 * 1024;
/// The most bytes of a relayable: diaspora* accepts comments of 65,535 characters.
pub(super) const MAX_RECORD: usize = 1 << 20;
/// The most bytes of records that wait for their author's key, which may be at the end of the document.
const MAX_WAITING: usize = 16 << 20;

/// A record to be checked.
pub(super) struct Job {
    pub(super) list: List,
    pub(super) index: u64,
    pub(super) text: Box<RawValue>,
}

/// Records whose author's key was not known when they were read.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) jobs: Vec<Job>,
    bytes: usize,
    /// The indices of records that exceeded the limit.
    pub(super) dropped: BTreeMap<List, HashSet<u64>>,
}

impl Waiting {
    fn add(&mut self, job: Job) {
        let bytes = job.text.get().len() + 64;
        if self.bytes + bytes > MAX_WAITING {
            self.dropped.entry(job.list).or_default().insert(job.index);
        } else {
            self.bytes += bytes;
            self.jobs.push(job);
        }
    }
}

/// The data shared by all threads.
pub(super) struct Shared<'a> {
    pub(super) ring: &'a RwLock<KeyRing>,
    pub(super) account: Option<&'a DiasporaId>,
    /// The IDs under which relayables were signed.
    pub(super) additions: &'a Additions,
    /// The records that wait for keys; `None` in the last round.
    pub(super) waiting: Option<&'a Mutex<Waiting>>,
}

/// Sends records to the threads, in batches.
pub(super) struct Feeder {
    sender: SyncSender<Vec<Job>>,
    batch: Vec<Job>,
    bytes: usize,
}

impl Feeder {
    /// Queues a record; returns false if no thread receives records.
    pub(super) fn feed(&mut self, job: Job) -> bool {
        self.bytes += job.text.get().len();
        self.batch.push(job);
        if self.batch.len() < BATCH && self.bytes < BATCH_BYTES { true } else { self.flush() }
    }

    fn flush(&mut self) -> bool {
        self.bytes = 0;
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        self.sender.send(batch).is_ok()
    }
}

/// Runs threads over all records that `feed` sends. The report is `None` if a thread panicked.
pub(super) fn run<T>(
    threads: NonZeroUsize,
    shared: &Shared<'_>,
    feed: impl FnOnce(&mut Feeder) -> T,
) -> (T, Option<SignatureReport>) {
    let (sender, receiver) = sync_channel(threads.get() * 2);
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.get()).map(|_| scope.spawn(|| work(&receiver, shared))).collect();
        let mut feeder = Feeder { sender, batch: Vec::with_capacity(BATCH), bytes: 0 };
        let outcome = feed(&mut feeder);
        feeder.flush();
        drop(feeder);
        let mut report = Some(SignatureReport::default());
        for worker in workers {
            match (worker.join(), &mut report) {
                (Ok(found), Some(report)) => report.merge(found),
                _ => report = None,
            }
        }
        (outcome, report)
    })
}

fn work(receiver: &Mutex<Receiver<Vec<Job>>>, shared: &Shared<'_>) -> SignatureReport {
    let mut report = SignatureReport::default();
    loop {
        let batch = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = batch else { return report };
        for job in batch {
            check(job, shared, &mut report);
        }
    }
}

fn check(job: Job, shared: &Shared<'_>, report: &mut SignatureReport) {
    let parsed = if job.text.get().len() > MAX_RECORD { None } else { relayable(&job.text).ok() };
    let Some(mut record) = parsed else {
        report.count(SignatureCheck::Unreadable);
        report.offend(RejectedRecord {
            list: job.list,
            index: job.index,
            verdict: SignatureCheck::Unreadable,
            record: None,
        });
        return;
    };
    shared.additions.name_signer(&mut record);
    let verdict = check_signature(&record, shared.ring, shared.account);
    if let (SignatureCheck::UnknownKey, Some(waiting)) = (verdict, shared.waiting) {
        waiting.lock().unwrap_or_else(PoisonError::into_inner).add(job);
        return;
    }
    report.count(verdict);
    if !matches!(verdict, SignatureCheck::Good | SignatureCheck::NotNeeded) {
        let named = (record.entity.guid().clone(), record.entity.author().clone());
        report.offend(RejectedRecord { list: job.list, index: job.index, verdict, record: Some(named) });
    }
}

/// Checks a record's signature with all keys of its author on the ring.
pub(super) fn check_signature(
    record: &Relayable,
    ring: &RwLock<KeyRing>,
    account: Option<&DiasporaId>,
) -> SignatureCheck {
    let entity = &record.entity;
    let Some(signature) = entity.author_signature().filter(|signature| !signature.is_empty()) else {
        let own = account == Some(entity.author());
        return if own { SignatureCheck::NotNeeded } else { SignatureCheck::Unsigned };
    };
    if !covers_the_record(record) {
        return SignatureCheck::Incomplete;
    }
    let keys = ring.read().unwrap_or_else(PoisonError::into_inner).of(entity.author());
    let mut verdict = SignatureCheck::UnknownKey;
    for key in keys {
        let Some(verifying) = key.verifying() else { continue };
        let text = match &key.signed_as {
            None => record.signed_text(),
            Some(old) => record.signed_text_as(old),
        };
        if verifying.verifies_base64(text.as_bytes(), signature) {
            return SignatureCheck::Good;
        }
        verdict = SignatureCheck::Bad;
    }
    verdict
}

/// Returns whether the signature covers author, GUID, parent and content: otherwise it could be copied to another
/// record.
fn covers_the_record(record: &Relayable) -> bool {
    let what = match record.entity {
        RelayableEntity::Comment(_) => "text",
        RelayableEntity::Like(_) => "positive",
        RelayableEntity::PollParticipation(_) => "poll_answer_guid",
    };
    ["author", "guid", "parent_guid", what]
        .iter()
        .all(|name| record.property_order.iter().any(|found| found == name))
}
