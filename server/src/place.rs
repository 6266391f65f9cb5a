//! The depot of a service. After its first use, only that folder is accepted: Pappus does not write to others at its
//! path, such as the empty mount point of a disk.

use pappus_engine::depot::{Depot, DepotError};
use pappus_engine::store::{Store, StoreError};

use crate::config::Config;

/// Number of bytes that stay free on the disk of the archives.
pub const RESERVE_BYTES: u64 = 256 << 20;

/// The reason why the depot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DepotOpenError {
    /// It is unavailable, or another depot.
    #[error(transparent)]
    Depot(#[from] DepotError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens the depot; the first time, creates it if missing, and records its identity. Its disk must be larger than
/// [`RESERVE_BYTES`].
///
/// # Errors
/// [`DepotOpenError`].
pub async fn open(config: &Config, store: &Store) -> Result<Depot, DepotOpenError> {
    let depot = open_any(config, store).await?;
    depot.expect_disk(RESERVE_BYTES)?;
    Ok(depot)
}

async fn open_any(config: &Config, store: &Store) -> Result<Depot, DepotOpenError> {
    let (pod, location) = (config.pod_url.as_str(), config.depot.to_string());
    let sql = "SELECT identity FROM pappus_places WHERE pod = ? AND place = ?";
    let row =
        store.first("reading the identity of the depot", sql, &[pod.into(), (&location).into()]).await?;
    if let Some(row) = row {
        let depot = Depot::expected(&config.depot).await?.bound_to(&row.get::<String>("identity")?);
        depot.check().await?;
        return Ok(depot);
    }
    let depot = Depot::open(&config.depot).await?;
    let Some(identity) = depot.identity().await? else { return Ok(depot) };
    let sql = "INSERT INTO pappus_places (pod, place, identity) VALUES (?, ?, ?) ON CONFLICT (pod, place) DO NOTHING";
    let values = [pod.into(), (&location).into(), (&identity).into()];
    store.execute("recording the identity of the depot", sql, &values).await?;
    Ok(depot.bound_to(&identity))
}
