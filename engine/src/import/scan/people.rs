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

/// The maximum number of moves in a chain that is followed; a longer one is a loop.
const MAX_CHAIN_MOVES: usize = 16;

/// A person on the target pod.
#[derive(Debug, Clone)]
pub(in crate::import) struct Person {
    /// `people.id`; for a person who has moved, of the new account.
    pub(in crate::import) id: i64,
    /// `users.id`, for people of the target pod.
    pub(in crate::import) user: Option<i64>,
    pub(in crate::import) is_closed: bool,
    /// True if they had another name, and another key, before.
    pub(in crate::import) has_moved: bool,
    /// `people.id` of their own account on the target pod, if imported but not announced yet.
    pub(in crate::import) pending_id: Option<i64>,
}

/// A person whom the target pod does not know yet, from a trusted source: discovery, or an archive signed by a pod
/// whose key the podmin has pinned.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// diaspora* ID.
    pub id: DiasporaId,
    /// GUID, the same on all pods.
    pub guid: Guid,
    /// Public key.
    pub key: PublicKey,
    /// The public part of the profile.
    pub profile: PersonProfile,
    /// True if the person's pod uses HTTPS.
    pub uses_https: bool,
}

impl From<DiscoveredPerson> for NewPerson {
    fn from(person: DiscoveredPerson) -> Self {
        let uses_https = person.pod.scheme() == "https";
        let profile = PersonProfile::from_hcard(&person.profile);
        Self { id: person.id, guid: person.guid, key: person.public_key, profile, uses_https }
    }
}

/// The people whom an archive mentions and the target pod knows.
#[derive(Default)]
pub(in crate::import) struct People {
    known: HashMap<DiasporaId, Person>,
    pub(in crate::import) keys: Vec<KnownKey>,
    /// GUIDs of the people whom this run has added.
    added: HashSet<Guid>,
    /// People whose pods answered, but with somebody else's GUID: they are not added from an archive, either.
    refused: HashSet<DiasporaId>,
}

struct PersonRow {
    id: i64,
    handle: DiasporaId,
    key: Option<PublicKey>,
    user: Option<i64>,
    is_closed: bool,
}

const COLUMNS: &str = "id, diaspora_handle, serialized_public_key, owner_id, closed_account";

impl PersonRow {
    fn new(row: &Row) -> Option<Self> {
        Some(Self {
            id: row.integer("id")?,
            handle: row.text("diaspora_handle")?.parse().ok()?,
            key: row.text("serialized_public_key").and_then(|pem| PublicKey::from_pem(&pem).ok()),
            user: row.integer("owner_id"),
            is_closed: row.boolean("closed_account").unwrap_or(false),
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
        let named_rows: Vec<PersonRow> = rows.iter().filter_map(PersonRow::new).collect();
        let moves = Moves::read(target).await?;
        let mut chained: HashSet<i64> = HashSet::new();
        for person in &named_rows {
            chained.extend(moves.chain(person.id));
        }
        let chained: Vec<i64> = chained.into_iter().collect();
        let mut by_id: HashMap<i64, PersonRow> =
            named_rows.into_iter().map(|person| (person.id, person)).collect();
        let named_ids: Vec<i64> = by_id.keys().copied().collect();
        for person in target.people_by_row(&chained).await? {
            by_id.entry(person.id).or_insert(person);
        }
        let mut people = Self::default();
        for id in named_ids {
            people.add(&by_id, &moves, id);
        }
        Ok(people)
    }

    fn add(&mut self, rows: &HashMap<i64, PersonRow>, moves: &Moves, id: i64) {
        let Some(row) = rows.get(&id) else { return };
        let newest = moves.newest(id);
        let current = rows.get(&newest).unwrap_or(row);
        let has_moved = moves.chain(id).len() > 1;
        let (id, user, is_closed) = (current.id, current.user, current.is_closed);
        let person = Person { id, user, is_closed, has_moved, pending_id: None };
        self.known.insert(row.handle.clone(), person);
        // diaspora* stores the new name together with a signature by the old key: any key of the chain may match.
        for other in moves.chain(id) {
            if let Some(PersonRow { handle, key: Some(key), .. }) = rows.get(&other) {
                let (person, signed_as) = (row.handle.clone(), handle.clone());
                self.keys.push(KnownKey { person, signed_as, key: key.clone() });
            }
        }
    }

    /// Looks up more people, on this pod or on theirs, and adds unknown ones.
    pub(in crate::import) async fn discover(
        &mut self,
        target: &mut Target,
        discovery: &Discovery,
        ids: &HashSet<DiasporaId>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let missing: Vec<&DiasporaId> = ids.iter().filter(|id| self.get(id).is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let existing = Self::read(target, missing.iter().copied()).await?;
        self.known.extend(existing.known);
        self.keys.extend(existing.keys);
        let unknown: Vec<DiasporaId> =
            missing.into_iter().filter(|id| self.get(id).is_none()).cloned().collect();
        let answers = discovery.find_all(unknown).await;
        let mut discovered: Vec<NewPerson> = answers.into_values().flatten().map(NewPerson::from).collect();
        discovered.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        self.insert_people(target, discovered, journal).await
    }

    /// Returns the IDs of people of other pods who have not moved.
    pub(in crate::import) fn unmoved_ids(&self) -> Vec<String> {
        let unmoved = self.known.iter().filter(|(_, person)| person.user.is_none() && !person.has_moved);
        unmoved.map(|(id, _)| id.to_string()).collect()
    }

    /// Sets [`Person::pending_id`].
    pub(in crate::import) fn set_pending(&mut self, id: &str, person: i64) {
        if let Some(known) = id.parse::<DiasporaId>().ok().and_then(|id| self.known.get_mut(&id)) {
            known.pending_id = Some(person);
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

    /// Drops people whose GUID belongs to another person: a pod may claim any GUID for its people.
    async fn drop_taken_guids(
        &mut self,
        target: &mut Target,
        people: &mut Vec<NewPerson>,
    ) -> Result<(), DatabaseError> {
        let guids: Vec<&str> = people.iter().map(|person| person.guid.as_str()).collect();
        let taken = target.taken_guids("people", &guids).await?;
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
        // The pod has rows of all of its own people.
        let own_host = target.url.diaspora_host();
        people.retain(|person| person.id.host() != own_host);
        self.drop_taken_guids(target, &mut people).await?;
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
                let planned = target.planned.as_mut().map(Planned::next_number);
                let id = rows.remove(person.id.as_str()).or(planned);
                let Some(id) = id else { continue };
                let new_person =
                    Person { id, user: None, is_closed: false, has_moved: false, pending_id: None };
                self.known.insert(person.id.clone(), new_person);
                let (id, key) = (person.id.clone(), person.key.clone());
                self.keys.push(KnownKey { person: id.clone(), signed_as: id, key });
            }
        }
        Ok(())
    }
}

/// Returns the archive's people whom the target pod does not know, with the archive's data about them. Only for
/// archives that can be trusted.
pub(in crate::import) fn unknown_people(
    people: &People,
    archive_people: &BTreeMap<DiasporaId, KnownPerson>,
) -> Vec<NewPerson> {
    archive_people
        .iter()
        .filter(|(id, _)| people.get(id).is_none() && !people.refused.contains(id))
        .filter_map(|(id, known)| {
            let key = PublicKey::from_pem(&with_final_newline(known.key.as_deref()?)).ok()?;
            let name = known.name.as_deref().filter(|name| *name != id.as_str()).unwrap_or_default();
            let profile = PersonProfile::from_display_name(name);
            Some(NewPerson { id: id.clone(), guid: known.guid.clone()?, key, profile, uses_https: true })
        })
        .collect()
}

/// Returns a key with a final line break, as diaspora*'s own keys have. It is missing in archives of pods that have
/// stored keys without it.
fn with_final_newline(pem: &str) -> String {
    format!("{}\n", pem.trim_end())
}

/// The moves that the target pod knows.
struct Moves {
    /// The next account of each old one.
    next: HashMap<i64, i64>,
    /// The previous accounts of each new one.
    previous: HashMap<i64, Vec<i64>>,
}

impl Moves {
    async fn read(target: &mut Target) -> Result<Self, DatabaseError> {
        let sql = "SELECT old_person_id, new_person_id FROM account_migrations".to_owned();
        let mut moves = Self { next: HashMap::new(), previous: HashMap::new() };
        for row in target.pod.rows("the account migrations", sql, &[]).await? {
            let (old_person, new_person) = (row.integer("old_person_id"), row.integer("new_person_id"));
            if let (Some(old_person), Some(new_person)) = (old_person, new_person) {
                moves.next.insert(old_person, new_person);
                moves.previous.entry(new_person).or_default().push(old_person);
            }
        }
        Ok(moves)
    }

    fn newest(&self, id: i64) -> i64 {
        let mut current = id;
        for _ in 0..MAX_CHAIN_MOVES {
            match self.next.get(&current) {
                Some(next) => current = *next,
                None => break,
            }
        }
        current
    }

    /// Returns all accounts that this person had and has, the given one first.
    fn chain(&self, id: i64) -> Vec<i64> {
        let mut chain = vec![id];
        let mut visited = 0;
        while let Some(&person) = chain.get(visited).filter(|_| chain.len() <= MAX_CHAIN_MOVES) {
            let adjacent = self.previous.get(&person).into_iter().flatten().chain(self.next.get(&person));
            let unvisited: Vec<i64> = adjacent.copied().filter(|other| !chain.contains(other)).collect();
            chain.extend(unvisited);
            visited += 1;
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
