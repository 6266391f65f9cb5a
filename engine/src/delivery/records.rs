//! Deliveries as data.

use std::fmt;

use chrono::{DateTime, Utc};
use url::Url;

use super::system::System;
use crate::domain::DiasporaId;
use crate::pod::database::DatabaseError;
use crate::store::{StoreError, StoreRow, Value};

/// Why deliveries could not be queued or sent.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The ledger's database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target pod's database failed.
    #[error(transparent)]
    Target(#[from] DatabaseError),
    /// An address nothing can be sent to.
    #[error("nothing can be sent to {url}: {problem}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Too much for one delivery.
    #[error("the {kind} for {url} has {size} bytes, more than the {limit} that are sent at once")]
    TooLarge {
        /// Which one.
        kind: Kind,
        /// Where it should go.
        url: String,
        /// Its size.
        size: usize,
        /// The largest size.
        limit: usize,
    },
}

macro_rules! words {
    ($(#[$docs:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$docs])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        #[serde(rename_all = "snake_case")]
        $vis enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// The word that stands for it in the ledger.
            $vis fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.as_str().replace('_', " "))
            }
        }
    };
}

words! {
    /// What is delivered.
    pub enum Kind {
        /// A public post in which the old account says goodbye and names its new address; once for each pod.
        Farewell = "farewell",
        /// That the account has moved; once for each pod, signed by the old account.
        AccountMigration = "account_migration",
        /// That the new account shares with somebody; for that person only.
        Contact = "contact",
        /// What the new account says about itself.
        Profile = "profile",
    }
}

impl Kind {
    pub(super) fn from_row(row: &StoreRow, column: usize) -> Result<Self, StoreError> {
        let word: String = row.get(column)?;
        let mut all = [Self::Farewell, Self::AccountMigration, Self::Contact, Self::Profile].into_iter();
        all.find(|kind| kind.as_str() == word)
            .ok_or_else(|| StoreError::Column { column, reason: format!("{word:?} is unknown") })
    }
}

words! {
    /// What has become of a delivery that was tried.
    pub(super) enum DeliveryState {
        /// To be sent again, now or later.
        Queued = "queued",
        /// The pod took it.
        Delivered = "delivered",
        /// The pod answered that it will not take it.
        Rejected = "rejected",
        /// Given up after four weeks.
        Dead = "dead",
    }
}

/// A delivery to be queued.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// The import it belongs to (`pappus_imports.id`).
    pub import_id: String,
    /// The account's old ID.
    pub account: DiasporaId,
    /// What it is.
    pub kind: Kind,
    /// Where it goes, https or http; host and port are the pod it is counted under.
    pub url: Url,
    /// The person it is for; nobody in particular when it is public.
    pub recipient: Option<DiasporaId>,
    /// Others on the pod whom it concerns and who get nothing of their own.
    pub people: Vec<DiasporaId>,
    /// The body's type.
    pub content_type: String,
    /// The envelope, at most [`Ledger::MAX_BODY`](super::Ledger::MAX_BODY) bytes.
    pub body: Vec<u8>,
}

/// Which deliveries are meant.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// All of them.
    All,
    /// Those to one pod, named by host and, if unusual, port.
    Pod(&'a str),
    /// Those for one account, named by its old ID.
    Account(&'a DiasporaId),
    /// Those to one pod for one account.
    PodAndAccount(&'a str, &'a DiasporaId),
    /// Those of one import.
    Import(&'a str),
}

impl<'a> Scope<'a> {
    /// The condition on the table `d`, and its values.
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

    /// The same on the table `f` of people and the table `i` of imports.
    pub(super) fn of_people(self) -> (&'static str, Vec<Value<'a>>) {
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

/// How many deliveries are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// To be sent, now or later.
    pub queued: i64,
    /// On their way.
    pub sending: i64,
    /// Taken by their pods.
    pub delivered: i64,
    /// Not needed any more: the recipient shares with the new account already.
    pub confirmed: i64,
    /// Refused.
    pub rejected: i64,
    /// Given up.
    pub dead: i64,
}

impl Counts {
    /// Nothing is left to be sent.
    pub fn finished(&self) -> bool {
        self.queued == 0 && self.sending == 0
    }
}

/// Friends: people who shared both ways with the account on its old pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Friends {
    /// How many there are.
    pub all: i64,
    /// How many of them share with the new account, as the target pod sees it.
    pub back: i64,
}

/// The deliveries to one pod.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PodDeliveries {
    /// Host and, if unusual, port.
    pub pod: String,
    /// How many are in which state.
    pub counts: Counts,
    /// What the pod runs; `None` before it was asked.
    pub system: Option<System>,
    /// When it took the (last) move.
    pub told_at: Option<DateTime<Utc>>,
    /// When the (last) move was first seen to be processed there: a friend was back.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Until when Contacts and profiles wait for the move to be processed, while they do.
    pub waits_until: Option<DateTime<Utc>>,
    /// The friends there.
    pub friends: Friends,
    /// The last thing that went wrong with what is not delivered.
    pub last_error: Option<String>,
    /// Until when the pod is left alone, while it cannot be reached.
    pub retry_at: Option<DateTime<Utc>>,
}

/// Somebody to be told by hand, since what was for them was refused or given up.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unreached {
    /// The account's old ID.
    pub account: String,
    /// The pod that was not reached, or did not take it.
    pub pod: String,
    /// Who; everybody on the pod who knows the account when nobody is named.
    pub recipient: Option<String>,
    /// When nobody is named: contacts of the account on this pod who are in no other line.
    pub people: Vec<String>,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
}

/// Friends on a pod whose software does not carry a friendship over by itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Elsewhere {
    /// The account's old ID.
    pub account: String,
    /// What their pod runs; [`System::advice`] says what they have to do.
    pub system: System,
    /// The friend.
    pub person: String,
}

/// A move that nobody is told of yet, because the new account does not answer from outside.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unseen {
    /// The account's new ID.
    pub new_id: String,
    /// Why, in a sentence.
    pub problem: String,
    /// When it is looked for again.
    pub next_look_at: DateTime<Utc>,
}
