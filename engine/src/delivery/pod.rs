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
use super::schedule::{asked_pause, next_attempt, processing_time};
use super::system::{self, System};
use super::target::TargetPod;
use super::transport::{DeliveryResult, Transport, classify, error_text, status};
use super::writer::{Claimed, Leased, Outcome, PAGE, Pod, PodHealth, Request, Response, Writer, patiently};
use crate::clock::Clock;
use crate::http::{Answer, HttpError, place};
use crate::store::{Store, StoreError, StoreRow};

/// State shared by all pods.
pub(super) struct Work<'a, T, C> {
    pub(super) store: &'a Store,
    pub(super) transport: &'a T,
    /// The pod that shows who is back, and what profiles say by now.
    pub(super) target: Option<&'a TargetPod>,
    pub(super) clock: &'a C,
    pub(super) options: &'a Options,
    pub(super) stop: CancellationToken,
    pub(super) writer: Writer,
    /// Permits for concurrent deliveries.
    pub(super) quick: Semaphore,
    /// Permits for further deliveries that take long, so that pods that hang delay no others.
    pub(super) slow: Semaphore,
}

/// Number of failed requests for a pod's software after which it gets its deliveries all the same, as a pod of unknown
/// software: a front end may refuse the question and take deliveries.
const ASKS: i64 = 3;

/// The result of a claimed delivery.
struct Sent {
    kind: Kind,
    /// `None` if it was not attempted: the work is to stop.
    tried: Option<(Result<Answer, HttpError>, DeliveryState)>,
}

impl<T: Transport, C: Clock> Work<'_, T, C> {
    /// Returns whether nothing new may be sent.
    pub(super) fn stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    async fn ask(&self, request: Request) -> Response {
        self.writer.ask(request, self.clock.now()).await
    }

    /// Leases pods that have due deliveries.
    pub(super) async fn lease(&self, after: String, limit: i64) -> Leased {
        match self.ask(Request::Lease { after, limit, time: self.options.lease() }).await {
            Response::Leased(leased) => leased,
            _ => Leased::default(),
        }
    }

    async fn claim(&self, pod: &Pod) -> VecDeque<Claimed> {
        match self.ask(Request::Claim { pod: pod.name.clone() }).await {
            Response::Claimed(page) => page.into(),
            _ => VecDeque::new(),
        }
    }

    /// Sends a leased pod's due deliveries, until none is left, the pod does not answer, or the work is to stop.
    pub(super) async fn work_on(&self, mut pod: Pod) -> Result<Summary, DeliveryError> {
        let (mut summary, mut news) = (Summary::default(), PodHealth::None);
        let (mut page, mut finished) = (VecDeque::new(), false);
        if let Some(down) = self.recognise(&mut pod).await {
            news = down;
            summary.postponed += 1;
        }
        let mut in_flight = FuturesUnordered::new();
        let third = (self.options.lease / 3).max(Duration::from_millis(10));
        let mut renewal = interval_at(Instant::now() + third, third);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // A pod that was unreachable gets one delivery first.
            let doubtful = pod.failures > 0 && matches!(news, PodHealth::None);
            let width = if doubtful { 1 } else { self.options.per_pod.max(1) };
            while in_flight.len() < width && !matches!(news, PodHealth::Down { .. }) && !self.stopped() {
                if page.is_empty() && !finished {
                    page = self.claim(&pod).await;
                    finished = page.len() < PAGE;
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
                    self.ask(Request::Renew { pod: pod.name.clone(), time }).await;
                    continue;
                }
            };
            // Deliveries that waited for it may be sent now.
            finished &= sent.kind == Kind::Profile;
            if let Some((answer, state)) = sent.tried {
                summary.count(state);
                self.update_health(&pod, &answer, &mut news);
            }
        }
        if let Response::Done(dead) = self.ask(Request::Release { pod: pod.name, news }).await {
            summary.dead += dead;
        }
        Ok(summary)
    }

    /// Asks a pod for its software, and notes it; returns the news if it is to be asked again before anything is sent.
    async fn recognise(&self, pod: &mut Pod) -> Option<PodHealth> {
        let (None, Some(base)) = (pod.system, &pod.base) else { return None };
        let limit = self.options.timeout;
        let asked = timeout(limit, system::ask(self.transport, base)).await;
        match asked.unwrap_or_else(|_| Err(Err(HttpError::Timeout { host: place(base), after: limit }))) {
            Ok(system) => {
                pod.system = Some(system);
                self.ask(Request::Recognise { pod: pod.name.clone(), system }).await;
                None
            }
            Err(answer) if pod.failures + 1 >= ASKS && !has_no_connection(&answer) => None,
            Err(answer) => Some(self.down(pod, &answer, &PodHealth::None)),
        }
    }

    /// Applies an answer to the pod's own state. Once down, it stays so until the next attempt.
    fn update_health(&self, pod: &Pod, answer: &Result<Answer, HttpError>, news: &mut PodHealth) {
        let result = classify(answer, pod.system);
        // A delivery that was not sent proves nothing about the pod.
        let not_sent = answer.is_err() && result == DeliveryResult::Rejected;
        if not_sent || matches!(news, PodHealth::Down { .. }) {
            return;
        }
        if result != DeliveryResult::PodLater {
            *news = PodHealth::Up;
            return;
        }
        let down = self.down(pod, answer, news);
        *news = down;
    }

    /// Returns the news that a pod is to be skipped for now, because of an answer, after earlier news of this time.
    fn down(&self, pod: &Pod, answer: &Result<Answer, HttpError>, earlier: &PodHealth) -> PodHealth {
        let now = self.clock.now();
        let (before, since) = match earlier {
            PodHealth::Up => (0, now),
            _ => (pod.failures, pod.failing_since.unwrap_or(now)),
        };
        let (failures, asked) = (before + 1, self.asked(answer));
        // A delivery queued after the failures began has four weeks of its own.
        let retry_at =
            next_attempt(now, failures, since, asked).or_else(|| next_attempt(now, failures, now, asked));
        let error = error_text(answer).unwrap_or_default();
        PodHealth::Down { failures, since, retry_at: retry_at.unwrap_or(now), error }
    }

    fn asked(&self, answer: &Result<Answer, HttpError>) -> Option<chrono::TimeDelta> {
        let asked = answer.as_ref().ok()?.retry_after?;
        Some(asked_pause(asked, self.clock.now()))
    }

    /// Sends one delivery to a pod of this software, and records the result.
    async fn send(&self, claimed: Claimed, system: Option<System>) -> Result<Sent, DeliveryError> {
        let kind = claimed.kind;
        let not_sent = Sent { kind, tried: None };
        let Ok(permit) = self.quick.acquire().await else { return Ok(not_sent) };
        if self.stopped() {
            return Ok(not_sent);
        }
        let sql = "SELECT url, content_type, body FROM pappus_deliveries WHERE id = ? AND state = 'sending'";
        let values = [claimed.id.into()];
        let read = || self.store.first("reading a delivery", sql, &values);
        let Some(row) = patiently(read).await? else { return Ok(not_sent) };
        let (url, content_type) = (address(&row)?, row.get::<String>("content_type")?);
        let body: Vec<u8> = row.get("body")?;
        drop(row);
        let began = self.clock.now();
        let (answer, permit) = self.post(&url, &content_type, body, permit).await;
        let outcome = self.outcome(&claimed, classify(&answer, system), &answer, began);
        let state = outcome.state;
        self.ask(Request::Record(outcome)).await;
        drop(permit);
        Ok(Sent { kind, tried: Some((answer, state)) })
    }

    /// POSTs it. A slow one gives its permit to others as long as there is a slow permit left.
    async fn post<'p>(
        &'p self,
        url: &Url,
        content_type: &str,
        body: Vec<u8>,
        permit: SemaphorePermit<'p>,
    ) -> (Result<Answer, HttpError>, SemaphorePermit<'p>) {
        let limit = self.options.timeout;
        let post = timeout(limit, self.transport.post(url, content_type, body));
        let mut post = std::pin::pin!(post);
        let mut held = permit;
        let answer = tokio::select! {
            biased;
            answer = &mut post => answer,
            () = tokio::time::sleep(self.options.slow_after) => {
                if let Ok(slow) = self.slow.try_acquire() {
                    held = slow;
                }
                post.await
            }
        };
        (answer.unwrap_or(Err(HttpError::Timeout { host: place(url), after: limit })), held)
    }

    fn outcome(
        &self,
        claimed: &Claimed,
        result: DeliveryResult,
        answer: &Result<Answer, HttpError>,
        began: DateTime<Utc>,
    ) -> Outcome {
        let now = self.clock.now();
        let since = claimed.failing_since.unwrap_or(now);
        let next = next_attempt(now, claimed.attempts + 1, since, self.asked(answer));
        let (state, next_attempt_at) = match (result, next) {
            (DeliveryResult::Delivered, _) => (DeliveryState::Delivered, now),
            (DeliveryResult::Rejected, _) => (DeliveryState::Rejected, now),
            (DeliveryResult::Later | DeliveryResult::PodLater, None) => (DeliveryState::Dead, now),
            (DeliveryResult::Later, Some(next)) => (DeliveryState::Queued, next),
            // The pod's own pause applies.
            (DeliveryResult::PodLater, Some(_)) => (DeliveryState::Queued, now),
        };
        let processing = (claimed.kind == Kind::AccountMigration && result == DeliveryResult::Delivered)
            .then(|| processing_time(self.options.grace(), now - since, now - began));
        Outcome {
            id: claimed.id,
            kind: claimed.kind,
            processing,
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
