//! Users of pods, and whom they know.

use std::collections::{BTreeMap, BTreeSet};

use pappus_engine::domain::{DiasporaId, PrivateKey, PublicKey};

use super::pod::Software;

/// A relation of a user to somebody on another pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relation {
    /// They share with the user.
    pub sharing: bool,
    /// The user shares with them.
    pub receiving: bool,
    /// Aspects they are in.
    pub aspects: BTreeSet<String>,
    /// Hubzilla: whether their posts are stored.
    pub permitted: bool,
}

/// A user of the pod.
#[derive(Debug)]
pub struct User {
    /// Who.
    pub id: DiasporaId,
    /// Name in the network.
    pub guid: String,
    /// Their key.
    pub key: PrivateKey,
    /// By the other's handle.
    pub relations: BTreeMap<String, Relation>,
    /// Authors of the posts that the user has got, in order.
    pub stream: Vec<String>,
}

impl User {
    /// Takes a post, if the user wants posts of its author; returns whether they do.
    pub(super) fn take_post(&mut self, software: Software, author: &str) -> bool {
        let is_wanted = self.relations.get(author).is_some_and(|relation| match software {
            Software::Diaspora => relation.receiving,
            Software::Hubzilla => relation.permitted,
        });
        if is_wanted {
            self.stream.push(author.to_owned());
        }
        is_wanted
    }
}

/// Whom anybody can look up.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Name in the network.
    pub guid: String,
    /// Public key.
    pub key: PublicKey,
}

/// What a pod sends: handle of the user, handle of the recipient, whether the user shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// Who tells it.
    pub author: String,
    /// The author's GUID, as whoever looks them up finds it.
    pub guid: String,
    /// Whom.
    pub recipient: String,
    /// Whether they share.
    pub sharing: bool,
}
