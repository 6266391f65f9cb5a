//! Telling the pods of an account's contacts: a ledger of deliveries, and what works through it.
//!
//! Announcing puts everything into the [`Ledger`] first; [`deliver`] sends what is due, over weeks if a pod is
//! down. What has been sent, refused or given up is written down before the next one is sent, so it can be
//! killed at any time: only what was on its way in that moment can reach a pod twice.
//!
//! A pod is worked on by one program at a time, under a lease that runs out when the program is gone. A pod
//! that does not answer is left alone with all its deliveries until the next try, so dead pods cost one try for
//! all, seldomer and seldomer, and never hold up the others.
//!
//! Accepted is not processed: in which order a pod is told, and what has to be seen before the next message may go,
//! is in `turn`; `friends` sees what has been processed, and `visibility` that the new account can be found at all.

mod deliver;
mod friends;
mod ledger;
mod pod;
mod records;
mod report;
mod schedule;
mod system;
mod transport;
mod turn;
mod visibility;
mod writer;

pub use crate::clock::{Clock, SystemClock};
pub use deliver::{Options, Summary, deliver};
pub use friends::{KnownPerson, NewIdentity, TargetPod};
pub use ledger::Ledger;
pub use records::{
    Counts, DeliveryError, Elsewhere, Friends, Kind, NewDelivery, PodDeliveries, Scope, Unreached, Unseen,
};
pub use schedule::GIVE_UP_AFTER;
pub use system::{System, is_hubzilla_person};
pub use transport::Transport;
