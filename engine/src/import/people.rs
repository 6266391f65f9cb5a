//! Who the people of an archive are on the target pod.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::ImportError;
use super::journal::{Intent, Journal};
use super::survey::Described;
use super::target::{Planned, Target};
use crate::discovery::{DiscoveredPerson, Discovery};
use crate::domain::{DiasporaId, Guid, PublicKey};
use crate::pod::database::{Cell as _, DatabaseError, Existing, Row, Value};
use crate::validate::KnownKey;

/// Moves are followed this far; a longer chain is a loop or a joke.
const MAX_CHAIN: usize = 16;
/// diaspora* takes first and last names of so many characters (`Profile`).
const MAX_NAME: usize = 32;

/// Somebody on the target pod.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// `people.id`; for somebody who has moved, of who they are now.
    pub(super) id: i64,
    /// `users.id`, for people of the target pod.
    pub(super) user: Option<i64>,
    pub(super) closed: bool,
    /// Whether they had another name, and another key, before.
    pub(super) has_moved: bool,
    /// `people.id` of who they are on the target pod, where their account was imported and nobody has been told yet.
    pub(super) also: Option<i64>,
}

/// Somebody the target pod does not know yet, from a source that can be trusted: discovery, or an archive
/// signed by a pod whose key the podmin has pinned.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// diaspora* ID.
    pub id: DiasporaId,
    /// Name in the network.
    pub guid: Guid,
    /// Public key.
    pub key: PublicKey,
    /// Display name.
    pub name: String,
    /// Whether the person's pod is reached by https.
    pub https: bool,
}

impl From<DiscoveredPerson> for NewPerson {
    fn from(found: DiscoveredPerson) -> Self {
        let parts = [found.profile.first_name, found.profile.last_name];
        let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let https = found.pod.scheme() == "https";
        Self { id: found.id, guid: found.guid, key: found.public_key, name, https }
    }
}

/// Everybody an archive speaks of, as far as the target pod knows them.
#[derive(Default)]
pub(super) struct People {
    known: HashMap<DiasporaId, Person>,
    pub(super) keys: Vec<KnownKey>,
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
            id: row.integer(0)?,
            handle: row.text(1)?.parse().ok()?,
            key: row.text(2).and_then(|pem| PublicKey::from_pem(&pem).ok()),
            user: row.integer(3),
            closed: row.boolean(4).unwrap_or(false),
        })
    }
}

impl People {
    /// Looks everybody up.
    pub(super) async fn read<'a>(
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
        // diaspora* stores the new name beside a signature by the old key: any key of the chain may fit.
        for other in moves.chain(id) {
            if let Some(PersonRow { handle, key: Some(key), .. }) = rows.get(&other) {
                let (person, signed_as) = (row.handle.clone(), handle.clone());
                self.keys.push(KnownKey { person, signed_as, key: key.clone() });
            }
        }
    }

    /// Gets to know more people: as this pod knows them, or by asking theirs.
    pub(super) async fn meet(
        &mut self,
        target: &mut Target,
        discovery: &Discovery,
        ids: &HashSet<DiasporaId>,
        journal: Option<&mut Journal>,
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
        self.introduce(target, found, journal).await
    }

    /// Names of people of other pods, as far as they have not moved.
    pub(super) fn unmoved(&self) -> Vec<String> {
        let unmoved = self.known.iter().filter(|(_, person)| person.user.is_none() && !person.has_moved);
        unmoved.map(|(id, _)| id.to_string()).collect()
    }

    /// Notes who somebody is here already: see [`Person::also`].
    pub(super) fn set_pending(&mut self, id: &str, person: i64) {
        if let Some(known) = id.parse::<DiasporaId>().ok().and_then(|id| self.known.get_mut(&id)) {
            known.also = Some(person);
        }
    }

    /// The person with this ID, or who they are now.
    pub(super) fn get(&self, id: &DiasporaId) -> Option<&Person> {
        self.known.get(id)
    }

    /// Adds people who are new to the target pod; in a plan, without writing them.
    pub(super) async fn introduce(
        &mut self,
        target: &mut Target,
        mut people: Vec<NewPerson>,
        mut journal: Option<&mut Journal>,
    ) -> Result<(), ImportError> {
        // Whoever this pod's own people are, this pod knows best.
        let here = target.url.diaspora_host();
        people.retain(|person| person.id.host() != here);
        for chunk in people.chunks(500) {
            if let Some(journal) = journal.as_deref_mut() {
                let intent = |person: &NewPerson| Intent {
                    kind: "people",
                    guid: person.guid.to_string(),
                    previous: None,
                };
                journal.note(chunk.iter().map(intent).collect()).await?;
                target.create_people(chunk).await?;
            }
            let ids: Vec<&str> = chunk.iter().map(|person| person.id.as_str()).collect();
            let sql = "SELECT id, diaspora_handle FROM people WHERE diaspora_handle IN ({})";
            let rows = target.pod.rows_in("people", sql, &ids).await?;
            let mut rows: HashMap<String, i64> =
                rows.iter().filter_map(|row| Some((row.text(1)?, row.integer(0)?))).collect();
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

/// Who of the archive's people the target pod does not know, with what the archive says of them, if that can
/// be trusted.
pub(super) fn strangers(people: &People, described: &BTreeMap<DiasporaId, Described>) -> Vec<NewPerson> {
    described
        .iter()
        .filter(|(id, _)| people.get(id).is_none())
        .filter_map(|(id, described)| {
            let key = PublicKey::from_pem(described.key.as_deref()?).ok()?;
            let name = described.name.clone().filter(|name| name != id.as_str()).unwrap_or_default();
            Some(NewPerson { id: id.clone(), guid: described.guid.clone()?, key, name, https: true })
        })
        .collect()
}

/// Who has moved where, as the target pod knows.
struct Moves {
    next: HashMap<i64, i64>,
    before: HashMap<i64, Vec<i64>>,
}

impl Moves {
    async fn read(target: &mut Target) -> Result<Self, DatabaseError> {
        let sql = "SELECT old_person_id, new_person_id FROM account_migrations".to_owned();
        let mut moves = Self { next: HashMap::new(), before: HashMap::new() };
        for row in target.pod.rows("the account migrations", sql, &[]).await? {
            if let (Some(old), Some(new)) = (row.integer(0), row.integer(1)) {
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

    /// Everybody this person was and is, the person first.
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
            let list = chunk.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let sql = format!("SELECT {COLUMNS} FROM people WHERE id IN ({list})");
            let rows = self.pod.rows("people", sql, &[]).await?;
            people.extend(rows.iter().filter_map(PersonRow::new));
        }
        Ok(people)
    }

    /// Writes people of other pods, with their pods and profiles, as diaspora* does after it has looked
    /// somebody up.
    async fn create_people(&mut self, people: &[NewPerson]) -> Result<(), DatabaseError> {
        let now = self.now;
        let address = |person: &NewPerson| {
            let host = person.id.host();
            let (host, port) = host.split_once(':').unwrap_or((host, "-1"));
            (host.to_owned(), port.parse::<i64>().unwrap_or(-1))
        };
        self.pod.begin().await?;
        let mut pods: BTreeMap<(String, i64), bool> = BTreeMap::new();
        for person in people {
            pods.insert(address(person), person.https);
        }
        let rows = pods
            .iter()
            .map(|((host, port), https)| {
                vec![host.as_str().into(), (*port).into(), (*https).into(), now.into(), now.into()]
            })
            .collect();
        self.pod
            .insert("pods", &["host", "port", "ssl", "created_at", "updated_at"], rows, Existing::Keep)
            .await?;
        let hosts: Vec<&str> = pods.keys().map(|(host, _)| host.as_str()).collect();
        let found =
            self.pod.rows_in("pods", "SELECT id, host, port FROM pods WHERE host IN ({})", &hosts).await?;
        let pods: HashMap<(String, i64), i64> = found
            .iter()
            .filter_map(|row| Some(((row.text(1)?, row.integer(2).unwrap_or(-1)), row.integer(0)?)))
            .collect();
        let rows = people
            .iter()
            .map(|person| {
                vec![
                    person.id.as_str().into(),
                    person.guid.as_str().into(),
                    person.key.as_pem().into(),
                    pods.get(&address(person)).copied().into(),
                    now.into(),
                    now.into(),
                ]
            })
            .collect();
        let columns =
            ["diaspora_handle", "guid", "serialized_public_key", "pod_id", "created_at", "updated_at"];
        self.pod.insert("people", &columns, rows, Existing::Keep).await?;
        let ids: Vec<&str> = people.iter().map(|person| person.id.as_str()).collect();
        let sql = "SELECT p.id, p.diaspora_handle FROM people p LEFT JOIN profiles f ON f.person_id = p.id \
                   WHERE f.id IS NULL AND p.diaspora_handle IN ({}) ORDER BY p.id";
        let bare = self.pod.rows_in("people", sql, &ids).await?;
        let names: HashMap<&str, &str> =
            people.iter().map(|person| (person.id.as_str(), person.name.as_str())).collect();
        let rows = bare
            .iter()
            .filter_map(|row| {
                let name = names.get(row.text(1)?.as_str()).copied().unwrap_or_default();
                let (first, last) = parts_of(name);
                let full = format!("{first} {last}").trim().to_lowercase();
                let full: String = full.chars().take(70).collect();
                let person: Value = row.integer(0)?.into();
                Some(vec![person, first.into(), last.into(), full.into(), now.into(), now.into()])
            })
            .collect();
        let columns = ["person_id", "first_name", "last_name", "full_name", "created_at", "updated_at"];
        self.pod.insert("profiles", &columns, rows, Existing::Refuse).await?;
        self.pod.commit().await
    }
}

/// A display name as first and last name, of which diaspora* takes 32 characters each and no semicolon.
fn parts_of(name: &str) -> (String, String) {
    let name: String = name.chars().filter(|c| *c != ';').collect();
    let cut = |part: &str| part.trim().chars().take(MAX_NAME).collect::<String>().trim_end().to_owned();
    if name.chars().count() <= MAX_NAME {
        return (cut(&name), String::new());
    }
    let fits = |(place, _): &(usize, char)| {
        name.get(..*place).is_some_and(|first| first.chars().count() <= MAX_NAME)
            && name.get(*place..).is_some_and(|last| last.trim().chars().count() <= MAX_NAME)
    };
    let spaces = name.char_indices().filter(|(_, c)| *c == ' ');
    let place = spaces.filter(fits).map(|(place, _)| place).next_back();
    match place.and_then(|place| name.split_at_checked(place)) {
        Some((first, last)) => (cut(first), cut(last)),
        None => (cut(&name), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::parts_of;

    #[test]
    fn long_names_are_first_and_last_names() {
        let parts = |name: &str| {
            let (first, last) = parts_of(name);
            format!("{first}|{last}")
        };
        assert_eq!(parts("Ann B"), "Ann B|");
        assert_eq!(
            parts("Anneliese-Margarethe von Hohenstaufen zu Lichtenberg"),
            "Anneliese-Margarethe von|Hohenstaufen zu Lichtenberg"
        );
        assert_eq!(parts(&"x".repeat(40)), format!("{}|", "x".repeat(32)));
        assert_eq!(parts(" ; "), "|");
    }
}
