//! What is away when a campaign begins or goes on: it is waited for, as later on.

use std::fmt::Display;
use std::io::Write as _;
use std::time::{Duration, Instant};

use pappus_engine::campaign::{Campaign, CampaignError, Campaigns};
use pappus_engine::depot::{Depot, DepotAddress, DepotError};
use pappus_engine::pod::config::PodUrl;
use pappus_engine::pod::database::DatabaseError;
use pappus_engine::store::{Store, StoreError};

use crate::arguments::{StoreArguments, WorkArguments};
use crate::error::Failure;
use crate::output::Output;
use crate::{pod, store};

/// The first pause before something is tried again.
const SHORTEST: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(30);

/// An error that may be one of something that is away.
pub(super) trait Passes {
    /// Whether the same may go well later.
    fn passes(&self) -> bool;
}

impl Passes for StoreError {
    fn passes(&self) -> bool {
        StoreError::passes(self)
    }
}

impl Passes for DatabaseError {
    fn passes(&self) -> bool {
        DatabaseError::passes(self)
    }
}

impl Passes for DepotError {
    fn passes(&self) -> bool {
        self.is_of_the_depot()
    }
}

impl Passes for CampaignError {
    fn passes(&self) -> bool {
        CampaignError::passes(self)
    }
}

/// How long something may be away.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    most: Duration,
    json: bool,
}

impl Patience {
    pub(super) fn new(arguments: &WorkArguments, output: &Output) -> Self {
        Self { most: Duration::from_secs(arguments.patience), json: output.is_json() }
    }

    /// Does something until it goes well, or fails with what does not pass by itself.
    pub(super) async fn until_ok<T, E, F>(self, mut attempt: impl FnMut() -> F) -> Result<T, Failure>
    where
        E: Passes + Display + Into<Failure>,
        F: Future<Output = Result<T, E>>,
    {
        let since = Instant::now();
        let (mut pause, mut said) = (SHORTEST, String::new());
        loop {
            let error = match attempt().await {
                Err(error) if error.passes() => error,
                done => return done.map_err(Into::into),
            };
            let reason = error.to_string();
            let left = self.most.saturating_sub(since.elapsed());
            if left.is_zero() {
                let waited = since.elapsed().as_secs();
                return Err(Failure::say(format!(
                    "{reason}. This has been so for {waited} seconds; nothing is lost, run the same again to go on"
                )));
            }
            if said != reason && !self.json {
                // Whoever has closed standard error does not want to know.
                _ = writeln!(std::io::stderr(), "Waiting: {reason}");
            }
            said = reason;
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST);
        }
    }

    /// Opens the store.
    pub(super) async fn store(self, arguments: &StoreArguments, url: &PodUrl) -> Result<Store, Failure> {
        let address = store::address(arguments, url)?;
        self.until_ok(|| Store::open(&address)).await
    }

    /// The place of a campaign's archives: where it has been before, and in no other folder that is at that path.
    pub(super) async fn place_of(self, out: &str, place: Option<&str>) -> Result<Depot, Failure> {
        let address = DepotAddress::parse(out, &pod::environment)?;
        let open = || async {
            let depot = Depot::expected(&address).await?;
            let depot = place.map_or_else(|| depot.clone(), |place| depot.bound_to(place));
            depot.check().await?;
            Ok::<_, DepotError>(depot)
        };
        self.until_ok(open).await
    }

    /// The place of a new campaign's archives: a folder is made when missing, unless an earlier campaign has been there.
    pub(super) async fn new_place(self, campaigns: &Campaigns, out: &str) -> Result<Depot, Failure> {
        let earlier = self.until_ok(|| campaigns.all()).await?;
        let known = |campaign: &Campaign| campaign.place.clone().filter(|_| campaign.out == out);
        match earlier.iter().rev().find_map(known) {
            Some(place) => self.place_of(out, Some(&place)).await,
            None => Ok(Depot::open(&DepotAddress::parse(out, &pod::environment)?).await?),
        }
    }
}
