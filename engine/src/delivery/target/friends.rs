//! Friends who are back: those of a moved account who share with its new identity, as the target pod sees it.
//!
//! After a diaspora* pod has processed a move, each of its users who shares with the account sends the new identity a
//! Contact (their *echo*, `AccountMigration#dispatch_contacts`); the target pod records it in `contacts.sharing`. It
//! is the only outside sign that the move has been processed there.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::TargetPod;
use super::missing::BACK_AT;
use super::needless::{note_ended_contacts, note_needless_contacts};
use super::processed::{PRECISION, note_pods};
use crate::delivery::ledger::Ledger;
use crate::delivery::records::{DeliveryError, Elsewhere, Friends, Scope, Unseen};
use crate::delivery::system::System;
use crate::delivery::turn::WITHOUT_ECHO;
use crate::domain::DiasporaId;
use crate::pod::database::{DatabaseError, PodWriter};
use crate::sql::{Row, Value, placeholders};
use crate::store::{Store, StoreError, StoreRow, Transaction, time};

/// Time after the announcement during which friends are looked for.
const LOOKED_FOR: TimeDelta = TimeDelta::weeks(6);
/// Largest number of names in one statement.
pub(super) const NAMES: usize = 500;

/// A person who knew the account on its old pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPerson {
    /// The person's diaspora* ID.
    pub person: DiasporaId,
    /// The person's pod, as deliveries name it.
    pub pod: String,
    /// The person and the account shared both ways.
    pub is_friend: bool,
}

/// The new identity, which must be reachable before anybody is notified of a move.
#[derive(Debug, Clone)]
pub struct NewIdentity {
    /// diaspora* ID.
    pub id: String,
    /// GUID.
    pub guid: String,
    /// Public key, PEM.
    pub public_key: String,
    /// `users.id` on the target pod.
    pub user: i64,
}

impl TargetPod {
    /// Records who is back, for all moves to this pod: friends are counted, pods where enough are back have
    /// processed the move and get the rest after `settle`, and Contacts to people who are back with it, or with whom the
    /// account has stopped sharing, are no longer needed.
    ///
    /// # Errors
    /// [`DeliveryError`] if either database fails; nothing is recorded partially, and the next look sees the same.
    pub async fn record_friends(
        &self,
        store: &Store,
        now: DateTime<Utc>,
        settle: TimeDelta,
    ) -> Result<(), DeliveryError> {
        let watched = watched(store, &self.url, now).await?;
        if watched.is_empty() {
            return Ok(());
        }
        let mut pod = PodWriter::open_read_only(&self.database).await?;
        for (import, user) in watched {
            let relations = Relations::read(&mut pod, user).await?;
            note(store, &import, &relations, now, settle).await?;
        }
        Ok(())
    }
}

/// Returns the announced imports with people who are not back yet, or with messages that wait for them, with the account's
/// `users.id`.
async fn watched(store: &Store, pod_url: &str, now: DateTime<Utc>) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "SELECT v.import_id, v.user_id FROM pappus_moves v JOIN pappus_imports i ON i.id = v.import_id \
               WHERE i.pod_url = ? AND v.user_id IS NOT NULL AND ((COALESCE(v.seen_at, ?) > ? \
               AND EXISTS (SELECT 1 FROM pappus_move_people f WHERE f.import_id = v.import_id AND f.back_at IS NULL)) \
               OR EXISTS (SELECT 1 FROM pappus_deliveries d WHERE d.import_id = v.import_id \
               AND d.kind IN ('contact', 'profile') AND d.state IN ('queued', 'sending'))) ORDER BY v.import_id";
    let (at, since) = (now.timestamp_millis(), (now - LOOKED_FOR).timestamp_millis());
    let rows = store.rows("looking for moves", sql, &[pod_url.into(), at.into(), since.into()]).await?;
    rows.iter().map(|row| Ok((row.get("import_id")?, row.get("user_id")?))).collect()
}

/// An account's relations to others, as the target pod has them.
pub(super) struct Relations {
    /// Everyone who shares with the account, and the latest time it can have started; times are as exact as the pod's
    /// database stores them, some only to the second.
    back: BTreeMap<String, Option<DateTime<Utc>>>,
    /// Former IDs in `back`, of people who share with the account under the ID that they have moved to.
    moved: BTreeSet<String>,
    /// Everyone whom the account shares with.
    pub(super) receiving: BTreeSet<String>,
    /// Everyone whom the account ignores.
    pub(super) ignored: BTreeSet<String>,
}

impl Relations {
    /// Reads those of a user.
    async fn read(pod: &mut PodWriter, user: i64) -> Result<Self, DatabaseError> {
        let sql = format!(
            "SELECT p.diaspora_handle, c.updated_at, c.sharing, c.receiving FROM contacts c \
             JOIN people p ON p.id = c.person_id WHERE c.user_id = {user}"
        );
        let contacts = pod.rows("the account's contacts", sql, &[]).await?;
        let sql = format!(
            "SELECT p.diaspora_handle FROM blocks b JOIN people p ON p.id = b.person_id WHERE b.user_id = {user}"
        );
        let blocks = pod.rows("whom the account ignores", sql, &[]).await?;
        let (mut back, mut receiving) = (BTreeMap::new(), BTreeSet::new());
        for row in &contacts {
            let Some(person) = row.text("diaspora_handle") else { continue };
            if row.boolean("receiving") == Some(true) {
                receiving.insert(person.clone());
            }
            if row.boolean("sharing") == Some(true) {
                back.insert(person, row.time("updated_at").map(|at| at.to_utc().and_utc()));
            }
        }
        let mut moved = BTreeSet::new();
        for row in &Self::moved_contacts(pod, user).await? {
            let Some(person) = row.text("diaspora_handle") else { continue };
            if let Entry::Vacant(vacant) = back.entry(person) {
                moved.insert(vacant.key().clone());
                vacant.insert(row.time("updated_at").map(|at| at.to_utc().and_utc()));
            }
        }
        let ignored = blocks.iter().filter_map(|row| row.text("diaspora_handle")).collect();
        Ok(Self { back, moved, receiving, ignored })
    }

    /// Returns the former IDs of people who share with a user under another one: the ledger has them under the ID that
    /// they had when the move was announced.
    async fn moved_contacts(pod: &mut PodWriter, user: i64) -> Result<Vec<Row>, DatabaseError> {
        let sql = format!(
            "SELECT o.diaspora_handle, c.updated_at FROM account_migrations m \
             JOIN people o ON o.id = m.old_person_id JOIN contacts c ON c.person_id = m.new_person_id \
             WHERE c.user_id = {user} AND c.sharing"
        );
        pod.rows("contacts who have moved", sql, &[]).await
    }
}

/// Records who is back, in one transaction.
async fn note(
    store: &Store,
    import: &str,
    relations: &Relations,
    now: DateTime<Utc>,
    settle: TimeDelta,
) -> Result<(), StoreError> {
    let names: Vec<&str> = relations.back.keys().map(String::as_str).collect();
    let mut transaction = store.begin().await?;
    for chunk in names.chunks(NAMES) {
        note_people(&mut transaction, import, chunk, relations, now).await?;
    }
    note_pods(&mut transaction, import, now, settle).await?;
    for chunk in names.chunks(NAMES) {
        note_needless_contacts(&mut transaction, import, chunk, now).await?;
    }
    note_ended_contacts(&mut transaction, import, relations, now).await?;
    transaction.commit().await
}

/// Records the time at which people came back. Whoever shared before their pod took the move
/// did so by hand, which says nothing about the move: their time is before that of the move. Nor does it if they share from
/// another pod, which they have moved to.
async fn note_people(
    transaction: &mut Transaction,
    import: &str,
    names: &[&str],
    relations: &Relations,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let places = placeholders(names.len());
    let sql = format!(
        "SELECT f.person, m.told_at FROM pappus_move_people f LEFT JOIN pappus_move_pods m \
         ON m.import_id = f.import_id AND m.pod = f.pod \
         WHERE f.import_id = ? AND f.back_at IS NULL AND f.person IN ({places})"
    );
    let mut values: Vec<Value<'_>> = vec![import.into()];
    values.extend(names.iter().map(|name| Value::from(*name)));
    let now = now.timestamp_millis();
    let mut by_time: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for row in transaction.rows("looking for people who are back", &sql, &values).await? {
        let person: String = row.get("person")?;
        let told_at = row.get::<Option<i64>>("told_at")?.unwrap_or(i64::MAX);
        let since = relations.back.get(&person).copied().flatten().map_or(now, |at| at.timestamp_millis());
        let is_echo = told_at < since.saturating_add(PRECISION) && !relations.moved.contains(&person);
        let at = if is_echo { since.min(now).max(told_at) } else { since.min(told_at - PRECISION) };
        by_time.entry(at).or_default().push(person);
    }
    for (at, people) in &by_time {
        let places = placeholders(people.len());
        let sql =
            format!("UPDATE pappus_move_people SET back_at = ? WHERE import_id = ? AND person IN ({places})");
        let mut values: Vec<Value<'_>> = vec![(*at).into(), import.into()];
        values.extend(people.iter().map(Value::from));
        transaction.execute("recording who is back", &sql, &values).await?;
    }
    Ok(())
}

impl Ledger {
    /// Registers a move that is being announced: the new identity, and the people who knew the account. Idempotent.
    ///
    /// # Errors
    /// The store's failure.
    pub async fn register(
        &self,
        import: &str,
        identity: &NewIdentity,
        people: &[KnownPerson],
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO pappus_moves (import_id, new_id, guid, public_key, user_id) VALUES (?, ?, ?, ?, ?) \
                   ON CONFLICT (import_id) DO UPDATE SET new_id = excluded.new_id, guid = excluded.guid, \
                   public_key = excluded.public_key, user_id = excluded.user_id";
        let values = [
            import.into(),
            (&identity.id).into(),
            (&identity.guid).into(),
            (&identity.public_key).into(),
            identity.user.into(),
        ];
        self.store.execute("registering the move", sql, &values).await?;
        for chunk in people.chunks(NAMES / 4) {
            let places = vec!["(?, ?, ?, ?)"; chunk.len()].join(", ");
            let sql = format!(
                "INSERT INTO pappus_move_people (import_id, person, pod, is_friend) VALUES {places} \
                 ON CONFLICT DO NOTHING"
            );
            let values: Vec<Value<'_>> = chunk
                .iter()
                .flat_map(|known| {
                    [
                        import.into(),
                        known.person.as_str().into(),
                        (&known.pod).into(),
                        i64::from(known.is_friend).into(),
                    ]
                })
                .collect();
            self.store.execute("registering who knows the account", &sql, &values).await?;
        }
        Ok(())
    }

    /// Counts friends, and those who are back: sharing both ways again.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn friends(&self, scope: Scope<'_>) -> Result<Friends, StoreError> {
        let (condition, values) = scope.of_people();
        let sql = format!(
            "SELECT count(*) AS friends, count({BACK_AT}) AS friends_back FROM pappus_move_people f \
             JOIN pappus_imports i ON i.id = f.import_id WHERE f.is_friend = 1 AND {condition}"
        );
        let row = self.store.first("counting friends", &sql, &values).await?;
        row.map_or(Ok(Friends::default()), |row| {
            Ok(Friends { all: row.get("friends")?, back: row.get("friends_back")? })
        })
    }

    /// Returns friends who have to act themselves because of their pod's software, and are not back: by account,
    /// system and name, at most `limit` that come after `after`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn elsewhere(
        &self,
        scope: Scope<'_>,
        after: Option<&Elsewhere>,
        limit: u32,
    ) -> Result<Vec<Elsewhere>, StoreError> {
        let (condition, mut values) = scope.of_people();
        let sql = format!(
            "SELECT i.old_id, p.system, f.person FROM pappus_move_people f \
             JOIN pappus_imports i ON i.id = f.import_id JOIN pappus_delivery_pods p ON p.pod = f.pod \
             WHERE f.is_friend = 1 AND f.back_at IS NULL AND p.system IN {WITHOUT_ECHO} \
             AND {condition} AND (i.old_id, p.system, f.person) > (?, ?, ?) ORDER BY 1, 2, 3 LIMIT ?"
        );
        let [account, system, person] = after
            .map_or([""; 3], |after| [after.account.as_str(), after.system.as_str(), after.person.as_str()]);
        values.extend([account.into(), system.into(), person.into(), i64::from(limit).into()]);
        let rows = self.store.rows("listing friends elsewhere", &sql, &values).await?;
        let elsewhere = |row: &StoreRow| {
            let system: String = row.get("system")?;
            let system = system.parse().unwrap_or(System::Unknown);
            Ok(Elsewhere { account: row.get("old_id")?, system, person: row.get("person")? })
        };
        rows.iter().map(elsewhere).collect()
    }

    /// Returns the moves that wait because the new account is not reachable from outside.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unseen(&self) -> Result<Vec<Unseen>, StoreError> {
        let sql = "SELECT new_id, problem, next_look_at FROM pappus_moves \
                   WHERE seen_at IS NULL AND problem IS NOT NULL AND new_id IS NOT NULL ORDER BY new_id";
        let rows = self.store.rows("looking for moves that wait", sql, &[]).await?;
        let unseen = |row: &StoreRow| {
            Ok(Unseen {
                new_id: row.get("new_id")?,
                problem: row.get("problem")?,
                next_look_at: time(row.get("next_look_at")?),
            })
        };
        rows.iter().map(unseen).collect()
    }
}
