//! Friends of a moved account who are back: the target pod knows that they share with the new identity.
//!
//! After a diaspora* pod has processed a move, each of its users who shares with the account sends the new identity a
//! Contact (their *echo*, `AccountMigration#dispatch_contacts`); the target pod records it in `contacts.sharing`.
//! Nothing else outside of that pod shows that it has processed the move.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::TargetPod;
use super::missing::BACK_AT;
use super::needless::{record_ended_contacts, record_needless_contacts};
use super::processed::{PRECISION_MILLIS, record_pods};
use crate::delivery::ledger::Ledger;
use crate::delivery::records::{AdvisedFriend, DeliveryError, Friends, Scope, UnreachableAccount};
use crate::delivery::system::System;
use crate::delivery::turn::WITHOUT_ECHO;
use crate::domain::DiasporaId;
use crate::pod::database::{DatabaseError, PodWriter};
use crate::sql::{Row, Value, placeholders};
use crate::store::{Store, StoreError, StoreRow, Transaction, time};

/// Time after the announcement during which the target pod is checked for friends.
const WATCHED_FOR: TimeDelta = TimeDelta::weeks(6);
/// Largest number of names in one statement.
pub(super) const BATCH_NAMES: usize = 500;

/// A person who knew the account on its old pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPerson {
    /// The person's diaspora* ID.
    pub person: DiasporaId,
    /// The person's pod, as deliveries name it.
    pub pod: String,
    /// True if the person and the account shared both ways.
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
    /// Records for all moves to this pod which friends are back. Pods with enough of them have processed the move,
    /// and get the remaining deliveries after `settle`. Contacts to people who came back with the move, or with whom
    /// the account no longer shares, are no longer needed.
    ///
    /// # Errors
    /// [`DeliveryError`] if either database fails. Each move is recorded completely or not at all; the next check
    /// records the others.
    pub async fn record_friends(
        &self,
        store: &Store,
        now: DateTime<Utc>,
        settle: TimeDelta,
    ) -> Result<(), DeliveryError> {
        let moves = watched_moves(store, &self.url, now).await?;
        if moves.is_empty() {
            return Ok(());
        }
        let mut pod = PodWriter::open_read_only(&self.database).await?;
        for (import, user) in moves {
            let relations = Relations::read(&mut pod, user).await?;
            record_back(store, &import, &relations, now, settle).await?;
        }
        Ok(())
    }
}

/// Returns the announced imports with people who are not back yet, or with unsent messages, each with the account's
/// `users.id`.
async fn watched_moves(
    store: &Store,
    pod_url: &str,
    now: DateTime<Utc>,
) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "SELECT v.import_id, v.user_id FROM pappus_moves v JOIN pappus_imports i ON i.id = v.import_id \
               WHERE i.pod_url = ? AND v.user_id IS NOT NULL AND ((COALESCE(v.seen_at, ?) > ? \
               AND EXISTS (SELECT 1 FROM pappus_move_people f WHERE f.import_id = v.import_id AND f.back_at IS NULL)) \
               OR EXISTS (SELECT 1 FROM pappus_deliveries d WHERE d.import_id = v.import_id \
               AND d.kind IN ('contact', 'profile') AND d.state IN ('queued', 'sending'))) ORDER BY v.import_id";
    let (now, since) = (now.timestamp_millis(), (now - WATCHED_FOR).timestamp_millis());
    let rows = store.rows("looking for moves", sql, &[pod_url.into(), now.into(), since.into()]).await?;
    rows.iter().map(|row| Ok((row.get("import_id")?, row.get("user_id")?))).collect()
}

/// An account's relations to others, as the target pod has them.
pub(super) struct Relations {
    /// People who share with the account, with the latest possible time since which they do. Some databases of pods
    /// store whole seconds only.
    back: BTreeMap<String, Option<DateTime<Utc>>>,
    /// Former IDs in `back`, of people who share with the account under the ID that they have moved to.
    moved: BTreeSet<String>,
    /// People with whom the account shares.
    pub(super) receiving: BTreeSet<String>,
    /// People whom the account ignores.
    pub(super) ignored: BTreeSet<String>,
}

impl Relations {
    /// Reads the relations of a user.
    async fn read(pod: &mut PodWriter, user: i64) -> Result<Self, DatabaseError> {
        let sql = format!(
            "SELECT p.diaspora_handle, c.updated_at, c.sharing, c.receiving FROM contacts c \
             JOIN people p ON p.id = c.person_id WHERE c.user_id = {user}"
        );
        let contacts = pod.rows("the account's contacts", sql, &[]).await?;
        let sql = format!(
            "SELECT p.diaspora_handle FROM blocks b JOIN people p ON p.id = b.person_id WHERE b.user_id = {user}"
        );
        let blocks = pod.rows("people whom the account ignores", sql, &[]).await?;
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

    /// Returns the former IDs of people who share with a user under another ID: in the ledger they have the ID that
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

/// Records which people of an import are back, in one transaction.
async fn record_back(
    store: &Store,
    import: &str,
    relations: &Relations,
    now: DateTime<Utc>,
    settle: TimeDelta,
) -> Result<(), StoreError> {
    let names: Vec<&str> = relations.back.keys().map(String::as_str).collect();
    let mut transaction = store.begin().await?;
    for chunk in names.chunks(BATCH_NAMES) {
        record_people(&mut transaction, import, chunk, relations, now).await?;
    }
    record_pods(&mut transaction, import, now, settle).await?;
    for chunk in names.chunks(BATCH_NAMES) {
        record_needless_contacts(&mut transaction, import, chunk, now).await?;
    }
    record_ended_contacts(&mut transaction, import, relations, now).await?;
    transaction.commit().await
}

/// Records the times at which people came back. People who shared before their pod accepted the move added the
/// account manually, which proves nothing about the move: their time is recorded as before that of the move. The same
/// applies to people who share from another pod, to which they have moved.
async fn record_people(
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
        let accepted_at = row.get::<Option<i64>>("told_at")?.unwrap_or(i64::MAX);
        let since = relations.back.get(&person).copied().flatten().map_or(now, |at| at.timestamp_millis());
        let is_echo =
            accepted_at < since.saturating_add(PRECISION_MILLIS) && !relations.moved.contains(&person);
        let at =
            if is_echo { since.min(now).max(accepted_at) } else { since.min(accepted_at - PRECISION_MILLIS) };
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
    /// [`StoreError::Statement`].
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
        for chunk in people.chunks(BATCH_NAMES / 4) {
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
            self.store.execute("registering people who know the account", &sql, &values).await?;
        }
        Ok(())
    }

    /// Counts friends, and those who are back: they and the account share both ways again.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn friends(&self, scope: Scope<'_>) -> Result<Friends, StoreError> {
        let (condition, values) = scope.people_condition();
        let sql = format!(
            "SELECT count(*) AS friends, count({BACK_AT}) AS friends_back FROM pappus_move_people f \
             JOIN pappus_imports i ON i.id = f.import_id WHERE f.is_friend = 1 AND {condition}"
        );
        let row = self.store.first("counting friends", &sql, &values).await?;
        row.map_or(Ok(Friends::default()), |row| {
            Ok(Friends { all: row.get("friends")?, back: row.get("friends_back")? })
        })
    }

    /// Returns friends who are not back and have to take steps themselves because of their pod's software: by account,
    /// system and name, at most `limit` that come after `after`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn advised_friends(
        &self,
        scope: Scope<'_>,
        after: Option<&AdvisedFriend>,
        limit: u32,
    ) -> Result<Vec<AdvisedFriend>, StoreError> {
        let (condition, mut values) = scope.people_condition();
        let sql = format!(
            "SELECT i.old_id, p.system, f.person FROM pappus_move_people f \
             JOIN pappus_imports i ON i.id = f.import_id JOIN pappus_delivery_pods p ON p.pod = f.pod \
             WHERE f.is_friend = 1 AND f.back_at IS NULL AND p.system IN {WITHOUT_ECHO} \
             AND {condition} AND (i.old_id, p.system, f.person) > (?, ?, ?) ORDER BY 1, 2, 3 LIMIT ?"
        );
        let [account, system, person] = after
            .map_or([""; 3], |after| [after.account.as_str(), after.system.as_str(), after.person.as_str()]);
        values.extend([account.into(), system.into(), person.into(), i64::from(limit).into()]);
        let rows = self.store.rows("listing friends who have to take steps", &sql, &values).await?;
        let friend = |row: &StoreRow| {
            let system: String = row.get("system")?;
            let system = system.parse().unwrap_or(System::Unknown);
            Ok(AdvisedFriend { account: row.get("old_id")?, system, person: row.get("person")? })
        };
        rows.iter().map(friend).collect()
    }

    /// Returns the new accounts that are not reachable from outside; their moves wait.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unreachable_accounts(&self) -> Result<Vec<UnreachableAccount>, StoreError> {
        let sql = "SELECT new_id, problem, next_look_at FROM pappus_moves \
                   WHERE seen_at IS NULL AND problem IS NOT NULL AND new_id IS NOT NULL ORDER BY new_id";
        let rows = self.store.rows("looking for moves that wait", sql, &[]).await?;
        let account = |row: &StoreRow| {
            Ok(UnreachableAccount {
                new_id: row.get("new_id")?,
                problem: row.get("problem")?,
                next_check_at: time(row.get("next_look_at")?),
            })
        };
        rows.iter().map(account).collect()
    }
}
