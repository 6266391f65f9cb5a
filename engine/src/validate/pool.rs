//! The threads that check signatures.

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

/// The maximum number of records sent to a thread at once.
const BATCH_RECORDS: usize = 64;
/// The number of bytes from which records are sent to a thread.
const BATCH_BYTES: usize = 256 * 1024;
/// The maximum size of a relayable in bytes; diaspora* accepts comments of 65,535 characters.
pub(super) const MAX_RECORD_BYTES: usize = 1 << 20;
/// The maximum total size, in bytes, of records that wait for their authors' keys at the end of the document.
const MAX_WAITING_BYTES: usize = 16 << 20;

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
        if self.bytes + bytes > MAX_WAITING_BYTES {
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
    /// The records that wait for keys; `None` after all keys are known.
    pub(super) waiting: Option<&'a Mutex<Waiting>>,
}

/// Sends records to the threads, in batches.
pub(super) struct Feeder {
    sender: SyncSender<Vec<Job>>,
    batch: Vec<Job>,
    bytes: usize,
}

impl Feeder {
    /// Sends a record with the next batch. Returns false if no thread receives records any more.
    pub(super) fn feed(&mut self, job: Job) -> bool {
        self.bytes += job.text.get().len();
        self.batch.push(job);
        if self.batch.len() < BATCH_RECORDS && self.bytes < BATCH_BYTES { true } else { self.flush() }
    }

    fn flush(&mut self) -> bool {
        self.bytes = 0;
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH_RECORDS));
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
        let mut feeder = Feeder { sender, batch: Vec::with_capacity(BATCH_RECORDS), bytes: 0 };
        let result = feed(&mut feeder);
        feeder.flush();
        drop(feeder);
        let mut report = Some(SignatureReport::default());
        for worker in workers {
            match (worker.join(), &mut report) {
                (Ok(found), Some(report)) => report.merge(found),
                _ => report = None,
            }
        }
        (result, report)
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
    let parsed = if job.text.get().len() > MAX_RECORD_BYTES { None } else { relayable(&job.text).ok() };
    let Some(mut record) = parsed else {
        report.count(SignatureCheck::Unreadable);
        report.add_rejected(RejectedRecord {
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
        let identity = (record.entity.guid().clone(), record.entity.author().clone());
        report.add_rejected(RejectedRecord {
            list: job.list,
            index: job.index,
            verdict,
            record: Some(identity),
        });
    }
}

/// Checks a record's signature with all keys of its author.
pub(super) fn check_signature(
    record: &Relayable,
    ring: &RwLock<KeyRing>,
    account: Option<&DiasporaId>,
) -> SignatureCheck {
    let entity = &record.entity;
    let Some(signature) = entity.author_signature().filter(|signature| !signature.is_empty()) else {
        let is_own = account == Some(entity.author());
        return if is_own { SignatureCheck::NotNeeded } else { SignatureCheck::Unsigned };
    };
    if !covers_essential_fields(record) {
        return SignatureCheck::Incomplete;
    }
    let keys = ring.read().unwrap_or_else(PoisonError::into_inner).keys_of(entity.author());
    let mut verdict = SignatureCheck::UnknownKey;
    for key in keys {
        let Some(verifying_key) = key.verifying_key() else { continue };
        let text = match &key.signed_as {
            None => record.signed_text(),
            Some(old_id) => record.signed_text_as(old_id),
        };
        if verifying_key.verifies_base64(text.as_bytes(), signature) {
            return SignatureCheck::Good;
        }
        verdict = SignatureCheck::Bad;
    }
    verdict
}

/// Returns whether the signature covers author, GUID, parent and content. A signature that does not could be copied to
/// another record.
fn covers_essential_fields(record: &Relayable) -> bool {
    let content = match record.entity {
        RelayableEntity::Comment(_) => "text",
        RelayableEntity::Like(_) => "positive",
        RelayableEntity::PollParticipation(_) => "poll_answer_guid",
    };
    ["author", "guid", "parent_guid", content]
        .iter()
        .all(|name| record.property_order.iter().any(|found| found == name))
}
