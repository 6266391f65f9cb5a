//! Retries for services that are unavailable when a campaign starts or resumes, as during the campaign.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};
use std::time::{Duration, Instant};

use pappus_engine::backoff::Backoff;
use pappus_engine::campaign::{Campaign, CampaignError, CampaignState, Campaigns, SignInError};
use pappus_engine::depot::{Depot, DepotAddress, DepotError, KeysError};
use pappus_engine::pod::config::PodUrl;
use pappus_engine::pod::database::DatabaseError;
use pappus_engine::pod::schema::SchemaError;
use pappus_engine::pod::uploads::UploadsError;
use pappus_engine::store::{Store, StoreError};

use crate::arguments::{StoreArguments, WorkArguments};
use crate::error::Failure;
use crate::output::{Output, printable};
use crate::{pod, store};

/// The pauses between attempts.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(30));

/// An error that may be transient.
pub(super) trait Transient {
    /// Returns whether a retry may succeed.
    fn is_transient(&self) -> bool;
}

impl Transient for StoreError {
    fn is_transient(&self) -> bool {
        StoreError::passes(self)
    }
}

impl Transient for DatabaseError {
    fn is_transient(&self) -> bool {
        DatabaseError::passes(self)
    }
}

impl Transient for SchemaError {
    fn is_transient(&self) -> bool {
        matches!(self, SchemaError::Database(error) if error.passes())
    }
}

impl Transient for SignInError {
    fn is_transient(&self) -> bool {
        match self {
            SignInError::Database(error) => error.passes(),
            SignInError::Store(error) | SignInError::Keys(KeysError::Store(error)) => error.passes(),
            _ => false,
        }
    }
}

impl Transient for KeysError {
    fn is_transient(&self) -> bool {
        matches!(self, KeysError::Store(error) if error.passes())
    }
}

impl Transient for DepotError {
    fn is_transient(&self) -> bool {
        self.is_of_the_depot()
    }
}

impl Transient for UploadsError {
    fn is_transient(&self) -> bool {
        UploadsError::passes(self)
    }
}

/// An error at the first use of a location. A wrong path or missing permission would not change: only failures of a
/// disk or a server are transient.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct FirstUse(#[from] DepotError);

impl Transient for FirstUse {
    fn is_transient(&self) -> bool {
        let permanent = [
            ErrorKind::NotFound,
            ErrorKind::NotADirectory,
            ErrorKind::PermissionDenied,
            ErrorKind::ReadOnlyFilesystem,
        ];
        let is_refused =
            matches!(&self.0, DepotError::Folder { source, .. } if permanent.contains(&source.kind()));
        !is_refused && self.0.is_transient()
    }
}

/// The reason a worker cannot join a campaign yet.
#[derive(Debug, thiserror::Error)]
enum NotJoined {
    #[error(transparent)]
    Campaign(#[from] CampaignError),
    #[error(
        "the list of accounts of {0:?} is still being written. If the program that writes it has ended, run its \
         `pappus export --all` again"
    )]
    Preparing(String),
}

impl Transient for NotJoined {
    fn is_transient(&self) -> bool {
        match self {
            Self::Campaign(error) => error.passes(),
            Self::Preparing(_) => true,
        }
    }
}

impl Transient for CampaignError {
    fn is_transient(&self) -> bool {
        CampaignError::passes(self)
    }
}

/// The time for which services may be unavailable.
#[derive(Clone, Copy)]
pub(super) struct RetryPolicy {
    max_wait: Duration,
    is_json: bool,
}

impl RetryPolicy {
    pub(super) fn new(arguments: &WorkArguments, output: &Output) -> Self {
        Self { max_wait: Duration::from_secs(arguments.patience), is_json: output.is_json() }
    }

    /// Retries until an attempt succeeds or fails with an error that is not transient.
    pub(super) async fn until_ok<T, E, F>(self, mut attempt: impl FnMut() -> F) -> Result<T, Failure>
    where
        E: Transient + Display + Into<Failure>,
        F: Future<Output = Result<T, E>>,
    {
        let started_at = Instant::now();
        let (mut pauses, mut last_reason) = (BACKOFF.pauses(), String::new());
        loop {
            let error = match attempt().await {
                Err(error) if error.is_transient() => error,
                result => return result.map_err(Into::into),
            };
            let reason = error.to_string();
            let remaining = self.max_wait.saturating_sub(started_at.elapsed());
            if remaining.is_zero() {
                let waited = started_at.elapsed().as_secs();
                return Err(Failure::message(format!(
                    "{reason}, for {waited} seconds now; nothing is lost: run the same command again to continue"
                )));
            }
            if last_reason != reason && !self.is_json {
                // A closed standard error is ignored.
                _ = writeln!(std::io::stderr(), "Waiting: {}", printable(&reason));
            }
            last_reason = reason;
            tokio::time::sleep(pauses.next_pause().min(remaining)).await;
        }
    }

    /// Opens the store.
    pub(super) async fn store(self, arguments: &StoreArguments, url: &PodUrl) -> Result<Store, Failure> {
        let address = store::address(arguments, url)?;
        self.until_ok(|| Store::open(&address)).await
    }

    /// Opens the depot of a campaign that exists: the one with this identity, not another folder at the same path.
    pub(super) async fn known_depot(self, out: &str, place: Option<&str>) -> Result<Depot, Failure> {
        let address = DepotAddress::parse(out, &pod::environment)?;
        let open = || async {
            let depot = Depot::expected(&address).await?;
            let depot = place.map_or_else(|| depot.clone(), |place| depot.bound_to(place));
            depot.check().await?;
            Ok::<_, DepotError>(depot)
        };
        self.until_ok(open).await
    }

    /// Opens the depot of a new campaign. Creates a missing folder, unless an earlier campaign used it.
    pub(super) async fn new_depot(self, campaigns: &Campaigns, out: &str) -> Result<Depot, Failure> {
        let earlier = self.until_ok(|| campaigns.all()).await?;
        let identity = |campaign: &Campaign| campaign.place.clone().filter(|_| campaign.out == out);
        if let Some(place) = earlier.iter().rev().find_map(identity) {
            return self.known_depot(out, Some(&place)).await;
        }
        let address = DepotAddress::parse(out, &pod::environment)?;
        self.until_ok(|| async { Depot::open(&address).await.map_err(FirstUse) }).await
    }

    /// Returns the campaign as soon as the program that started it has recorded its accounts.
    pub(super) async fn prepared(self, campaigns: &Campaigns, name: &str) -> Result<Campaign, Failure> {
        let prepared = || async {
            let campaign = campaigns.named(name).await?;
            match campaign.state {
                CampaignState::Preparing => Err(NotJoined::Preparing(campaign.name)),
                _ => Ok(campaign),
            }
        };
        self.until_ok(prepared).await
    }
}
