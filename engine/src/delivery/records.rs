//! Data types of deliveries.

use std::fmt;

use chrono::{DateTime, Utc};
use url::Url;

use super::system::System;
use crate::domain::DiasporaId;
use crate::pod::database::DatabaseError;
use crate::sql::Value;
use crate::store::StoreError;

/// The reason why deliveries cannot be queued or sent.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The ledger's database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target pod's database failed.
    #[error(transparent)]
    Target(#[from] DatabaseError),
    /// A delivery's address is not usable.
    #[error("nothing can be sent to {url}: {problem}")]
    Url {
        /// The address.
        url: String,
        /// The problem with it.
        problem: &'static str,
    },
    /// The body is too large.
    #[error("the {kind} for {url} has {size} bytes, more than the {limit} that are sent at once")]
    TooLarge {
        /// The kind of the delivery.
        kind: Kind,
        /// Its address.
        url: String,
        /// Its size in bytes.
        size: usize,
        /// The largest size in bytes.
        limit: usize,
    },
}

/// The kind of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// A public post in which the old account says goodbye and names its new address; once per pod.
    Farewell,
    /// The announcement that the account has moved; once per pod, signed by the old account.
    AccountMigration,
    /// The announcement that the new account shares with a person; for that person only.
    Contact,
    /// The new account's profile.
    Profile,
}

impl Kind {
    /// Returns its name in the ledger.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str().replace('_', " "))
    }
}

/// The state of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum DeliveryState {
    /// To be retried.
    Queued,
    /// Accepted by the pod.
    Delivered,
    /// Refused by the pod permanently.
    Rejected,
    /// Given up after four weeks.
    Dead,
}

impl DeliveryState {
    /// Returns its name in the ledger.
    pub(super) fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A delivery to be queued.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// Its import (`pappus_imports.id`).
    pub import_id: String,
    /// The account's old ID.
    pub account: DiasporaId,
    /// Its kind.
    pub kind: Kind,
    /// Its address, https or http; host and port are the pod that it counts for.
    pub url: Url,
    /// The person it is for; none if it is public.
    pub recipient: Option<DiasporaId>,
    /// Other people on the pod whom it concerns and to whom no separate message is sent.
    pub people: Vec<DiasporaId>,
    /// The body's content type.
    pub content_type: String,
    /// The envelope, at most [`Ledger::MAX_BODY_BYTES`](super::Ledger::MAX_BODY_BYTES) bytes.
    pub body: Vec<u8>,
    /// Digest of the profile in a [`Kind::Profile`]; it differs once the profile is edited.
    pub profile_digest: Option<String>,
    /// PEM of the key that a [`Kind::Profile`] is encrypted for, if the target pod does not know the recipient.
    pub recipient_key: Option<String>,
}

/// A selection of deliveries.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// All deliveries.
    All,
    /// Those to one pod: its host, with the port if it is not the default.
    Pod(&'a str),
    /// Those for one account: its old ID.
    Account(&'a DiasporaId),
    /// Those to one pod for one account.
    PodAndAccount(&'a str, &'a DiasporaId),
    /// Those of one import.
    Import(&'a str),
}

impl<'a> Scope<'a> {
    /// Returns the condition on the table `d`, and its values.
    pub(super) fn condition(self) -> (&'static str, Vec<Value<'a>>) {
        match self {
            Self::All => ("1 = 1", Vec::new()),
            Self::Pod(pod) => ("d.pod = ?", vec![pod.into()]),
            Self::Account(account) => ("d.account = ?", vec![account.as_str().into()]),
            Self::PodAndAccount(pod, account) => {
                ("d.pod = ? AND d.account = ?", vec![pod.into(), account.as_str().into()])
            }
            Self::Import(import) => ("d.import_id = ?", vec![import.into()]),
        }
    }

    /// Returns the condition on the table `f` of people and the table `i` of imports, and its values.
    pub(super) fn people_condition(self) -> (&'static str, Vec<Value<'a>>) {
        let (_, values) = self.condition();
        let condition = match self {
            Self::All => "1 = 1",
            Self::Pod(_) => "f.pod = ?",
            Self::Account(_) => "i.old_id = ?",
            Self::PodAndAccount(..) => "f.pod = ? AND i.old_id = ?",
            Self::Import(_) => "f.import_id = ?",
        };
        (condition, values)
    }
}

/// Number of deliveries in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// To be sent, now or later.
    pub queued: i64,
    /// In progress.
    pub sending: i64,
    /// Accepted by their pods.
    pub delivered: i64,
    /// No longer needed: the recipient already shares with the new account.
    pub confirmed: i64,
    /// Refused.
    pub rejected: i64,
    /// Given up.
    pub dead: i64,
}

impl Counts {
    /// Returns whether nothing is left to be sent.
    pub fn is_finished(&self) -> bool {
        self.queued == 0 && self.sending == 0
    }
}

/// Friends: people who shared both ways with the account on its old pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Friends {
    /// Number of friends.
    pub all: i64,
    /// Number of those who share both ways with the new account, as the target pod sees it.
    pub back: i64,
}

/// The deliveries to one pod.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PodDeliveries {
    /// Host, with the port if it is not the default.
    pub pod: String,
    /// Number of deliveries in each state.
    pub counts: Counts,
    /// The pod's software; `None` before it was asked.
    pub system: Option<System>,
    /// Time at which it accepted the move; of several moves, the last one.
    #[serde(rename = "told_at")]
    pub accepted_at: Option<DateTime<Utc>>,
    /// Time since which all moves are known to be processed there, because friends are back; `None` before that.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Time at which it gets the move again if none of the friends there is back by then.
    pub repeats_at: Option<DateTime<Utc>>,
    /// Time at which the move was queued again, since none of the friends there was back.
    pub repeated_at: Option<DateTime<Utc>>,
    /// Time until which Contacts and Profiles wait for the move to be processed; `None` if none waits.
    pub waits_until: Option<DateTime<Utc>>,
    /// The friends on the pod.
    pub friends: Friends,
    /// The last error of an undelivered message.
    pub last_error: Option<String>,
    /// Time until which the pod is skipped because it is unreachable.
    pub retry_at: Option<DateTime<Utc>>,
}

/// Deliveries that wait for pods to process an accepted move.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Waiting {
    /// Number of deliveries.
    pub count: i64,
    /// The latest time until which they wait.
    pub until: Option<DateTime<Utc>>,
}

/// A person to be notified manually, since their message was refused or given up.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unreached {
    /// The account's old ID.
    pub account: String,
    /// The pod that was unreachable or refused the message.
    pub pod: String,
    /// The person; `None` for everyone on the pod who knows the account.
    pub recipient: Option<String>,
    /// Without a recipient: the account's contacts on the pod who are in no other entry.
    pub people: Vec<String>,
    /// The last error.
    pub last_error: Option<String>,
}

/// A friend who has to take steps themselves: their pod's software does not transfer friendships.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AdvisedFriend {
    /// The account's old ID.
    pub account: String,
    /// Their pod's software; [`System::advice`] returns the steps.
    pub system: System,
    /// The friend.
    pub person: String,
}

/// A new account whose move is not announced yet, because the account is not reachable from outside.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct UnreachableAccount {
    /// The account's new ID.
    pub new_id: String,
    /// The reason, in a sentence.
    pub problem: String,
    /// Time of the next check.
    #[serde(rename = "next_look_at")]
    pub next_check_at: DateTime<Utc>,
}
