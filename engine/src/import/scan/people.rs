//! Maps the people of an archive to people on the target pod.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::discovery::{DiscoveredPerson, Discovery};
use crate::domain::{DiasporaId, Guid, PublicKey};
use crate::import::ImportError;
use crate::import::decide::BatchPlan;
use crate::import::journal::notes::{Intent, Journal, kinds};
use crate::import::scan::person_profile::PersonProfile;
use crate::import::scan::survey::KnownPerson;
use crate::import::target::{Planned, Target};
use crate::import::write::people::PersonRows;
use crate::pod::database::DatabaseError;
use crate::sql::{Row, id_list};
use crate::validate::KnownKey;

/// The longest chain of moves that is followed; a longer one is a loop.
const MAX_CHAIN: usize = 16;

/// A person on the target pod.
#[derive(Debug, Clone)]
pub(in crate::import) struct Person {
    /// `people.id`; for a person who has moved, of the new account.
    pub(in crate::import) id: i64,
    /// `users.id`, for people of the target pod.
    pub(in crate::import) user: Option<i64>,
    pub(in crate::import) closed: bool,
    /// True if they had another name, and another key, before.
    pub(in crate::import) has_moved: bool,
    /// `people.id` of their own account on the target pod, if imported but not announced yet.
    pub(in crate::import) also: Option<i64>,
}

/// A person whom the target pod does not know yet, from a trusted source: discovery, or an archive signed by a pod
/// whose key the podmin has pinned.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// diaspora* ID.
    pub id: DiasporaId,
    /// GUID in the network.
    pub guid: Guid,
    /// Public key.
    pub key: PublicKey,
    /// The public part of the profile.
    pub profile: PersonProfile,
    /// True if the person's pod uses HTTPS.
    pub https: bool,
}

impl From<DiscoveredPerson> for NewPerson {
    fn from(found: DiscoveredPerson) -> Self {
        let https = found.pod.scheme() == "https";
        let profile = PersonProfile::from_hcard(&found.profile);
        Self { id: found.id, guid: found.guid, key: found.public_key, profile, https }
    }
}

/// Everyone whom an archive mentions, as far as the target pod knows them.
#[derive(Default)]
pub(in crate::import) struct People {
    known: HashMap<DiasporaId, Person>,
    pub(in crate::import) keys: Vec<KnownKey>,
    /// GUIDs of the people whom this run has added.
    added: HashSet<Guid>,
    /// People whose pods answered, but who claim somebody else's GUID: an archive does not speak for them either.
    refused: HashSet<DiasporaId>,
}

struct PersonRow {
    id: i64,
    handle: DiasporaId,
    key: Option<PublicKey>,
    user: Option<i64>,
    closed: bool,
}

const COLUMNS: &str = "id, diaspora_handle, serialized_public_key, owner_id, closed_account";

impl PersonRow {
    fn new(row: &Row) -> Option<Self> {
        Some(Self {
            id: row.integer("id")?,
            handle: row.text("diaspora_handle")?.parse().ok()?,
            key: row.text("serialized_public_key").and_then(|pem| PublicKey::from_pem(&pem).ok()),
            user: row.integer("owner_id"),
            closed: row.boolean("closed_account").unwrap_or(false),
        })
    }
}

impl People {
    /// Looks up these people on the target pod.
    pub(in crate::import) async fn read<'a>(
        target: &mut Target,
        ids: impl Iterator<Item = &'a DiasporaId>,
    ) -> Result<Self, DatabaseError> {
        let ids: Vec<&str> = ids.map(DiasporaId::as_str).collect();
        let sql = format!("SELECT {COLUMNS} FROM people WHERE diaspora_handle IN ({{}})");
        let rows = target.pod.rows_in("people", &sql, &ids).await?;
        let found: Vec<PersonRow> = rows.iter().filter_map(PersonRow::new).collect();
        let moves = Moves::read(target).await?;
        let mut wanted: HashSet<i64> = HashSet::new();
        for person in &found {
            wanted.extend(moves.chain(person.id));
        }
        let others: Vec<i64> = wanted.into_iter().collect();
        let mut by_id: HashMap<i64, PersonRow> =
            found.into_iter().map(|person| (person.id, person)).collect();
        let named: Vec<i64> = by_id.keys().copied().collect();
        for person in target.people_by_row(&others).await? {
            by_id.entry(person.id).or_insert(person);
        }
        let mut people = Self::default();
        for id in named {
            people.add(&by_id, &moves, id);
        }
        Ok(people)
    }

    fn add(&mut self, rows: &HashMap<i64, PersonRow>, moves: &Moves, id: i64) {
        let Some(row) = rows.get(&id) else { return };
        let now = moves.newest(id);
        let current = rows.get(&now).unwrap_or(row);
        let has_moved = moves.chain(id).len() > 1;
        let (id, user, closed) = (current.id, current.user, current.closed);
        let person = Person { id, user, closed, has_moved, also: None };
        self.known.insert(row.handle.clone(), person);
        // diaspora* stores the new name beside a signature by the old key: any key of the chain may match.
        for other in moves.chain(id) {
            if let Some(PersonRow { handle, key: Some(key), .. }) = rows.get(&other) {
                let (person, signed_as) = (row.handle.clone(), handle.clone());
                self.keys.push(KnownKey { person, signed_as, key: key.clone() });
            }
        }
    }

    /// Looks up more people, on this pod or by asking theirs.
    pub(in crate::import) async fn discover(
        &mut self,
        target: &mut Target,
        discovery: &Discovery,
        ids: &HashSet<DiasporaId>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let new: Vec<&DiasporaId> = ids.iter().filter(|id| self.get(id).is_none()).collect();
        if new.is_empty() {
            return Ok(());
        }
        let here = Self::read(target, new.iter().copied()).await?;
        self.known.extend(here.known);
        self.keys.extend(here.keys);
        let unknown: Vec<DiasporaId> = new.into_iter().filter(|id| self.get(id).is_none()).cloned().collect();
        let found = discovery.find_all(unknown).await;
        let mut found: Vec<NewPerson> = found.into_values().flatten().map(NewPerson::from).collect();
        found.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        self.insert_people(target, found, journal).await
    }

    /// Returns the names of people of other pods who have not moved.
    pub(in crate::import) fn unmoved(&self) -> Vec<String> {
        let unmoved = self.known.iter().filter(|(_, person)| person.user.is_none() && !person.has_moved);
        unmoved.map(|(id, _)| id.to_string()).collect()
    }

    /// Sets [`Person::also`].
    pub(in crate::import) fn set_pending(&mut self, id: &str, person: i64) {
        if let Some(known) = id.parse::<DiasporaId>().ok().and_then(|id| self.known.get_mut(&id)) {
            known.also = Some(person);
        }
    }

    #[cfg(test)]
    pub(in crate::import) fn insert(&mut self, id: DiasporaId, person: Person) {
        self.known.insert(id, person);
    }

    /// Returns the person with this ID, or the account they have moved to.
    pub(in crate::import) fn get(&self, id: &DiasporaId) -> Option<&Person> {
        self.known.get(id)
    }

    /// Drops people whose GUID belongs to another person: their pods may claim any, and the pod knows that person.
    async fn drop_taken(
        &mut self,
        target: &mut Target,
        people: &mut Vec<NewPerson>,
    ) -> Result<(), DatabaseError> {
        let guids: Vec<&str> = people.iter().map(|person| person.guid.as_str()).collect();
        let taken = target.taken("people", &guids).await?;
        people.retain(|person| {
            let is_free = !taken.contains_key(person.guid.as_str()) && self.added.insert(person.guid.clone());
            if !is_free {
                self.refused.insert(person.id.clone());
            }
            is_free
        });
        Ok(())
    }

    /// Adds people who are new to the target pod; in a dry run, without writing them.
    pub(in crate::import) async fn insert_people(
        &mut self,
        target: &mut Target,
        mut people: Vec<NewPerson>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        // This pod knows its own people best.
        let here = target.url.diaspora_host();
        people.retain(|person| person.id.host() != here);
        self.drop_taken(target, &mut people).await?;
        for chunk in people.chunks(500) {
            let mut plan = BatchPlan::new(PersonRows(chunk));
            plan.intents = chunk.iter().map(|person| Intent::write(kinds::PEOPLE, &person.guid)).collect();
            target.apply(plan, journal).await?;
            let ids: Vec<&str> = chunk.iter().map(|person| person.id.as_str()).collect();
            let sql = "SELECT id, diaspora_handle FROM people WHERE diaspora_handle IN ({})";
            let rows = target.pod.rows_in("people", sql, &ids).await?;
            let person = |row: &Row| Some((row.text("diaspora_handle")?, row.integer("id")?));
            let mut rows: HashMap<String, i64> = rows.iter().filter_map(person).collect();
            for person in chunk {
                let planned = target.planned.as_mut().map(Planned::number);
                let id = rows.remove(person.id.as_str()).or(planned);
                let Some(id) = id else { continue };
                let stranger = Person { id, user: None, closed: false, has_moved: false, also: None };
                self.known.insert(person.id.clone(), stranger);
                let (id, key) = (person.id.clone(), person.key.clone());
                self.keys.push(KnownKey { person: id.clone(), signed_as: id, key });
            }
        }
        Ok(())
    }
}

/// Returns the archive's people whom the target pod does not know, with the archive's data about them, if that can be
/// trusted.
pub(in crate::import) fn unknown_people(
    people: &People,
    described: &BTreeMap<DiasporaId, KnownPerson>,
) -> Vec<NewPerson> {
    described
        .iter()
        .filter(|(id, _)| people.get(id).is_none() && !people.refused.contains(id))
        .filter_map(|(id, described)| {
            let key = PublicKey::from_pem(&with_final_newline(described.key.as_deref()?)).ok()?;
            let name = described.name.as_deref().filter(|name| *name != id.as_str()).unwrap_or_default();
            let profile = PersonProfile::from_display_name(name);
            Some(NewPerson { id: id.clone(), guid: described.guid.clone()?, key, profile, https: true })
        })
        .collect()
}

/// Returns a key with the line break at its end that diaspora*'s own keys have; archives of pods on which people were
/// entered without it lack it.
fn with_final_newline(pem: &str) -> String {
    format!("{}\n", pem.trim_end())
}

/// The moves that the target pod knows.
struct Moves {
    next: HashMap<i64, i64>,
    before: HashMap<i64, Vec<i64>>,
}

impl Moves {
    async fn read(target: &mut Target) -> Result<Self, DatabaseError> {
        let sql = "SELECT old_person_id, new_person_id FROM account_migrations".to_owned();
        let mut moves = Self { next: HashMap::new(), before: HashMap::new() };
        for row in target.pod.rows("the account migrations", sql, &[]).await? {
            let (old, new) = (row.integer("old_person_id"), row.integer("new_person_id"));
            if let (Some(old), Some(new)) = (old, new) {
                moves.next.insert(old, new);
                moves.before.entry(new).or_default().push(old);
            }
        }
        Ok(moves)
    }

    fn newest(&self, id: i64) -> i64 {
        let mut now = id;
        for _ in 0..MAX_CHAIN {
            match self.next.get(&now) {
                Some(next) => now = *next,
                None => break,
            }
        }
        now
    }

    /// Returns all accounts that this person had and has, the given one first.
    fn chain(&self, id: i64) -> Vec<i64> {
        let mut chain = vec![id];
        let mut seen = 0;
        while let Some(&person) = chain.get(seen).filter(|_| chain.len() <= MAX_CHAIN) {
            let around = self.before.get(&person).into_iter().flatten().chain(self.next.get(&person));
            let new: Vec<i64> = around.copied().filter(|other| !chain.contains(other)).collect();
            chain.extend(new);
            seen += 1;
        }
        chain
    }
}

impl Target {
    async fn people_by_row(&mut self, ids: &[i64]) -> Result<Vec<PersonRow>, DatabaseError> {
        let mut people = Vec::new();
        for chunk in ids.chunks(1000) {
            let list = id_list(chunk);
            let sql = format!("SELECT {COLUMNS} FROM people WHERE id IN ({list})");
            let rows = self.pod.rows("people", sql, &[]).await?;
            people.extend(rows.iter().filter_map(PersonRow::new));
        }
        Ok(people)
    }
}
