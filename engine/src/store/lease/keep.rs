//! Sends heartbeats while work is in progress.

use std::pin::pin;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::store::StoreError;

/// The interval between heartbeats.
const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(500);
/// The time for which work may continue after the program was told to stop.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// The outcome of work under a lease.
#[derive(Debug)]
pub enum Kept<T> {
    /// The work is done, with this result.
    Done(T),
    /// Another worker has the lease, or the row no longer needs work.
    Lost,
    /// The program stops, and the work was dropped unfinished.
    Stopped,
}

/// Does work while its lease is extended. `heartbeat` returns whether the lease is still held. Its errors do not end
/// the work, because the store may be unavailable for a moment and the next heartbeat checks again.
pub async fn keep<T, F>(
    work: impl Future<Output = T>,
    heartbeat: impl Fn() -> F,
    stop: &CancellationToken,
) -> Kept<T>
where
    F: Future<Output = Result<bool, StoreError>>,
{
    let lost = async {
        loop {
            tokio::time::sleep(HEARTBEAT_INTERVAL).await;
            if let Ok(false) = heartbeat().await {
                return;
            }
        }
    };
    let stopped = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE_PERIOD).await;
    };
    let work = pin!(work);
    let lost = pin!(lost);
    let stopped = pin!(stopped);
    tokio::select! {
        result = work => Kept::Done(result),
        () = lost => Kept::Lost,
        () = stopped => Kept::Stopped,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_lost_lease_ends_the_work_and_an_unavailable_store_does_not() {
        let stop = CancellationToken::new();
        let heartbeats = AtomicUsize::new(0);
        let heartbeat = || async {
            match heartbeats.fetch_add(1, Ordering::SeqCst) {
                0 => Err(StoreError::Random),
                number => Ok(number < 2),
            }
        };
        assert!(matches!(keep(std::future::pending::<()>(), heartbeat, &stop).await, Kept::Lost));
        assert_eq!(heartbeats.load(Ordering::SeqCst), 3);
        assert!(matches!(keep(async { 7 }, heartbeat, &stop).await, Kept::Done(7)));
    }
}
