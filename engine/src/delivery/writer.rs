//! The only writer while deliveries are sent.
//!
//! All tasks send their writes to one channel and wait until they are on disk. Requests that have arrived meanwhile
//! are written in one transaction, so a thousand pods at once do not mean a thousand disk flushes.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, oneshot};
use url::Url;

use super::records::{DeliveryError, DeliveryState, Kind};
use super::report::{READY_VALUES, ready, time};
use super::schedule::GIVE_UP_AFTER;
use super::system::System;
use super::turn::{TURN_VALUES, its_turn};
use crate::backoff::Backoff;
use crate::store::{Store, StoreError, StoreRow, Transaction, Value};

/// Largest number of requests written in one transaction.
const BATCH: usize = 256;
/// Number of deliveries claimed at once for a pod.
pub(super) const PAGE: usize = 32;
/// Pauses between retries of a failed statement: a database server may be restarting.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));
/// Retries of a failed statement: about half a minute.
const RETRIES: usize = 8;

/// A pod that only this program sends to until the lease expires.
#[derive(Debug)]
pub(super) struct Pod {
    pub(super) name: String,
    /// Number of consecutive failures so far.
    pub(super) failures: i64,
    pub(super) failing_since: Option<DateTime<Utc>>,
    /// Its software; `None` before it was asked.
    pub(super) system: Option<System>,
    /// Its base address, taken from one of its deliveries.
    pub(super) base: Option<Url>,
}

/// The result of leasing pods.
#[derive(Debug, Default)]
pub(super) struct Leased {
    /// Those that no other program leased first.
    pub(super) pods: Vec<Pod>,
    /// Name to continue after; `None` after the last pod.
    pub(super) after: Option<String>,
}

/// A delivery claimed for sending.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) id: i64,
    pub(super) kind: Kind,
    pub(super) attempts: i64,
    pub(super) failing_since: Option<DateTime<Utc>>,
}

/// The result of an attempt.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) id: i64,
    pub(super) kind: Kind,
    pub(super) state: DeliveryState,
    pub(super) next_attempt_at: DateTime<Utc>,
    pub(super) failing_since: Option<DateTime<Utc>>,
    pub(super) status: Option<u16>,
    pub(super) error: Option<String>,
    /// For a move that the pod took: the time it may need to process it.
    pub(super) processing: Option<TimeDelta>,
}

/// News about a pod.
#[derive(Debug)]
pub(super) enum PodHealth {
    /// No news.
    None,
    /// The pod is up.
    Up,
    /// The pod is down: nothing is sent before `retry_at`.
    Down { failures: i64, since: DateTime<Utc>, retry_at: DateTime<Utc>, error: String },
}

/// A write request.
#[derive(Debug)]
pub(super) enum Request {
    /// Leases pods: the first `limit` with a name after `after`.
    Lease { after: String, limit: i64, time: TimeDelta },
    /// Extends a pod's lease.
    Renew { pod: String, time: TimeDelta },
    /// Claims deliveries to a leased pod.
    Claim { pod: String },
    /// Records the result of one.
    Record(Outcome),
    /// Records a pod's software.
    Recognise { pod: String, system: System },
    /// Releases a pod; claimed but unsent deliveries are queued again.
    Release { pod: String, news: PodHealth },
}

/// The response, once written.
#[derive(Debug)]
pub(super) enum Response {
    Leased(Leased),
    Claimed(Vec<Claimed>),
    /// Done, with the number of deliveries given up.
    Done(u64),
}

/// A request and the channel for its response.
#[derive(Debug)]
pub(super) struct Job {
    request: Request,
    now: DateTime<Utc>,
    reply: oneshot::Sender<Response>,
}

/// The writer's sender.
#[derive(Debug)]
pub(super) struct Writer(mpsc::Sender<Job>);

impl Writer {
    pub(super) fn new() -> (Self, mpsc::Receiver<Job>) {
        let (sender, jobs) = mpsc::channel(BATCH);
        (Self(sender), jobs)
    }

    /// Sends a request and waits until it is written. If the writer has failed, the whole work ends, so this never
    /// returns.
    pub(super) async fn ask(&self, request: Request, now: DateTime<Utc>) -> Response {
        let (reply, answer) = oneshot::channel();
        let sent = self.0.send(Job { request, now, reply }).await;
        match (sent, answer.await) {
            (Ok(()), Ok(response)) => response,
            _ => std::future::pending().await,
        }
    }
}

/// Retries a failed database operation a few times.
pub(super) async fn patiently<T, F>(operation: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for pause in BACKOFF.pauses().take(RETRIES) {
        match operation().await {
            Err(StoreError::Statement { .. }) => tokio::time::sleep(pause).await,
            other => return other,
        }
    }
    operation().await
}

/// Writes until all senders are gone.
pub(super) async fn write(
    store: &Store,
    owner: &str,
    mut jobs: mpsc::Receiver<Job>,
) -> Result<(), DeliveryError> {
    let mut batch = Vec::with_capacity(BATCH);
    while jobs.recv_many(&mut batch, BATCH).await > 0 {
        let responses = patiently(|| perform(store, owner, &batch)).await?;
        for (job, response) in batch.drain(..).zip(responses) {
            // The requester may have stopped waiting.
            _ = job.reply.send(response);
        }
    }
    Ok(())
}

async fn perform(store: &Store, owner: &str, batch: &[Job]) -> Result<Vec<Response>, StoreError> {
    let mut transaction = store.begin().await?;
    let mut responses = Vec::with_capacity(batch.len());
    for Job { request, now, .. } in batch {
        let mut turn = Turn { transaction: &mut transaction, owner, now: *now };
        responses.push(match request {
            Request::Lease { after, limit, time } => {
                Response::Leased(turn.lease(after, *limit, *time).await?)
            }
            Request::Renew { pod, time } => turn.renew(pod, *time).await?,
            Request::Claim { pod } => Response::Claimed(turn.claim(pod).await?),
            Request::Record(outcome) => turn.record(outcome).await?,
            Request::Recognise { pod, system } => turn.recognise(pod, *system).await?,
            Request::Release { pod, news } => Response::Done(turn.release(pod, news).await?),
        });
    }
    transaction.commit().await?;
    Ok(responses)
}

/// One request inside the transaction.
struct Turn<'a> {
    transaction: &'a mut Transaction,
    owner: &'a str,
    now: DateTime<Utc>,
}

impl Turn<'_> {
    fn now(&self) -> i64 {
        self.now.timestamp_millis()
    }

    async fn lease(&mut self, after: &str, limit: i64, time: TimeDelta) -> Result<Leased, StoreError> {
        // A lease that ends later than possible was granted before the clock was set back.
        let sql =
            "UPDATE pappus_delivery_pods SET lease_owner = NULL, lease_until = NULL WHERE lease_until > ?";
        let latest = (self.now + time + time).timestamp_millis();
        self.transaction.execute("ending leases", sql, &[latest.into()]).await?;
        let sql = format!("SELECT d.pod {} AND d.pod > ? GROUP BY d.pod ORDER BY d.pod LIMIT ?", ready());
        let mut values = vec![Value::from(self.now()); READY_VALUES];
        values.extend([after.into(), limit.into()]);
        let rows = self.transaction.rows("looking for deliveries", &sql, &values).await?;
        let mut names: Vec<String> = rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
        if names.is_empty() {
            return Ok(Leased::default());
        }
        let pods = self.lease_those(&names, time).await?;
        let more = i64::try_from(names.len()).is_ok_and(|found| found >= limit);
        Ok(Leased { pods, after: names.pop().filter(|_| more) })
    }

    /// Leases those of the pods that no other program has leased meanwhile.
    async fn lease_those(&mut self, names: &[String], time: TimeDelta) -> Result<Vec<Pod>, StoreError> {
        let until = (self.now + time).timestamp_millis();
        let sql = format!(
            "INSERT INTO pappus_delivery_pods AS p (pod, lease_owner, lease_until) VALUES {} \
             ON CONFLICT (pod) DO UPDATE SET lease_owner = excluded.lease_owner, \
             lease_until = excluded.lease_until WHERE p.lease_until IS NULL OR p.lease_until <= ? \
             RETURNING pod, failures, failing_since, system",
            vec!["(?, ?, ?)"; names.len()].join(", ")
        );
        let mut values: Vec<Value<'_>> =
            names.iter().flat_map(|name| [name.into(), self.owner.into(), until.into()]).collect();
        values.push(self.now().into());
        let rows = self.transaction.rows("leasing pods", &sql, &values).await?;
        let mut pods: Vec<Pod> = rows.iter().map(pod).collect::<Result<_, _>>()?;
        if pods.is_empty() {
            return Ok(pods);
        }
        self.add_addresses(&mut pods).await?;
        // Deliveries that a killed program had claimed: the pod is ours now.
        let places = vec!["?"; pods.len()].join(", ");
        let sql = format!(
            "UPDATE pappus_deliveries SET state = 'queued' \
             WHERE state IN ('queued', 'sending') AND state = 'sending' AND pod IN ({places})"
        );
        let values: Vec<Value<'_>> = pods.iter().map(|pod| (&pod.name).into()).collect();
        self.transaction.execute("taking over deliveries", &sql, &values).await?;
        Ok(pods)
    }

    /// Adds base addresses to pods that are to be asked for their software.
    async fn add_addresses(&mut self, pods: &mut [Pod]) -> Result<(), StoreError> {
        let unknown: Vec<&mut Pod> = pods.iter_mut().filter(|pod| pod.system.is_none()).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let places = vec!["?"; unknown.len()].join(", ");
        let sql = format!(
            "SELECT pod, min(url) FROM pappus_deliveries WHERE state IN ('queued', 'sending') \
             AND pod IN ({places}) GROUP BY pod"
        );
        let values: Vec<Value<'_>> = unknown.iter().map(|pod| Value::from(pod.name.clone())).collect();
        let mut bases = HashMap::new();
        for row in self.transaction.rows("looking for addresses", &sql, &values).await? {
            let (pod, url): (String, String) = (row.get(0)?, row.get(1)?);
            bases.insert(pod, Url::parse(&url).ok().and_then(|url| url.join("/").ok()));
        }
        for pod in unknown {
            pod.base = bases.remove(&pod.name).flatten();
        }
        Ok(())
    }

    async fn renew(&mut self, pod: &str, time: TimeDelta) -> Result<Response, StoreError> {
        let until = (self.now + time).timestamp_millis();
        let sql = "UPDATE pappus_delivery_pods SET lease_until = ? WHERE pod = ? AND lease_owner = ?";
        let values = [until.into(), pod.into(), self.owner.into()];
        self.transaction.execute("renewing a lease", sql, &values).await.map(|_| Response::Done(0))
    }

    async fn claim(&mut self, pod: &str) -> Result<Vec<Claimed>, StoreError> {
        let sql = format!(
            "UPDATE pappus_deliveries SET state = 'sending', updated_at = ? WHERE id IN (\
             SELECT d.id FROM pappus_deliveries d LEFT JOIN pappus_delivery_pods p ON p.pod = d.pod \
             WHERE d.state IN ('queued', 'sending') \
             AND d.state = 'queued' AND d.pod = ? AND d.next_attempt_at <= ? AND {} \
             ORDER BY d.attempts, d.kind, d.id LIMIT {PAGE}) \
             RETURNING id, kind, attempts, failing_since",
            its_turn()
        );
        let mut values: Vec<Value<'_>> = vec![self.now().into(), pod.into()];
        values.extend(vec![self.now().into(); 1 + TURN_VALUES]);
        let rows = self.transaction.rows("leasing deliveries", &sql, &values).await?;
        let mut page: Vec<Claimed> = rows.iter().map(claimed).collect::<Result<_, _>>()?;
        page.sort_by_key(|claimed| (claimed.attempts, claimed.kind, claimed.id));
        Ok(page)
    }

    async fn record(&mut self, outcome: &Outcome) -> Result<Response, StoreError> {
        let sql = "UPDATE pappus_deliveries SET state = ?, attempts = attempts + 1, next_attempt_at = ?, \
                   failing_since = ?, last_status = ?, last_error = ?, updated_at = ? \
                   WHERE id = ? AND state = 'sending'";
        let values = [
            outcome.state.as_str().into(),
            outcome.next_attempt_at.timestamp_millis().into(),
            outcome.failing_since.map(|since| since.timestamp_millis()).into(),
            outcome.status.map(i64::from).into(),
            outcome.error.as_deref().into(),
            self.now().into(),
            outcome.id.into(),
        ];
        let recorded = self.transaction.execute("recording a delivery", sql, &values).await?;
        let unreached = matches!(outcome.state, DeliveryState::Rejected | DeliveryState::Dead);
        if recorded > 0 && outcome.kind == Kind::AccountMigration {
            if let Some(processing) = outcome.processing {
                self.told(outcome, processing).await?;
            } else if unreached {
                return self.give_up_what_waits_for(outcome).await.map(Response::Done);
            }
        }
        Ok(Response::Done(0))
    }

    /// Records that the pod took a move: starts the time for processing it. Idempotent.
    async fn told(&mut self, outcome: &Outcome, processing: TimeDelta) -> Result<(), StoreError> {
        let sql = "INSERT INTO pappus_move_pods (import_id, pod, told_at, opens_at) \
                   SELECT import_id, pod, CAST(? AS BIGINT), CAST(? AS BIGINT) FROM pappus_deliveries WHERE id = ? \
                   ON CONFLICT DO NOTHING";
        let opens_at = (self.now + processing).timestamp_millis();
        let values = [self.now().into(), opens_at.into(), outcome.id.into()];
        self.transaction.execute("recording that a pod took a move", sql, &values).await.map(drop)
    }

    /// Gives up what waits for a move that the pod refused: without the move it would do harm there.
    async fn give_up_what_waits_for(&mut self, outcome: &Outcome) -> Result<u64, StoreError> {
        let sql = "UPDATE pappus_deliveries SET state = ?, last_error = ?, updated_at = ? \
                   WHERE state = 'queued' AND kind IN ('contact', 'profile') \
                   AND (import_id, pod) IN (SELECT import_id, pod FROM pappus_deliveries WHERE id = ?) \
                   AND NOT EXISTS (SELECT 1 FROM pappus_move_pods m \
                   WHERE m.import_id = pappus_deliveries.import_id AND m.pod = pappus_deliveries.pod) \
                   AND NOT EXISTS (SELECT 1 FROM pappus_delivery_pods p WHERE p.pod = pappus_deliveries.pod \
                   AND p.system IN ('hubzilla', 'friendica', 'socialhome'))";
        let error =
            format!("the pod did not take the move: {}", outcome.error.as_deref().unwrap_or("no answer"));
        let values = [outcome.state.as_str().into(), error.into(), self.now().into(), outcome.id.into()];
        self.transaction.execute("giving up what waits for a move", sql, &values).await
    }

    async fn recognise(&mut self, pod: &str, system: System) -> Result<Response, StoreError> {
        let sql = "UPDATE pappus_delivery_pods SET system = ? WHERE pod = ? AND lease_owner = ?";
        let values = [system.as_str().into(), pod.into(), self.owner.into()];
        self.transaction.execute("recording what a pod runs", sql, &values).await.map(|_| Response::Done(0))
    }

    async fn release(&mut self, pod: &str, news: &PodHealth) -> Result<u64, StoreError> {
        let mut set = "lease_owner = NULL, lease_until = NULL".to_owned();
        let mut values: Vec<Value<'_>> = Vec::new();
        match news {
            PodHealth::None => {}
            PodHealth::Up => {
                set += ", failures = 0, failing_since = NULL, retry_at = NULL, last_error = NULL";
            }
            PodHealth::Down { failures, since, retry_at, error } => {
                set += ", failures = ?, failing_since = ?, retry_at = ?, last_error = ?";
                let (since, retry_at) = (since.timestamp_millis(), retry_at.timestamp_millis());
                values.extend([(*failures).into(), since.into(), retry_at.into(), error.into()]);
            }
        }
        values.extend([pod.into(), self.owner.into()]);
        let sql = format!("UPDATE pappus_delivery_pods SET {set} WHERE pod = ? AND lease_owner = ?");
        if self.transaction.execute("releasing a pod", &sql, &values).await? == 0 {
            // The lease had expired, and another program works on the pod.
            return Ok(0);
        }
        let sql = "UPDATE pappus_deliveries SET state = 'queued' \
                   WHERE state IN ('queued', 'sending') AND state = 'sending' AND pod = ?";
        self.transaction.execute("releasing deliveries", sql, &[pod.into()]).await?;
        match news {
            PodHealth::Down { since, error, .. } if *since + GIVE_UP_AFTER <= self.now => {
                self.give_up(pod, error).await
            }
            _ => Ok(0),
        }
    }

    /// Gives up deliveries to a pod that was unreachable for four weeks, if they waited as long.
    async fn give_up(&mut self, pod: &str, error: &str) -> Result<u64, StoreError> {
        let sql = "UPDATE pappus_deliveries SET state = 'dead', last_error = ?, updated_at = ? \
                   WHERE state IN ('queued', 'sending') AND state = 'queued' AND pod = ? AND queued_at <= ?";
        let before = (self.now - GIVE_UP_AFTER).timestamp_millis();
        let values = [error.into(), self.now().into(), pod.into(), before.into()];
        self.transaction.execute("giving up deliveries", sql, &values).await
    }
}

fn pod(row: &StoreRow) -> Result<Pod, StoreError> {
    let system: Option<String> = row.get(3)?;
    Ok(Pod {
        name: row.get(0)?,
        failures: row.get(1)?,
        failing_since: row.get::<Option<i64>>(2)?.map(time),
        system: system.as_deref().and_then(|name| name.parse().ok()),
        base: None,
    })
}

fn claimed(row: &StoreRow) -> Result<Claimed, StoreError> {
    Ok(Claimed {
        id: row.get(0)?,
        kind: row.named(1)?,
        attempts: row.get(2)?,
        failing_since: row.get::<Option<i64>>(3)?.map(time),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_database_that_comes_back_is_waited_for() {
        let tries = AtomicUsize::new(0);
        let once = || async {
            match tries.fetch_add(1, Ordering::SeqCst) {
                0 => Err(StoreError::Statement { what: "writing", reason: "shutting down".to_owned() }),
                tries => Ok(tries),
            }
        };
        assert_eq!(patiently(once).await.unwrap(), 1);
        let never = || async { Err::<(), _>(StoreError::Random) };
        assert!(matches!(patiently(never).await, Err(StoreError::Random)));
    }
}
