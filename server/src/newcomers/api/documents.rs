//! What programs are told.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use pappus_engine::archive::manifest::CountKind;
use pappus_engine::delivery::{Counts, Elsewhere, Friends, PodDeliveries};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::config::Admission;
use crate::newcomers::ledger::records::{Newcomer, State};
use crate::newcomers::ledger::summary::PlanSummary;
use crate::newcomers::pages::delivery_status;
use crate::newcomers::pages::overview::problem_key;
use crate::newcomers::steps::needs_passphrase;
use crate::pages::Page;

/// The door: what to know before one begins.
#[derive(Serialize, ToSchema)]
pub(super) struct Door {
    /// The pod's address.
    pod: String,
    /// Who may come.
    admission: Admission,
    /// The address of the pod's terms, which are to be accepted.
    terms: Option<String>,
    /// How many bytes an archive may have with its photos.
    max_bytes: u64,
    /// After how many days without a word what was handed in is deleted.
    days: u32,
    /// How many minutes after the import the move can be undone, before it is announced by itself.
    undo_minutes: f64,
}

impl Door {
    pub(super) fn of(app: &App) -> Self {
        let section = &app.config.newcomers;
        Self {
            pod: app.config.pod_url.to_string(),
            admission: section.admission,
            terms: section.terms.clone(),
            max_bytes: app.newcomers.files.most(),
            days: section.days,
            undo_minutes: section.undo_minutes,
        }
    }
}

/// A move.
#[derive(Serialize, ToSchema)]
#[schema(as = Newcomer)]
pub(super) struct NewcomerDocument {
    /// `uploading`, `checking`, `refused`, `checked`, `waiting`, `declined`, `importing`, `failed`, `imported`,
    /// `announcing`, `announced`, `undoing` or `undone`.
    state: &'static str,
    /// When it was begun.
    begun_at: DateTime<Utc>,
    /// When it is over if nothing happens.
    expires_at: DateTime<Utc>,
    /// While it is `imported`: until when it can be undone. Then it is announced by itself. Absent when it waits for
    /// somebody instead; `problem` says for what. Comments and likes under the imported posts are lost until it is
    /// announced.
    undo_until: Option<DateTime<Utc>>,
    /// Bytes that were handed in.
    bytes: u64,
    /// The account the archive is of.
    old_account: Option<String>,
    /// What proves that: `unproven` if nothing does.
    proof: Option<String>,
    /// Whether the key in the archive is under a passphrase, which the announcement needs.
    key_locked: bool,
    /// A name that is free here.
    suggested_username: Option<String>,
    /// The name that was chosen.
    username: Option<String>,
    /// The account here, as soon as it is here.
    new_account: Option<String>,
    /// What would come along.
    plan: Option<PlanDocument>,
    /// What has come along.
    report: Option<PlanDocument>,
    /// What is being done.
    stage: Option<String>,
    /// How far that is.
    percent: Option<u64>,
    /// What went wrong: a stable name.
    problem: Option<String>,
    /// The same in a sentence, in the language that was asked for.
    problem_text: Option<String>,
    /// What the program says about it.
    reason: Option<String>,
}

/// What would come along, or has.
#[derive(Serialize, ToSchema)]
#[schema(as = Plan)]
pub(super) struct PlanDocument {
    /// By kind of record.
    kinds: BTreeMap<String, KindDocument>,
    /// What is left out or changed.
    findings: Vec<FindingDocument>,
    /// Posts of others that come along.
    fetched_posts: u64,
    /// Seconds it takes about.
    seconds: u64,
    /// Bytes that photos take.
    photo_bytes: u64,
    /// Whether there is room for them.
    fits: bool,
    /// Whether the archive has no key that signs: other pods would not believe the move, so it is not announced.
    no_key: bool,
}

/// Records of one kind.
#[derive(Serialize, ToSchema)]
#[schema(as = PlannedKind)]
pub(super) struct KindDocument {
    /// In the archive.
    in_archive: u64,
    /// New here.
    imported: u64,
    /// Here already.
    adopted: u64,
    /// Left out.
    left_out: u64,
}

/// The same thing said about several records.
#[derive(Serialize, ToSchema)]
#[schema(as = PlannedFinding)]
pub(super) struct FindingDocument {
    /// A stable name.
    code: String,
    /// The kind of record.
    kind: String,
    /// How often.
    count: u64,
    /// One of them.
    first: String,
}

fn word(kind: CountKind) -> String {
    let word = serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned));
    word.unwrap_or_default()
}

impl PlanDocument {
    pub(super) fn read(text: Option<&str>) -> Option<Self> {
        let told = PlanSummary::read(text)?;
        let kinds = told.kinds.iter().map(|(kind, tally)| {
            let numbers = KindDocument {
                in_archive: tally.in_archive,
                imported: tally.imported,
                adopted: tally.adopted,
                left_out: tally.left_out.values().sum(),
            };
            (word(*kind), numbers)
        });
        let findings = told.findings.iter().map(|group| FindingDocument {
            code: group.code.as_str().to_owned(),
            kind: word(group.kind),
            count: group.count,
            first: group.first.clone(),
        });
        Some(Self {
            kinds: kinds.collect(),
            findings: findings.collect(),
            fetched_posts: told.fetched_posts,
            seconds: told.seconds,
            photo_bytes: told.photo_bytes,
            fits: told.fits,
            no_key: told.no_key,
        })
    }
}

impl NewcomerDocument {
    pub(super) fn new(page: &Page, newcomer: Newcomer) -> Self {
        let suggestion = PlanSummary::read(newcomer.plan.as_deref()).map(|told| told.suggestion);
        let key_locked = needs_passphrase(&newcomer);
        Self {
            state: newcomer.state.as_str(),
            begun_at: newcomer.begun_at,
            expires_at: newcomer.expires_at,
            undo_until: newcomer.undo_until(),
            bytes: newcomer.bytes(),
            percent: newcomer.percent().filter(|_| newcomer.state.is_work()),
            plan: PlanDocument::read(newcomer.plan.as_deref()),
            report: PlanDocument::read(newcomer.report.as_deref()),
            problem_text: newcomer.problem.as_deref().map(|problem| page.words.say(problem_key(problem))),
            new_account: newcomer.new_account(&page.pod_host).filter(|_| newcomer.state.has_arrived()),
            suggested_username: suggestion.filter(|_| newcomer.state == State::Checked),
            old_account: newcomer.old_account,
            proof: newcomer.proof,
            key_locked,
            username: newcomer.username,
            stage: newcomer.stage,
            problem: newcomer.problem,
            reason: newcomer.reason,
        }
    }
}

/// Who was told.
#[derive(Serialize, ToSchema)]
pub(super) struct Deliveries {
    /// Friends: people who shared both ways.
    friends: FriendsDocument,
    /// All of them.
    all: DeliveryCounts,
    /// Whether everything is sent.
    finished: bool,
    /// By pod, a thousand at a time.
    pods: Vec<PodDocument>,
    /// For the next pods, when there may be more.
    after: Option<String>,
    /// Whom nobody reached: an account, or a pod, and why. The first thousand.
    by_hand: Vec<(String, String)>,
    /// Friends who have to do something themselves because of what their pod runs. The first thousand.
    elsewhere: Vec<ElsewhereDocument>,
}

impl Deliveries {
    pub(super) fn new(told: delivery_status::Look) -> Self {
        let by_hand = told.by_hand(|pod| pod);
        Self {
            friends: told.friends.into(),
            elsewhere: told.elsewhere.into_iter().map(Into::into).collect(),
            finished: told.counts.finished(),
            all: told.counts.into(),
            pods: told.pods.into_iter().map(Into::into).collect(),
            after: told.after,
            by_hand,
        }
    }
}

/// How many friends are back.
#[derive(Serialize, ToSchema)]
pub(super) struct FriendsDocument {
    /// All of them.
    all: i64,
    /// Those who share with the new account.
    back: i64,
}

impl From<Friends> for FriendsDocument {
    fn from(friends: Friends) -> Self {
        Self { all: friends.all, back: friends.back }
    }
}

/// A friend who has to do something.
#[derive(Serialize, ToSchema)]
pub(super) struct ElsewhereDocument {
    /// Their diaspora* ID.
    person: String,
    /// What their pod runs: `hubzilla`, `friendica` or `socialhome`.
    system: &'static str,
}

impl From<Elsewhere> for ElsewhereDocument {
    fn from(friend: Elsewhere) -> Self {
        Self { person: friend.person, system: friend.system.as_str() }
    }
}

/// How many messages are how far.
#[derive(Serialize, ToSchema)]
pub(super) struct DeliveryCounts {
    /// Arrived.
    delivered: i64,
    /// Not needed any more: the recipient shares with the new account already.
    confirmed: i64,
    /// On the way, or tried again later.
    waiting: i64,
    /// Not taken.
    failed: i64,
}

impl From<Counts> for DeliveryCounts {
    fn from(counts: Counts) -> Self {
        Self {
            delivered: counts.delivered,
            confirmed: counts.confirmed,
            waiting: counts.queued + counts.sending,
            failed: counts.rejected + counts.dead,
        }
    }
}

/// One pod.
#[derive(Serialize, ToSchema)]
#[schema(as = ToldPod)]
pub(super) struct PodDocument {
    /// Its host.
    pod: String,
    /// Its messages.
    counts: DeliveryCounts,
    /// The friends there.
    friends: FriendsDocument,
    /// When it took the move.
    told_at: Option<DateTime<Utc>>,
    /// When it was first seen to have processed the move.
    confirmed_at: Option<DateTime<Utc>>,
    /// Until when the rest waits for that, while it does.
    waits_until: Option<DateTime<Utc>>,
    /// What went wrong last.
    last_error: Option<String>,
    /// When it is tried again.
    retry_at: Option<DateTime<Utc>>,
}

impl From<PodDeliveries> for PodDocument {
    fn from(told: PodDeliveries) -> Self {
        Self {
            retry_at: told.retry_at.filter(|_| !told.counts.finished()),
            friends: told.friends.into(),
            told_at: told.told_at,
            confirmed_at: told.confirmed_at,
            waits_until: told.waits_until,
            pod: told.pod,
            counts: told.counts.into(),
            last_error: told.last_error,
        }
    }
}
