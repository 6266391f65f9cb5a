//! A pod of the account's friends: its users, whom they know, and what the pod does with what it is sent.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use pappus_engine::domain::{DiasporaId, Profile, PublicKey};
use pappus_engine::federation::{
    AccountMigration, Contact, MagicEnvelope, ReceivedEntity, SignedPayload, decrypt_envelope,
};

pub use super::people::{Echo, Identity, Relation, User};
use super::queue::{Job, Queues};

/// What a pod runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Software {
    /// Answers 202 and processes later.
    Diaspora,
    /// Processes before it answers; permissions come with the first Contact.
    Hubzilla,
}

/// How late a pod is with its work, in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Delays {
    /// For what is urgent.
    pub urgent: i64,
    /// For moves, and for telling others.
    pub high: i64,
    /// Whether the first try of a move fails, since several workers look the new account up at once.
    pub race: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Pod {
    /// What it runs.
    pub software: Software,
    /// Its users, by GUID.
    pub users: BTreeMap<String, User>,
    /// Keys of people it knows, by handle.
    pub known: HashMap<String, PublicKey>,
    /// Profiles of people of other pods, by handle: the last one processed, whatever its date.
    pub profiles: BTreeMap<String, Profile>,
    /// Moves it has taken: old handle, new handle.
    pub moves: BTreeMap<String, String>,
    /// Moves it has carried out.
    pub performed: BTreeSet<String>,
    /// How late it is.
    pub delays: Delays,
    /// Public messages that are still to be lost after they were accepted: its workers are killed.
    pub loses: u32,
    /// Whether it answers.
    pub is_up: bool,
    /// Public posts it has stored, by author.
    pub posts: Vec<String>,
    /// The accounts that live here, if it is an old pod.
    pub residents: BTreeSet<String>,
    /// Closed accounts of this pod that tell everybody that they no longer share.
    pub(super) retractions: Vec<String>,
    pub(super) queues: Queues,
}

/// Pause before a failed job is tried again: as long as Sidekiq's first one.
const RETRY: i64 = 25_000;
/// Tries of a job.
const TRIES: u32 = 10;

impl Pod {
    /// A pod without users.
    pub fn new(software: Software) -> Self {
        Self {
            software,
            users: BTreeMap::new(),
            known: HashMap::new(),
            profiles: BTreeMap::new(),
            moves: BTreeMap::new(),
            performed: BTreeSet::new(),
            delays: Delays::default(),
            loses: 0,
            is_up: true,
            posts: Vec::new(),
            residents: BTreeSet::new(),
            retractions: Vec::new(),
            queues: Queues::default(),
        }
    }

    /// Whether all work is done.
    pub fn is_idle(&self) -> bool {
        self.queues.is_empty()
    }

    /// Lets a user add somebody by hand, to an aspect: they share with them, whatever else is known of them.
    pub fn add_by_hand(&mut self, user: &str, whom: &str, aspect: &str, now: i64) {
        let Some((guid, user)) = self.users.iter_mut().find(|(_, one)| one.id.as_str() == user) else {
            return;
        };
        let relation = user.relations.entry(whom.to_owned()).or_default();
        relation.receiving = true;
        relation.aspects.insert(aspect.to_owned());
        self.queues.push(now, Job::Echo(guid.clone(), whom.to_owned()));
    }

    /// Lets a user take everybody out of their aspects: whoever shared with them hears that they no longer do.
    pub fn share_with_nobody(&mut self, user: &str, now: i64) {
        let Some((guid, user)) = self.users.iter_mut().find(|(_, one)| one.id.as_str() == user) else {
            return;
        };
        for (whom, relation) in &mut user.relations {
            relation.receiving = false;
            relation.aspects.clear();
            self.queues.push(now, Job::Echo(guid.clone(), whom.clone()));
        }
    }

    /// A Contact arrives that tells a user that somebody no longer shares with them.
    pub fn hear_that_nobody_shares(&mut self, user: &str, from: &str, now: i64) {
        let Some((guid, _)) = self.users.iter().find(|(_, one)| one.id.as_str() == user) else { return };
        self.queues.push(now + self.delays.urgent, Job::Disconnect(guid.clone(), from.to_owned()));
    }

    /// Takes a POST; the status that it answers.
    pub(super) fn receive(
        &mut self,
        path: &str,
        body: &[u8],
        now: i64,
        world: &HashMap<String, Identity>,
    ) -> u16 {
        let job = match path.strip_prefix("/receive/users/") {
            Some(guid) if self.users.contains_key(guid) => {
                Job::ReceivePrivate(guid.to_owned(), body.to_vec(), 0)
            }
            None if path == "/receive/public" => Job::ReceivePublic(body.to_vec(), 0),
            _ => return 404,
        };
        match self.software {
            Software::Diaspora => {
                self.queues.push(now + self.delays.urgent, job);
                202
            }
            Software::Hubzilla => self.process_at_once(&job, world),
        }
    }

    /// Works off what may run by `now`; gives what is to be sent to other pods.
    pub(super) fn work(&mut self, now: i64, world: &HashMap<String, Identity>) -> Vec<Echo> {
        let mut echoes = Vec::new();
        while let Some((due, job)) = self.queues.pop(now) {
            match job {
                Job::ReceivePublic(..) if self.loses > 0 => self.loses -= 1,
                Job::ReceivePublic(body, tries) => self.receive_public(body, tries, due, world),
                Job::ReceivePrivate(user, body, tries) => self.receive_private(user, body, tries, due, world),
                Job::Migrate(old, new) => self.migrate(&old, &new, due),
                Job::Echo(user, to) => echoes.extend(self.echo(&user, to)),
                Job::Disconnect(user, from) => self.disconnect(&user, &from),
                Job::Retract(account) => self.retractions.push(account),
            }
        }
        echoes
    }

    /// The key of somebody, as known here or looked up.
    fn key_of(&mut self, id: &DiasporaId, world: &HashMap<String, Identity>) -> Option<PublicKey> {
        if let Some(key) = self.known.get(id.as_str()) {
            return Some(key.clone());
        }
        let key = world.get(id.as_str())?.key.clone();
        self.known.insert(id.to_string(), key.clone());
        Some(key)
    }

    fn verified(
        &mut self,
        envelope: &[u8],
        world: &HashMap<String, Identity>,
    ) -> Result<SignedPayload, Failed> {
        let envelope = MagicEnvelope::parse(envelope).map_err(|_| Failed::ForGood)?;
        let sender = envelope.sender().clone();
        let key = self.key_of(&sender, world).ok_or(Failed::Later)?;
        let key = key.verifying_key().map_err(|_| Failed::ForGood)?;
        envelope.verify(&key).map_err(|_| Failed::ForGood)
    }

    fn receive_public(&mut self, body: Vec<u8>, tries: u32, now: i64, world: &HashMap<String, Identity>) {
        let race = self.delays.race && tries == 0;
        match if race { Err(Failed::Later) } else { self.take_public(&body, world) } {
            Ok(Some((old, new))) => self.queues.push(now + self.delays.high, Job::Migrate(old, new)),
            Err(Failed::Later) if tries < TRIES => {
                let pause = RETRY + i64::from(tries).pow(4) * 1000;
                self.queues.push(now + pause, Job::ReceivePublic(body, tries + 1));
            }
            // What is wrong is not tried again, and nobody is told.
            Ok(None) | Err(_) => {}
        }
    }

    /// Takes a public message in; a move that is new is still to be carried out.
    fn take_public(
        &mut self,
        body: &[u8],
        world: &HashMap<String, Identity>,
    ) -> Result<Option<(String, String)>, Failed> {
        let payload = self.verified(body, world)?;
        match payload.entity().map_err(|_| Failed::ForGood)? {
            ReceivedEntity::AccountMigration(migration) => self.take_move(&migration, world),
            ReceivedEntity::Post(post) => {
                self.take_post(post.author().as_str());
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn take_move(
        &mut self,
        migration: &AccountMigration,
        world: &HashMap<String, Identity>,
    ) -> Result<Option<(String, String)>, Failed> {
        let new = migration.new_identity().clone();
        let key = self.key_of(migration.signer(), world).ok_or(Failed::Later)?;
        let key = key.verifying_key().map_err(|_| Failed::ForGood)?;
        if !migration.verify(&key) {
            return Err(Failed::ForGood);
        }
        // `Receive.account_migration` stores it first, also that of a second move.
        self.take_profile(&migration.profile);
        let old = migration.author.to_string();
        // A second move of the same account is refused.
        if self.moves.contains_key(&old) {
            return Ok(None);
        }
        self.moves.insert(old.clone(), new.to_string());
        Ok(Some((old, new.to_string())))
    }

    fn receive_private(
        &mut self,
        user: String,
        body: Vec<u8>,
        tries: u32,
        now: i64,
        world: &HashMap<String, Identity>,
    ) {
        if let Err(Failed::Later) = self.take_private(&user, &body, world)
            && tries < TRIES
        {
            let pause = RETRY + i64::from(tries).pow(4) * 1000;
            self.queues.push(now + pause, Job::ReceivePrivate(user, body, tries + 1));
        }
    }

    fn take_private(
        &mut self,
        guid: &str,
        body: &[u8],
        world: &HashMap<String, Identity>,
    ) -> Result<(), Failed> {
        let user = self.users.get(guid).ok_or(Failed::ForGood)?;
        let key = user.key.decrypting_key().map_err(|_| Failed::ForGood)?;
        let envelope = decrypt_envelope(body, &key).map_err(|_| Failed::ForGood)?;
        let payload = self.verified(&envelope, world)?;
        match payload.entity().map_err(|_| Failed::ForGood)? {
            ReceivedEntity::Contact(contact) => self.take_contact(guid, &contact),
            ReceivedEntity::Profile(profile) => self.take_profile(&profile),
            ReceivedEntity::Post(post) => {
                let software = self.software;
                if let Some(user) = self.users.get_mut(guid) {
                    user.take_post(software, post.author().as_str());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn take_profile(&mut self, profile: &Profile) {
        self.profiles.insert(profile.author.to_string(), profile.clone());
    }

    /// A public post: diaspora* stores it in any case, Hubzilla when one of its users permits the author to post.
    fn take_post(&mut self, author: &str) {
        let mut is_stored = self.software == Software::Diaspora;
        for user in self.users.values_mut() {
            is_stored |= user.take_post(self.software, author);
        }
        if is_stored {
            self.posts.push(author.to_owned());
        }
    }

    fn take_contact(&mut self, guid: &str, contact: &Contact) {
        let software = self.software;
        let Some(user) = self.users.get_mut(guid) else { return };
        let author = contact.author.to_string();
        match (software, contact.sharing) {
            (Software::Diaspora, true) => user.relations.entry(author).or_default().sharing = true,
            (_, false) => self.disconnect(guid, &author),
            // A connection that is there stays as it is; a new one brings its permissions.
            (Software::Hubzilla, true) => {
                let new = Relation { sharing: true, permitted: true, ..Relation::default() };
                user.relations.entry(author).or_insert(new);
            }
        }
    }

    /// `User#disconnected_by`; Hubzilla deletes the connection.
    fn disconnect(&mut self, guid: &str, from: &str) {
        let software = self.software;
        let Some(user) = self.users.get_mut(guid) else { return };
        let Some(relation) = user.relations.get_mut(from) else { return };
        relation.sharing = false;
        if software == Software::Hubzilla || !relation.receiving {
            user.relations.remove(from);
        }
    }

    /// Takes a Contact of somebody who no longer shares, for everybody who knows them.
    pub(super) fn take_retraction(&mut self, from: &str, now: i64) {
        let knowing = self.users.iter().filter(|(_, user)| user.relations.contains_key(from));
        let guids: Vec<String> = knowing.map(|(guid, _)| guid.clone()).collect();
        for guid in guids {
            self.queues.push(now + self.delays.urgent, Job::Disconnect(guid, from.to_owned()));
        }
    }

    /// What `AccountMigration#perform!` does to contacts.
    fn migrate(&mut self, old: &str, new: &str, now: i64) {
        if !self.performed.insert(old.to_owned()) {
            return;
        }
        // `AccountDeleter#disconnect_contacts`: the old pod closes the account.
        if self.residents.contains(old) {
            self.queues.push(now + self.delays.high, Job::Retract(old.to_owned()));
        }
        let mut echoes = Vec::new();
        for (guid, user) in &mut self.users {
            if let Some(relation) = user.relations.remove(old) {
                // Where there are two, the old one is destroyed, aspects and all.
                user.relations.entry(new.to_owned()).or_insert(relation);
            }
            if user.relations.get(new).is_some_and(|relation| relation.sharing) {
                echoes.push(guid.clone());
            }
        }
        for guid in echoes {
            self.queues.push(now + self.delays.high, Job::Echo(guid, new.to_owned()));
        }
    }

    fn echo(&self, guid: &str, to: String) -> Option<Echo> {
        let user = self.users.get(guid)?;
        let sharing = user.relations.get(&to)?.receiving;
        Some(Echo { author: user.id.to_string(), guid: guid.to_owned(), recipient: to, sharing })
    }

    /// Hubzilla: done when it has answered; 400 when the sender cannot be looked up just then.
    fn process_at_once(&mut self, job: &Job, world: &HashMap<String, Identity>) -> u16 {
        let taken = match job {
            Job::ReceivePublic(body, _) => self.take_public(body, world).map(|move_| {
                if let Some((old, new)) = move_ {
                    self.repoint(&old, &new);
                }
            }),
            Job::ReceivePrivate(guid, body, _) => self.take_private(guid, body, world),
            Job::Migrate(..) | Job::Echo(..) | Job::Disconnect(..) | Job::Retract(..) => Ok(()),
        };
        if matches!(taken, Err(Failed::Later)) { 400 } else { 200 }
    }

    /// The connection leads to the new identity; its permissions stay with the old one.
    fn repoint(&mut self, old: &str, new: &str) {
        for user in self.users.values_mut() {
            if let Some(relation) = user.relations.remove(old) {
                let moved = Relation { permitted: false, ..relation };
                user.relations.entry(new.to_owned()).or_insert(moved);
            }
        }
    }
}

/// Why something was not taken.
enum Failed {
    /// It is wrong.
    ForGood,
    /// Somebody could not be looked up, or others were quicker.
    Later,
}
