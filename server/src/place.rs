//! The depot of a service: once used, only that folder is accepted. Whatever else is at its path, such as the bare
//! mount point of a disk, is not written to.

use pappus_engine::depot::{Depot, DepotError};
use pappus_engine::store::{Store, StoreError};

use crate::config::Config;

/// Bytes that stay free on the disk of the archives.
pub const RESERVE: u64 = 256 << 20;

/// The reason the depot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It is unavailable, or another one.
    #[error(transparent)]
    Depot(#[from] DepotError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens the depot; the first time, creates it if missing, and records its identity. Its disk must be larger than what
/// is to stay free.
///
/// # Errors
/// [`PlaceError`].
pub async fn open(config: &Config, store: &Store) -> Result<Depot, PlaceError> {
    let depot = open_any(config, store).await?;
    depot.expect_disk(RESERVE)?;
    Ok(depot)
}

async fn open_any(config: &Config, store: &Store) -> Result<Depot, PlaceError> {
    let (pod, place) = (config.pod_url.as_str(), config.depot.to_string());
    let sql = "SELECT identity FROM pappus_places WHERE pod = ? AND place = ?";
    let row =
        store.first("looking for the place of the archives", sql, &[pod.into(), (&place).into()]).await?;
    if let Some(row) = row {
        let depot = Depot::expected(&config.depot).await?.bound_to(&row.get::<String>("identity")?);
        depot.check().await?;
        return Ok(depot);
    }
    let depot = Depot::open(&config.depot).await?;
    let Some(identity) = depot.identity().await? else { return Ok(depot) };
    let sql = "INSERT INTO pappus_places (pod, place, identity) VALUES (?, ?, ?) ON CONFLICT (pod, place) DO NOTHING";
    let values = [pod.into(), (&place).into(), (&identity).into()];
    store.execute("recording the place of the archives", sql, &values).await?;
    Ok(depot.bound_to(&identity))
}
