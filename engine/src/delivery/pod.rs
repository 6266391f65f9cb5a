//! Sends to one pod.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::deliver::{Options, Summary};
use super::records::{DeliveryError, DeliveryState, Kind};
use super::schedule::{next_attempt, processing_time, requested_pause};
use super::system::{self, System};
use super::target::TargetPod;
use super::transport::{DeliveryResult, Transport, classify, error_text, status};
use super::writer::{
    Claimed, Leased, Outcome, PAGE_DELIVERIES, Pod, PodHealth, Request, Response, Writer, with_retries,
};
use crate::clock::Clock;
use crate::http::{Answer, HttpError, place};
use crate::store::{Store, StoreError, StoreRow};

/// State shared by all pods.
pub(super) struct Work<'a, T, C> {
    pub(super) store: &'a Store,
    pub(super) transport: &'a T,
    /// The pod to read for friends who are back and for edited profiles.
    pub(super) target: Option<&'a TargetPod>,
    pub(super) clock: &'a C,
    pub(super) options: &'a Options,
    pub(super) stop: CancellationToken,
    pub(super) writer: Writer,
    /// Permits for concurrent deliveries.
    pub(super) permits: Semaphore,
    /// Permits for further deliveries that take long, so that slow pods do not delay the others.
    pub(super) slow_permits: Semaphore,
}

/// Number of failed requests for a pod's software after which it gets its deliveries as a pod of unknown software: a
/// front end may reject the request and still accept deliveries.
const MAX_SYSTEM_REQUESTS: i64 = 3;

/// The result of a claimed delivery.
struct SendResult {
    kind: Kind,
    /// The answer and the new state; `None` if the delivery was not attempted, because the work is to stop.
    attempt: Option<(Result<Answer, HttpError>, DeliveryState)>,
}

impl<T: Transport, C: Clock> Work<'_, T, C> {
    /// Returns whether nothing new may be sent.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    async fn write(&self, request: Request) -> Response {
        self.writer.write(request, self.clock.now()).await
    }

    /// Leases pods that have due deliveries.
    pub(super) async fn lease(&self, cursor: String, limit: i64) -> Leased {
        match self.write(Request::Lease { cursor, limit, time: self.options.lease() }).await {
            Response::Leased(leased) => leased,
            _ => Leased::default(),
        }
    }

    async fn claim(&self, pod: &Pod) -> VecDeque<Claimed> {
        match self.write(Request::Claim { pod: pod.name.clone() }).await {
            Response::Claimed(page) => page.into(),
            _ => VecDeque::new(),
        }
    }

    /// Sends a leased pod's due deliveries, until none is left, the pod does not answer, or the work is to stop.
    pub(super) async fn work_on(&self, mut pod: Pod) -> Result<Summary, DeliveryError> {
        let (mut summary, mut health) = (Summary::default(), PodHealth::Unchanged);
        let (mut page, mut is_last_page) = (VecDeque::new(), false);
        if let Some(down) = self.recognise(&mut pod).await {
            health = down;
            summary.postponed += 1;
        }
        let mut in_flight = FuturesUnordered::new();
        let period = (self.options.lease / 3).max(Duration::from_millis(10));
        let mut renewal = interval_at(Instant::now() + period, period);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // A pod that was unreachable gets one delivery first.
            let is_uncertain = pod.failures > 0 && matches!(health, PodHealth::Unchanged);
            let concurrency = if is_uncertain { 1 } else { self.options.per_pod.max(1) };
            let is_down = matches!(health, PodHealth::Down { .. });
            while in_flight.len() < concurrency && !is_down && !self.is_stopped() {
                if page.is_empty() && !is_last_page {
                    page = self.claim(&pod).await;
                    is_last_page = page.len() < PAGE_DELIVERIES;
                }
                let Some(claimed) = page.pop_front() else { break };
                in_flight.push(self.send(claimed, pod.system));
            }
            if in_flight.is_empty() {
                break;
            }
            let sent = tokio::select! {
                Some(sent) = in_flight.next() => sent?,
                _ = renewal.tick() => {
                    let time = self.options.lease();
                    self.write(Request::Renew { pod: pod.name.clone(), time }).await;
                    continue;
                }
            };
            // Others may have waited for this delivery, unless it is a Profile, and can be claimed now.
            is_last_page &= sent.kind == Kind::Profile;
            if let Some((answer, state)) = sent.attempt {
                summary.count(state);
                self.update_health(&pod, &answer, &mut health);
            }
        }
        if let Response::Done(dead) = self.write(Request::Release { pod: pod.name, health }).await {
            summary.dead += dead;
        }
        Ok(summary)
    }

    /// Asks a pod for its software and records it. Returns the pod's health if it has to be asked again before anything
    /// is sent.
    async fn recognise(&self, pod: &mut Pod) -> Option<PodHealth> {
        let (None, Some(base)) = (pod.system, &pod.base) else { return None };
        let limit = self.options.timeout;
        let result = timeout(limit, system::detect(self.transport, base)).await;
        match result.unwrap_or_else(|_| Err(Err(HttpError::Timeout { host: place(base), after: limit }))) {
            Ok(system) => {
                pod.system = Some(system);
                self.write(Request::Recognise { pod: pod.name.clone(), system }).await;
                None
            }
            Err(answer) if pod.failures + 1 >= MAX_SYSTEM_REQUESTS && !has_no_connection(&answer) => None,
            Err(answer) => Some(self.down(pod, &answer, &PodHealth::Unchanged)),
        }
    }

    /// Applies an answer to the pod's health. A pod that is down stays down until the next attempt.
    fn update_health(&self, pod: &Pod, answer: &Result<Answer, HttpError>, health: &mut PodHealth) {
        let result = classify(answer, pod.system);
        // A delivery that was not sent proves nothing about the pod.
        let is_unsent = answer.is_err() && result == DeliveryResult::Rejected;
        if is_unsent || matches!(health, PodHealth::Down { .. }) {
            return;
        }
        if result != DeliveryResult::RetryPod {
            *health = PodHealth::Up;
            return;
        }
        *health = self.down(pod, answer, health);
    }

    /// Returns the health of a pod that is skipped for now because of an answer. `earlier` is its health before that.
    fn down(&self, pod: &Pod, answer: &Result<Answer, HttpError>, earlier: &PodHealth) -> PodHealth {
        let now = self.clock.now();
        let (earlier_failures, since) = match earlier {
            PodHealth::Up => (0, now),
            _ => (pod.failures, pod.failing_since.unwrap_or(now)),
        };
        let (failures, pause) = (earlier_failures + 1, self.requested_pause(answer));
        // A delivery queued after the failures began has four weeks of its own.
        let retry_at =
            next_attempt(now, failures, since, pause).or_else(|| next_attempt(now, failures, now, pause));
        let error = error_text(answer).unwrap_or_default();
        PodHealth::Down { failures, since, retry_at: retry_at.unwrap_or(now), error }
    }

    fn requested_pause(&self, answer: &Result<Answer, HttpError>) -> Option<chrono::TimeDelta> {
        let retry_after = answer.as_ref().ok()?.retry_after?;
        Some(requested_pause(retry_after, self.clock.now()))
    }

    /// Sends one delivery to a pod of this software, and records the result.
    async fn send(&self, claimed: Claimed, system: Option<System>) -> Result<SendResult, DeliveryError> {
        let kind = claimed.kind;
        let not_attempted = SendResult { kind, attempt: None };
        let Ok(permit) = self.permits.acquire().await else { return Ok(not_attempted) };
        if self.is_stopped() {
            return Ok(not_attempted);
        }
        let sql = "SELECT url, content_type, body FROM pappus_deliveries WHERE id = ? AND state = 'sending'";
        let values = [claimed.id.into()];
        let read = || self.store.first("reading a delivery", sql, &values);
        let Some(row) = with_retries(read).await? else { return Ok(not_attempted) };
        let (url, content_type) = (address(&row)?, row.get::<String>("content_type")?);
        let body: Vec<u8> = row.get("body")?;
        drop(row);
        let started_at = self.clock.now();
        let (answer, permit) = self.post(&url, &content_type, body, permit).await;
        let outcome = self.outcome(&claimed, classify(&answer, system), &answer, started_at);
        let state = outcome.state;
        self.write(Request::Record(outcome)).await;
        drop(permit);
        Ok(SendResult { kind, attempt: Some((answer, state)) })
    }

    /// POSTs a body. A slow request exchanges its permit for a slow one, if one is left, so that others can start.
    async fn post<'p>(
        &'p self,
        url: &Url,
        content_type: &str,
        body: Vec<u8>,
        mut permit: SemaphorePermit<'p>,
    ) -> (Result<Answer, HttpError>, SemaphorePermit<'p>) {
        let limit = self.options.timeout;
        let post = timeout(limit, self.transport.post(url, content_type, body));
        let mut post = std::pin::pin!(post);
        let answer = tokio::select! {
            biased;
            answer = &mut post => answer,
            () = tokio::time::sleep(self.options.slow_after) => {
                if let Ok(slow_permit) = self.slow_permits.try_acquire() {
                    permit = slow_permit;
                }
                post.await
            }
        };
        (answer.unwrap_or(Err(HttpError::Timeout { host: place(url), after: limit })), permit)
    }

    fn outcome(
        &self,
        claimed: &Claimed,
        result: DeliveryResult,
        answer: &Result<Answer, HttpError>,
        started_at: DateTime<Utc>,
    ) -> Outcome {
        let now = self.clock.now();
        let since = claimed.failing_since.unwrap_or(now);
        let next = next_attempt(now, claimed.attempts + 1, since, self.requested_pause(answer));
        let (state, next_attempt_at) = match (result, next) {
            (DeliveryResult::Delivered, _) => (DeliveryState::Delivered, now),
            (DeliveryResult::Rejected, _) => (DeliveryState::Rejected, now),
            (DeliveryResult::Retry | DeliveryResult::RetryPod, None) => (DeliveryState::Dead, now),
            (DeliveryResult::Retry, Some(next)) => (DeliveryState::Queued, next),
            // The pod's own pause applies.
            (DeliveryResult::RetryPod, Some(_)) => (DeliveryState::Queued, now),
        };
        let processing_time = (claimed.kind == Kind::AccountMigration && result == DeliveryResult::Delivered)
            .then(|| processing_time(self.options.grace(), now - since, now - started_at));
        Outcome {
            id: claimed.id,
            kind: claimed.kind,
            processing_time,
            state,
            next_attempt_at,
            failing_since: (result != DeliveryResult::Delivered).then_some(since),
            status: status(answer),
            error: error_text(answer),
        }
    }
}

/// Returns whether nothing at all can be sent to the pod now.
fn has_no_connection(answer: &Result<Answer, HttpError>) -> bool {
    matches!(answer, Err(HttpError::Connect { .. } | HttpError::Tls { .. } | HttpError::NotPublic(_)))
}

fn address(row: &StoreRow) -> Result<Url, StoreError> {
    let text: String = row.get("url")?;
    Url::parse(&text)
        .map_err(|error| StoreError::Column { column: "url".to_owned(), reason: error.to_string() })
}
