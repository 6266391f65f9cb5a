//! People who have moved: their earlier IDs and keys, which may have signed records that now carry the new ID.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::domain::{DiasporaId, PublicKey, VerifyingKey};
use crate::pod::database::Snapshot;
use crate::pod::reader::ReadError;
use crate::pod::reader::notes::normalized_id;
use crate::pod::reader::source::Source;
use crate::sql::id_list;

/// The most moves followed back; a longer chain is a loop or forged.
const MAX_CHAIN: usize = 16;

/// The earlier identities of everyone who moved, by `people.id`.
pub(in crate::pod::reader) struct Moves {
    predecessors: HashMap<i64, Vec<i64>>,
}

/// Moves, with IDs and keys of the people concerned.
pub(in crate::pod::reader) struct Migrations {
    moves: Arc<Moves>,
    people: HashMap<i64, Identity>,
}

/// A person's diaspora* ID and key at one time.
pub(in crate::pod::reader) struct Identity {
    pub(in crate::pod::reader) id: DiasporaId,
    pub(in crate::pod::reader) key: Option<VerifyingKey>,
    pub(in crate::pod::reader) is_local: bool,
}

impl Moves {
    /// Reads all moves.
    pub(in crate::pod::reader) async fn read(snapshot: &mut Snapshot) -> Result<Arc<Self>, ReadError> {
        let sql = "SELECT new_person_id, old_person_id FROM account_migrations ORDER BY id".to_owned();
        let mut predecessors: HashMap<i64, Vec<i64>> = HashMap::new();
        for row in snapshot.rows("the account migrations", sql, &[]).await? {
            if let (Some(new_person), Some(old_person)) =
                (row.integer("new_person_id"), row.integer("old_person_id"))
            {
                predecessors.entry(new_person).or_default().push(old_person);
            }
        }
        Ok(Arc::new(Self { predecessors }))
    }

    /// Returns a person's earlier identities, latest first.
    pub(in crate::pod::reader) fn earlier_identities(&self, person: i64) -> Vec<i64> {
        let mut earlier = Vec::new();
        let mut next = vec![person];
        while let Some(person) = next.pop() {
            for old in self.predecessors.get(&person).into_iter().flatten() {
                if earlier.len() < MAX_CHAIN && !earlier.contains(old) {
                    earlier.push(*old);
                    next.push(*old);
                }
            }
        }
        earlier
    }
}

impl Migrations {
    /// Reads the moves that concern these authors.
    pub(in crate::pod::reader) async fn read(
        source: &mut Source<'_>,
        authors: &HashSet<i64>,
    ) -> Result<Self, ReadError> {
        let mut migrations = Self { moves: source.moves().await?, people: HashMap::new() };
        let mut people: Vec<i64> = authors
            .iter()
            .flat_map(|author| {
                let earlier = migrations.earlier_identities(*author);
                if earlier.is_empty() { Vec::new() } else { [vec![*author], earlier].concat() }
            })
            .collect();
        people.sort_unstable();
        people.dedup();
        for chunk in people.chunks(crate::pod::reader::PAGE) {
            migrations.read_people(source.snapshot, chunk).await?;
        }
        Ok(migrations)
    }

    async fn read_people(&mut self, snapshot: &mut Snapshot, people: &[i64]) -> Result<(), ReadError> {
        let sql = format!(
            "SELECT id, diaspora_handle, serialized_public_key, owner_id FROM people WHERE id IN ({})",
            id_list(people)
        );
        for row in snapshot.rows("people who have moved", sql, &[]).await? {
            let id = row.text("diaspora_handle").and_then(|id| normalized_id(&id).parse().ok());
            if let (Some(person), Some(id)) = (row.integer("id"), id) {
                let pem = row.text("serialized_public_key").unwrap_or_default();
                let key = PublicKey::from_pem(&pem).and_then(|key| key.verifying_key()).ok();
                self.people.insert(person, Identity { id, key, is_local: !row.is_null("owner_id") });
            }
        }
        Ok(())
    }

    /// Returns a person's earlier identities, latest first.
    pub(in crate::pod::reader) fn earlier_identities(&self, person: i64) -> Vec<i64> {
        self.moves.earlier_identities(person)
    }

    /// Returns the ID and key of a person involved in a move.
    pub(in crate::pod::reader) fn identity(&self, person: i64) -> Option<&Identity> {
        self.people.get(&person)
    }

    /// Returns these people's earlier identities that were on this pod.
    pub(in crate::pod::reader) fn earlier_local_identities(&self, authors: &HashSet<i64>) -> Vec<i64> {
        let mut people: Vec<i64> = authors
            .iter()
            .flat_map(|author| self.earlier_identities(*author))
            .filter(|person| self.identity(*person).is_some_and(|identity| identity.is_local))
            .collect();
        people.sort_unstable();
        people.dedup();
        people
    }
}
