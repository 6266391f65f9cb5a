//! Response documents of the newcomers API.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use pappus_engine::arrivals::steps::needs_passphrase;
use pappus_engine::arrivals::{Newcomer, PlanSummary, State};
use pappus_engine::delivery::{AdvisedFriend, Counts, Friends, PodDeliveries};
use pappus_engine::import::Subject;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::config::Admission;
use crate::newcomers::pages::delivery_status;
use crate::newcomers::pages::overview::problem_key;
use crate::pages::Page;

/// Conditions of moving to this pod.
#[derive(Serialize, ToSchema)]
pub(super) struct MoveConditions {
    /// The pod's address.
    pod: String,
    /// Admission policy.
    admission: Admission,
    /// URL of the pod's terms, which have to be accepted.
    terms: Option<String>,
    /// Maximum size of an archive with its photos in bytes.
    max_bytes: u64,
    /// Days of inactivity after which uploads are deleted.
    days: u32,
    /// Minutes after the import in which the move can be undone, before it is announced automatically.
    undo_minutes: f64,
}

impl MoveConditions {
    pub(super) fn of(app: &App) -> Self {
        let section = &app.config.newcomers;
        Self {
            pod: app.config.pod_url.to_string(),
            admission: section.admission,
            terms: section.terms.clone(),
            max_bytes: app.newcomers.files.max_archive_bytes(),
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
    /// The time at which it was started.
    begun_at: DateTime<Utc>,
    /// The time at which it expires if nothing happens.
    expires_at: DateTime<Utc>,
    /// While it is `imported`: the time until which it can be undone. Then it is announced automatically. Absent if
    /// someone has to act first; `problem` names the reason. Comments and likes under the imported posts are lost
    /// until it is announced.
    undo_until: Option<DateTime<Utc>>,
    /// Number of bytes uploaded.
    bytes: u64,
    /// The account in the archive.
    old_account: Option<String>,
    /// The proof of ownership; `unproven` if there is none.
    proof: Option<String>,
    /// True if the key in the archive is encrypted with a passphrase; the announcement needs it.
    key_locked: bool,
    /// An available username.
    suggested_username: Option<String>,
    /// The chosen username.
    username: Option<String>,
    /// The account on this pod, once it exists.
    new_account: Option<String>,
    /// The import plan.
    plan: Option<PlanDocument>,
    /// The result of the import.
    report: Option<PlanDocument>,
    /// The current step.
    stage: Option<String>,
    /// Progress of the step in percent.
    percent: Option<u64>,
    /// Number of other newcomers before this one: in the queue for the next step or, while it is `waiting`, for the
    /// podmin's decision. Absent if it is in neither.
    ahead: Option<u64>,
    /// Stable name of the problem.
    problem: Option<String>,
    /// Description of the problem in the requested language.
    problem_text: Option<String>,
    /// Technical reason.
    reason: Option<String>,
}

/// An import plan, or the result of an import.
#[derive(Serialize, ToSchema)]
#[schema(as = Plan)]
pub(super) struct PlanDocument {
    /// Numbers of records by kind.
    kinds: BTreeMap<String, KindDocument>,
    /// Records left out or changed.
    findings: Vec<FindingDocument>,
    /// Number of other people's posts imported.
    fetched_posts: u64,
    /// Estimated duration in seconds.
    seconds: u64,
    /// Size of the photos in bytes.
    photo_bytes: u64,
    /// True if there is enough space for them.
    fits: bool,
    /// True if the archive has no usable signing key: other pods would reject the move, so it is not announced.
    no_key: bool,
}

/// Records of one kind.
#[derive(Serialize, ToSchema)]
#[schema(as = PlannedKind)]
pub(super) struct KindDocument {
    /// Records in the archive.
    in_archive: u64,
    /// Records added on this pod.
    imported: u64,
    /// Records that existed on this pod.
    adopted: u64,
    /// Records left out.
    left_out: u64,
}

/// A finding about several records.
#[derive(Serialize, ToSchema)]
#[schema(as = PlannedFinding)]
pub(super) struct FindingDocument {
    /// Stable name of the finding.
    code: String,
    /// The kind of record; `account` for the account as a whole, `profile` for its profile.
    kind: String,
    /// Number of records.
    count: u64,
    /// The first of them.
    first: String,
}

/// Returns the name of a kind of record, or of another subject, in JSON.
fn json_name(subject: impl Into<Subject>) -> String {
    let name = serde_json::to_value(subject.into()).ok().and_then(|value| value.as_str().map(str::to_owned));
    name.unwrap_or_default()
}

impl PlanDocument {
    /// Reads a stored plan or report; `None` if there is none.
    pub(super) fn read(text: Option<&str>) -> Option<Self> {
        let summary = PlanSummary::read(text)?;
        let kinds = summary.kinds.iter().map(|(kind, tally)| {
            let numbers = KindDocument {
                in_archive: tally.in_archive,
                imported: tally.imported,
                adopted: tally.adopted,
                left_out: tally.left_out.values().sum(),
            };
            (json_name(*kind), numbers)
        });
        let findings = summary.findings.iter().map(|group| FindingDocument {
            code: group.code.as_str().to_owned(),
            kind: json_name(group.kind),
            count: group.count,
            first: group.first.clone(),
        });
        Some(Self {
            kinds: kinds.collect(),
            findings: findings.collect(),
            fetched_posts: summary.fetched_posts,
            seconds: summary.seconds,
            photo_bytes: summary.photo_bytes,
            fits: summary.fits,
            no_key: summary.no_key,
        })
    }
}

impl NewcomerDocument {
    pub(super) fn new(page: &Page, newcomer: Newcomer, ahead: Option<u64>) -> Self {
        let suggestion = PlanSummary::read(newcomer.plan.as_deref()).map(|plan| plan.suggestion);
        let key_locked = needs_passphrase(&newcomer);
        Self {
            state: newcomer.state.as_str(),
            begun_at: newcomer.begun_at,
            expires_at: newcomer.expires_at,
            undo_until: newcomer.undo_until(),
            bytes: newcomer.bytes(),
            percent: newcomer.percent().filter(|_| newcomer.state.is_work()),
            ahead,
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

/// Deliveries of the move to other pods.
#[derive(Serialize, ToSchema)]
pub(super) struct Deliveries {
    /// Friends: people with mutual sharing.
    friends: FriendsDocument,
    /// Counts of all deliveries.
    all: DeliveryCounts,
    /// True if all deliveries are finished.
    finished: bool,
    /// Deliveries by pod, up to 1,000 per page.
    pods: Vec<PodDocument>,
    /// Cursor of the next page, if there may be one.
    after: Option<String>,
    /// Unreached recipients: an account or a pod, and the reason. The first 1,000.
    by_hand: Vec<(String, String)>,
    /// Friends who have to act themselves because of their pod's software. The first 1,000.
    elsewhere: Vec<ElsewhereDocument>,
}

impl Deliveries {
    pub(super) fn new(status: delivery_status::DeliveryStatus) -> Self {
        let by_hand = status.by_hand(|pod| pod);
        Self {
            friends: status.friends.into(),
            elsewhere: status.elsewhere.into_iter().map(Into::into).collect(),
            finished: status.counts.is_finished(),
            all: status.counts.into(),
            pods: status.pods.into_iter().map(Into::into).collect(),
            after: status.after,
            by_hand,
        }
    }
}

/// Number of friends who share with the new account.
#[derive(Serialize, ToSchema)]
pub(super) struct FriendsDocument {
    /// All friends.
    all: i64,
    /// Friends who share with the new account.
    back: i64,
}

impl From<Friends> for FriendsDocument {
    fn from(friends: Friends) -> Self {
        Self { all: friends.all, back: friends.back }
    }
}

/// A friend who has to act themselves.
#[derive(Serialize, ToSchema)]
pub(super) struct ElsewhereDocument {
    /// Their diaspora* ID.
    person: String,
    /// Software of their pod: `hubzilla`, `friendica` or `socialhome`.
    system: &'static str,
}

impl From<AdvisedFriend> for ElsewhereDocument {
    fn from(friend: AdvisedFriend) -> Self {
        Self { person: friend.person, system: friend.system.as_str() }
    }
}

/// Numbers of messages by state.
#[derive(Serialize, ToSchema)]
pub(super) struct DeliveryCounts {
    /// Delivered.
    delivered: i64,
    /// No longer needed: the recipient shares with the new account already.
    confirmed: i64,
    /// In progress, or waiting for a retry.
    waiting: i64,
    /// Rejected or given up.
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

/// Deliveries to one pod.
#[derive(Serialize, ToSchema)]
#[schema(as = ToldPod)]
pub(super) struct PodDocument {
    /// Host of the pod.
    pod: String,
    /// Its messages.
    counts: DeliveryCounts,
    /// The friends on it.
    friends: FriendsDocument,
    /// The time at which it accepted the move.
    told_at: Option<DateTime<Utc>>,
    /// The time at which it was first known to have processed the move.
    confirmed_at: Option<DateTime<Utc>>,
    /// The time until which the remaining messages wait for that.
    waits_until: Option<DateTime<Utc>>,
    /// The last error.
    last_error: Option<String>,
    /// The time of the next attempt.
    retry_at: Option<DateTime<Utc>>,
}

impl From<PodDeliveries> for PodDocument {
    fn from(deliveries: PodDeliveries) -> Self {
        Self {
            retry_at: deliveries.retry_at.filter(|_| !deliveries.counts.is_finished()),
            friends: deliveries.friends.into(),
            told_at: deliveries.accepted_at,
            confirmed_at: deliveries.confirmed_at,
            waits_until: deliveries.waits_until,
            pod: deliveries.pod,
            counts: deliveries.counts.into(),
            last_error: deliveries.last_error,
        }
    }
}
