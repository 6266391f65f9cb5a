//! Leases on pods, and records about a pod's health and software.

use std::collections::HashMap;

use chrono::TimeDelta;
use url::Url;

use super::report::{READY_VALUES, ready};
use super::schedule::GIVE_UP_AFTER;
use super::system::System;
use super::writer::{Leased, Pod, PodHealth, Response, WriteContext};
use crate::sql::{Value, placeholders};
use crate::store::{StoreError, StoreRow, time};

impl WriteContext<'_> {
    pub(super) async fn lease(
        &mut self,
        cursor: &str,
        limit: i64,
        time: TimeDelta,
    ) -> Result<Leased, StoreError> {
        // A lease that ends too late for the current time was granted before the clock was set back.
        let sql =
            "UPDATE pappus_delivery_pods SET lease_owner = NULL, lease_until = NULL WHERE lease_until > ?";
        let latest = (self.now + time + time).timestamp_millis();
        self.transaction.execute("ending leases", sql, &[latest.into()]).await?;
        let sql = format!("SELECT d.pod {} AND d.pod > ? GROUP BY d.pod ORDER BY d.pod LIMIT ?", ready());
        let mut values = vec![Value::from(self.now()); READY_VALUES];
        values.extend([cursor.into(), limit.into()]);
        let rows = self.transaction.rows("looking for deliveries", &sql, &values).await?;
        let mut names: Vec<String> = rows.iter().map(|row| row.get("pod")).collect::<Result<_, _>>()?;
        if names.is_empty() {
            return Ok(Leased::default());
        }
        let pods = self.lease_named(&names, time).await?;
        let is_full = i64::try_from(names.len()).is_ok_and(|count| count >= limit);
        Ok(Leased { pods, cursor: names.pop().filter(|_| is_full) })
    }

    /// Leases the pods of these names, unless another program has leased them meanwhile.
    async fn lease_named(&mut self, names: &[String], time: TimeDelta) -> Result<Vec<Pod>, StoreError> {
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
        // A killed program had claimed these deliveries.
        let places = placeholders(pods.len());
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
        let places = placeholders(unknown.len());
        let sql = format!(
            "SELECT pod, min(url) AS first_url FROM pappus_deliveries WHERE state IN ('queued', 'sending') \
             AND pod IN ({places}) GROUP BY pod"
        );
        let values: Vec<Value<'_>> = unknown.iter().map(|pod| Value::from(pod.name.clone())).collect();
        let mut bases = HashMap::new();
        for row in self.transaction.rows("looking for addresses", &sql, &values).await? {
            let (pod, url): (String, String) = (row.get("pod")?, row.get("first_url")?);
            bases.insert(pod, Url::parse(&url).ok().and_then(|url| url.join("/").ok()));
        }
        for pod in unknown {
            pod.base = bases.remove(&pod.name).flatten();
        }
        Ok(())
    }

    pub(super) async fn renew(&mut self, pod: &str, time: TimeDelta) -> Result<Response, StoreError> {
        let until = (self.now + time).timestamp_millis();
        let sql = "UPDATE pappus_delivery_pods SET lease_until = ? WHERE pod = ? AND lease_owner = ?";
        let values = [until.into(), pod.into(), self.owner.into()];
        self.transaction.execute("renewing a lease", sql, &values).await.map(|_| Response::Done(0))
    }

    pub(super) async fn recognise(&mut self, pod: &str, system: System) -> Result<Response, StoreError> {
        let sql = "UPDATE pappus_delivery_pods SET system = ? WHERE pod = ? AND lease_owner = ?";
        let values = [system.as_str().into(), pod.into(), self.owner.into()];
        self.transaction.execute("recording a pod's software", sql, &values).await.map(|_| Response::Done(0))
    }

    pub(super) async fn release(&mut self, pod: &str, health: &PodHealth) -> Result<u64, StoreError> {
        let mut assignments = "lease_owner = NULL, lease_until = NULL".to_owned();
        let mut values: Vec<Value<'_>> = Vec::new();
        match health {
            PodHealth::Unchanged => {}
            PodHealth::Up => {
                assignments += ", failures = 0, failing_since = NULL, retry_at = NULL, last_error = NULL";
            }
            PodHealth::Down { failures, since, retry_at, error } => {
                assignments += ", failures = ?, failing_since = ?, retry_at = ?, last_error = ?";
                let (since, retry_at) = (since.timestamp_millis(), retry_at.timestamp_millis());
                values.extend([(*failures).into(), since.into(), retry_at.into(), error.into()]);
            }
        }
        values.extend([pod.into(), self.owner.into()]);
        let sql = format!("UPDATE pappus_delivery_pods SET {assignments} WHERE pod = ? AND lease_owner = ?");
        if self.transaction.execute("releasing a pod", &sql, &values).await? == 0 {
            // The lease had expired, and another program has leased the pod.
            return Ok(0);
        }
        let sql = "UPDATE pappus_deliveries SET state = 'queued', sent_at = NULL \
                   WHERE state IN ('queued', 'sending') AND state = 'sending' AND pod = ?";
        self.transaction.execute("releasing deliveries", sql, &[pod.into()]).await?;
        match health {
            PodHealth::Down { since, error, .. } if *since + GIVE_UP_AFTER <= self.now => {
                self.give_up(pod, error).await
            }
            _ => Ok(0),
        }
    }

    /// Gives up deliveries to a pod that was unreachable for four weeks, if they were queued for as long.
    async fn give_up(&mut self, pod: &str, error: &str) -> Result<u64, StoreError> {
        let sql = "UPDATE pappus_deliveries SET state = 'dead', last_error = ?, updated_at = ? \
                   WHERE state IN ('queued', 'sending') AND state = 'queued' AND pod = ? AND queued_at <= ?";
        let queued_before = (self.now - GIVE_UP_AFTER).timestamp_millis();
        let values = [error.into(), self.now().into(), pod.into(), queued_before.into()];
        self.transaction.execute("giving up deliveries", sql, &values).await
    }
}

fn pod(row: &StoreRow) -> Result<Pod, StoreError> {
    let system: Option<String> = row.get("system")?;
    Ok(Pod {
        name: row.get("pod")?,
        failures: row.get("failures")?,
        failing_since: row.get::<Option<i64>>("failing_since")?.map(time),
        system: system.as_deref().and_then(|name| name.parse().ok()),
        base: None,
    })
}
