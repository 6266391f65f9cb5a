//! Notifies the pods of an account's contacts: a ledger of deliveries, and the program that processes it.
//!
//! Announcing puts everything into the [`Ledger`] first; [`deliver`] sends what is due, over weeks if a pod is down.
//! Each result is recorded before the next delivery is sent, so the program can be killed at any time: only
//! deliveries in progress at that moment can reach a pod twice.
//!
//! A pod is processed by one program at a time, under a lease that expires if the program dies. A pod that does not
//! answer is skipped with all its deliveries until the next attempt, so dead pods cost one attempt in all, less and
//! less often, and never delay the others.
//!
//! Accepted is not processed: `turn` holds the order of messages to a pod, and what has to be seen before the next
//! may go; `target` sees what has been processed and what people have changed since, and completes what was missing, and `visibility` that the new account
//! can be found at all.

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
    Counts, DeliveryError, Elsewhere, Friends, Kind, NewDelivery, PodDeliveries, Scope, Unreached, Unseen,
    Waiting,
};
pub use schedule::GIVE_UP_AFTER;
pub use system::{System, is_hubzilla_person};
pub use target::{KnownPerson, MissingContacts, NewIdentity, TargetPod};
pub(crate) use target::{people_to_look_up, profile_digest};
pub use transport::Transport;
