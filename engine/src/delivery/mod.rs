//! Notifies the pods of an account's contacts: a ledger of deliveries, and the program that processes it.
//!
//! Announcing puts everything into the [`Ledger`] first; [`deliver`] sends what is due, over weeks if a pod is down.
//! Each result is recorded before the next delivery is sent, so the program can be killed at any time: only
//! deliveries in progress at that moment can reach a pod twice.
//!
//! A pod is processed by one program at a time, under a lease that expires if the program dies. A pod that does not
//! answer is skipped with all its deliveries until the next attempt. A dead pod therefore costs one attempt, at growing
//! intervals, and never delays the others.
//!
//! A pod that accepts a message has not processed it yet. `turn` contains the order of the messages to a pod, and the
//! condition for each. `target` reads the target pod's database: which moves have been processed, and which contacts
//! and profiles people have changed since; it also completes missing contacts. `visibility` checks that other pods can
//! look up the new account.

mod deliver;
mod ledger;
mod pod;
mod pod_leases;
mod records;
mod repeat;
mod report;
mod schedule;
mod system;
mod target;
mod transport;
mod turn;
mod visibility;
mod writer;

pub use crate::clock::{Clock, SystemClock};
pub use deliver::{Options, Summary, deliver};
pub use ledger::Ledger;
pub use records::{
    AdvisedFriend, Counts, DeliveryError, Friends, Kind, NewDelivery, PodDeliveries, Scope,
    UnreachableAccount, Unreached, Waiting,
};
pub use schedule::GIVE_UP_AFTER;
pub use system::{System, is_hubzilla_person};
pub use target::{KnownPerson, MissingContacts, NewIdentity, TargetPod};
pub(crate) use target::{people_to_look_up, profile_digest};
pub use transport::Transport;
