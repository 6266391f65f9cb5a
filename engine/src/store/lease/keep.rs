//! The heartbeat while work is in progress.

use std::pin::pin;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::store::StoreError;

/// Interval between heartbeats.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// Time in which work may still finish after the program was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// The end of work under a lease.
#[derive(Debug)]
pub enum Kept<T> {
    /// The work is done, with this result.
    Done(T),
    /// Another worker has the lease, or the row needs no work any more.
    Lost,
    /// The program stops, and the work was dropped.
    Stopped,
}

/// Does work while its lease is extended. `heartbeat` returns whether the lease is still held; its errors are no
/// reason to stop, because the store may be unavailable for a moment and the next heartbeat checks again.
pub async fn keep<T, B>(
    work: impl Future<Output = T>,
    heartbeat: impl Fn() -> B,
    stop: &CancellationToken,
) -> Kept<T>
where
    B: Future<Output = Result<bool, StoreError>>,
{
    let lost = async {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            if let Ok(false) = heartbeat().await {
                return;
            }
        }
    };
    let stopped = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let work = pin!(work);
    let lost = pin!(lost);
    let stopped = pin!(stopped);
    tokio::select! {
        done = work => Kept::Done(done),
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
