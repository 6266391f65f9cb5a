//! Lookups on other pods: all steps of one newcomer together ask no more pods than the podmin allows.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Outcome;
use super::step::{Step, reschedule};
use crate::discovery::Discovery;
use crate::store::{Store, StoreError};

/// Total time limit for all lookups of one step, of people and posts.
const LOOKING_UP: Duration = Duration::from_mins(1);

impl Step {
    /// Returns the lookups on other pods, if enabled.
    pub(super) async fn discovery(&self) -> Result<Option<Discovery>, Outcome> {
        let Some(client) = self.context.client.clone() else { return Ok(None) };
        let asked = asked_hosts(&self.context.store, self.newcomer.id).await;
        let asked = asked.map_err(|error| reschedule(&error))?;
        let discovery = Discovery::new(client, LOOKING_UP).with_hosts(self.context.rules.max_hosts);
        Ok(Some(discovery.with_asked(asked)))
    }

    /// Records the pods that were asked, also if the step has failed: they count in the next one.
    pub(super) async fn record_hosts(&self, discovery: Option<&Discovery>) -> Result<(), Outcome> {
        let Some(discovery) = discovery else { return Ok(()) };
        let recorded = record(&self.context.store, self.newcomer.id, &discovery.asked()).await;
        recorded.map_err(|error| reschedule(&error))
    }
}

async fn asked_hosts(store: &Store, newcomer: i64) -> Result<BTreeSet<String>, StoreError> {
    let sql = "SELECT host FROM pappus_newcomer_hosts WHERE newcomer_id = ?";
    let rows = store.rows("reading which pods were asked", sql, &[newcomer.into()]).await?;
    rows.iter().map(|row| row.get("host")).collect()
}

async fn record(store: &Store, newcomer: i64, hosts: &BTreeSet<String>) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let sql = "INSERT INTO pappus_newcomer_hosts (newcomer_id, host) VALUES (?, ?) ON CONFLICT DO NOTHING";
    for host in hosts {
        transaction.execute("recording which pods were asked", sql, &[newcomer.into(), host.into()]).await?;
    }
    transaction.commit().await
}
