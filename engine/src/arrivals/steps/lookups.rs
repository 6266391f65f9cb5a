//! Lookups on other pods. The steps of one newcomer together ask no more pods than the podmin allows. Checks, which a
//! newcomer can repeat, ask each pod a limited number of times.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Outcome;
use super::step::{Step, reschedule};
use crate::arrivals::records::State;
use crate::discovery::Discovery;
use crate::domain::DiasporaId;
use crate::sql::Value;
use crate::store::{Store, StoreError};

/// Total time limit for all lookups of one step, of people and posts.
const LOOKUP_TIME: Duration = Duration::from_mins(1);
/// Number of checks of one newcomer that may ask the same pod: enough for a person who repacks an archive a few times.
const MAX_CHECKS: i64 = 5;

impl Step {
    /// Returns the lookups on other pods, if enabled.
    pub(super) async fn discovery(&self) -> Result<Option<Discovery>, Outcome> {
        let Some(client) = self.context.client.clone() else { return Ok(None) };
        let hosts = asked_hosts(&self.context.store, self.newcomer.id).await;
        let hosts = hosts.map_err(|error| reschedule(&error))?;
        let discovery = Discovery::new(client, LOOKUP_TIME).with_hosts(self.context.rules.max_hosts);
        Ok(Some(discovery.with_asked(hosts)))
    }

    /// Returns the lookups of a check. Pods that [`MAX_CHECKS`] checks have asked are not asked again, except for the
    /// proof of ownership.
    pub(super) async fn check_discovery(&self, old: &DiasporaId) -> Result<Option<Discovery>, Outcome> {
        let Some(discovery) = self.discovery().await? else { return Ok(None) };
        let sql = "SELECT host FROM pappus_newcomer_hosts WHERE newcomer_id = ? AND checks >= ?";
        let frequent_hosts = hosts(&self.context.store, sql, &[self.newcomer.id, MAX_CHECKS]).await;
        let frequent_hosts = frequent_hosts.map_err(|error| reschedule(&error))?;
        Ok(Some(discovery.sparing(frequent_hosts, old.clone())))
    }

    /// Records the pods that were asked, even if the step has failed: they count in the next steps.
    pub(super) async fn record_hosts(&self, discovery: Option<&Discovery>) -> Result<(), Outcome> {
        let Some(discovery) = discovery else { return Ok(()) };
        let is_check = self.newcomer.state == State::Checking;
        let recorded = record(&self.context.store, self.newcomer.id, discovery, is_check).await;
        recorded.map_err(|error| reschedule(&error))
    }
}

async fn asked_hosts(store: &Store, newcomer: i64) -> Result<BTreeSet<String>, StoreError> {
    hosts(store, "SELECT host FROM pappus_newcomer_hosts WHERE newcomer_id = ?", &[newcomer]).await
}

async fn hosts(store: &Store, sql: &str, values: &[i64]) -> Result<BTreeSet<String>, StoreError> {
    let values: Vec<Value<'_>> = values.iter().map(|value| (*value).into()).collect();
    let rows = store.rows("reading which pods were asked", sql, &values).await?;
    rows.iter().map(|row| row.get("host")).collect()
}

async fn record(
    store: &Store,
    newcomer: i64,
    discovery: &Discovery,
    is_check: bool,
) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let sql = "INSERT INTO pappus_newcomer_hosts (newcomer_id, host, checks) VALUES (?, ?, ?) \
               ON CONFLICT (newcomer_id, host) DO UPDATE SET checks = pappus_newcomer_hosts.checks + excluded.checks";
    for host in discovery.asked() {
        let checks = i64::from(is_check && discovery.has_asked(&host));
        let values = [newcomer.into(), host.as_str().into(), checks.into()];
        transaction.execute("recording which pods were asked", sql, &values).await?;
    }
    transaction.commit().await
}
