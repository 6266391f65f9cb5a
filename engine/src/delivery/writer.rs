//! The only writer while deliveries are sent.
//!
//! All tasks send their write requests to one channel and wait until these are on disk. Requests that arrive meanwhile
//! are written in one transaction, so a thousand concurrent pods do not cause a thousand disk flushes.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, oneshot};
use url::Url;

use super::records::{DeliveryError, DeliveryState, Kind};
use super::system::System;
use super::turn::{IS_CURRENT, UNBLOCKED_VALUES, WITHOUT_ECHO, is_unblocked};
use crate::backoff::Backoff;
use crate::sql::Value;
use crate::store::{Store, StoreError, StoreRow, Transaction, time};

/// Largest number of requests written in one transaction.
const BATCH_REQUESTS: usize = 256;
/// Largest number of deliveries of a pod claimed in one request.
pub(super) const PAGE_DELIVERIES: usize = 32;
/// Pauses between retries of a failed statement: a database server may be restarting.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));
/// Retries of a failed statement: about half a minute.
const MAX_RETRIES: usize = 8;

/// A pod leased to this program: no other one sends to it before the lease expires.
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
    /// The pods that no other program leased first.
    pub(super) pods: Vec<Pod>,
    /// Name of the last pod, to continue after it; `None` if there are no further pods.
    pub(super) cursor: Option<String>,
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
    /// For a move that the pod accepted: the time that it gets to process it.
    pub(super) processing_time: Option<TimeDelta>,
}

/// The health of a pod, as far as its answers have changed it.
#[derive(Debug)]
pub(super) enum PodHealth {
    /// As before.
    Unchanged,
    /// The pod is up.
    Up,
    /// The pod is down: nothing is sent before `retry_at`.
    Down { failures: i64, since: DateTime<Utc>, retry_at: DateTime<Utc>, error: String },
}

/// A write request.
#[derive(Debug)]
pub(super) enum Request {
    /// Leases pods: the first `limit` with a name after `cursor`.
    Lease { cursor: String, limit: i64, time: TimeDelta },
    /// Extends a pod's lease.
    Renew { pod: String, time: TimeDelta },
    /// Claims deliveries to a leased pod.
    Claim { pod: String },
    /// Records the result of an attempt.
    Record(Outcome),
    /// Records a pod's software.
    Recognise { pod: String, system: System },
    /// Releases a pod; claimed but unsent deliveries are queued again.
    Release { pod: String, health: PodHealth },
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
        let (sender, jobs) = mpsc::channel(BATCH_REQUESTS);
        (Self(sender), jobs)
    }

    /// Sends a request and waits until it is written. Never returns if the writer has failed, since [`deliver`] then
    /// ends.
    ///
    /// [`deliver`]: super::deliver()
    pub(super) async fn write(&self, request: Request, now: DateTime<Utc>) -> Response {
        let (reply, response) = oneshot::channel();
        let sent = self.0.send(Job { request, now, reply }).await;
        match (sent, response.await) {
            (Ok(()), Ok(response)) => response,
            _ => std::future::pending().await,
        }
    }
}

/// Retries a failed database operation a few times.
pub(super) async fn with_retries<T, F>(operation: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for pause in BACKOFF.pauses().take(MAX_RETRIES) {
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
    let mut batch = Vec::with_capacity(BATCH_REQUESTS);
    while jobs.recv_many(&mut batch, BATCH_REQUESTS).await > 0 {
        let responses = with_retries(|| perform(store, owner, &batch)).await?;
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
        let mut context = WriteContext { transaction: &mut transaction, owner, now: *now };
        responses.push(match request {
            Request::Lease { cursor, limit, time } => {
                Response::Leased(context.lease(cursor, *limit, *time).await?)
            }
            Request::Renew { pod, time } => context.renew(pod, *time).await?,
            Request::Claim { pod } => Response::Claimed(context.claim(pod).await?),
            Request::Record(outcome) => context.record(outcome).await?,
            Request::Recognise { pod, system } => context.recognise(pod, *system).await?,
            Request::Release { pod, health } => Response::Done(context.release(pod, health).await?),
        });
    }
    transaction.commit().await?;
    Ok(responses)
}

/// One request inside the transaction.
pub(super) struct WriteContext<'a> {
    pub(super) transaction: &'a mut Transaction,
    pub(super) owner: &'a str,
    pub(super) now: DateTime<Utc>,
}

impl WriteContext<'_> {
    pub(super) fn now(&self) -> i64 {
        self.now.timestamp_millis()
    }

    async fn claim(&mut self, pod: &str) -> Result<Vec<Claimed>, StoreError> {
        let sql = format!(
            "UPDATE pappus_deliveries SET state = 'sending', updated_at = ?, sent_at = COALESCE(sent_at, ?) WHERE id IN (\
             SELECT d.id FROM pappus_deliveries d LEFT JOIN pappus_delivery_pods p ON p.pod = d.pod \
             WHERE d.state IN ('queued', 'sending') \
             AND d.state = 'queued' AND d.pod = ? AND d.next_attempt_at <= ? AND {} \
             AND {IS_CURRENT} ORDER BY d.attempts, d.kind, d.id LIMIT {PAGE_DELIVERIES}) \
             RETURNING id, kind, attempts, failing_since",
            is_unblocked()
        );
        let mut values: Vec<Value<'_>> = vec![self.now().into(), self.now().into(), pod.into()];
        values.extend(vec![self.now().into(); 1 + UNBLOCKED_VALUES]);
        let rows = self.transaction.rows("leasing deliveries", &sql, &values).await?;
        let mut page: Vec<Claimed> = rows.iter().map(claimed).collect::<Result<_, _>>()?;
        page.sort_by_key(|claimed| (claimed.attempts, claimed.kind, claimed.id));
        Ok(page)
    }

    async fn record(&mut self, outcome: &Outcome) -> Result<Response, StoreError> {
        let sql = "UPDATE pappus_deliveries SET state = ?, attempts = attempts + 1, next_attempt_at = ?, \
                   failing_since = ?, last_status = ?, last_error = ?, updated_at = ?, \
                   sent_at = CASE WHEN ? = 1 THEN sent_at END WHERE id = ? AND state = 'sending'";
        let values = [
            outcome.state.as_str().into(),
            outcome.next_attempt_at.timestamp_millis().into(),
            outcome.failing_since.map(|since| since.timestamp_millis()).into(),
            outcome.status.map(i64::from).into(),
            outcome.error.as_deref().into(),
            self.now().into(),
            i64::from(outcome.processing_time.is_some()).into(),
            outcome.id.into(),
        ];
        let recorded = self.transaction.execute("recording a delivery", sql, &values).await?;
        let is_failed = matches!(outcome.state, DeliveryState::Rejected | DeliveryState::Dead);
        if recorded > 0 && outcome.kind == Kind::AccountMigration {
            if let Some(processing_time) = outcome.processing_time {
                self.record_accepted_move(outcome, processing_time).await?;
            } else if is_failed {
                return self.give_up_dependents(outcome).await.map(Response::Done);
            }
        }
        Ok(Response::Done(0))
    }

    /// Records that the pod accepted a move, and starts the time for processing it; starts it again if the pod got the
    /// move again. After a program was killed while it sent the move, the pod may already have processed it.
    async fn record_accepted_move(
        &mut self,
        outcome: &Outcome,
        processing_time: TimeDelta,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO pappus_move_pods (import_id, pod, told_at, opens_at) \
                   SELECT import_id, pod, COALESCE(sent_at, ?), CAST(? AS BIGINT) FROM pappus_deliveries WHERE id = ? \
                   ON CONFLICT (import_id, pod) DO UPDATE SET opens_at = excluded.opens_at \
                   WHERE pappus_move_pods.confirmed_at IS NULL";
        let opens_at = (self.now + processing_time).timestamp_millis();
        let values = [self.now().into(), opens_at.into(), outcome.id.into()];
        self.transaction.execute("recording that a pod accepted a move", sql, &values).await.map(drop)
    }

    /// Gives up the deliveries that wait for a move which the pod refused: without the move they would do harm.
    async fn give_up_dependents(&mut self, outcome: &Outcome) -> Result<u64, StoreError> {
        let sql = format!(
            "UPDATE pappus_deliveries SET state = ?, last_error = ?, updated_at = ? \
             WHERE state = 'queued' AND kind IN ('contact', 'profile') \
             AND (import_id, pod) IN (SELECT import_id, pod FROM pappus_deliveries WHERE id = ?) \
             AND NOT EXISTS (SELECT 1 FROM pappus_move_pods m \
             WHERE m.import_id = pappus_deliveries.import_id AND m.pod = pappus_deliveries.pod) \
             AND NOT EXISTS (SELECT 1 FROM pappus_delivery_pods p WHERE p.pod = pappus_deliveries.pod \
             AND p.system IN {WITHOUT_ECHO})"
        );
        let error =
            format!("the pod did not take the move: {}", outcome.error.as_deref().unwrap_or("no answer"));
        let values = [outcome.state.as_str().into(), error.into(), self.now().into(), outcome.id.into()];
        self.transaction.execute("giving up deliveries that wait for a move", &sql, &values).await
    }
}

fn claimed(row: &StoreRow) -> Result<Claimed, StoreError> {
    Ok(Claimed {
        id: row.get("id")?,
        kind: row.named("kind")?,
        attempts: row.get("attempts")?,
        failing_since: row.get::<Option<i64>>("failing_since")?.map(time),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn failed_statements_are_retried_until_the_database_is_back() {
        let tries = AtomicUsize::new(0);
        let fails_once = || async {
            match tries.fetch_add(1, Ordering::SeqCst) {
                0 => Err(StoreError::Statement { operation: "writing", reason: "shutting down".to_owned() }),
                tries => Ok(tries),
            }
        };
        assert_eq!(with_retries(fails_once).await.unwrap(), 1);
        let fails = || async { Err::<(), _>(StoreError::Random) };
        assert!(matches!(with_retries(fails).await, Err(StoreError::Random)));
    }
}
