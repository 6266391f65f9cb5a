//! The old pod, while it still runs.

use pappus_engine::domain::PublicKey;

use super::pod::{Pod, Software};
use super::scene::Scene;
use crate::crowd::CrowdError;
use crate::schema::Pool;

impl Scene {
    /// Starts the old pod: it closes the accounts that move away from it, and tells everybody that they no longer share.
    /// It works as fast as it can: what it does must not reach the friends' pods before the move.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub async fn add_old_pod(&self) -> Result<(), CrowdError> {
        let pool = Pool::connect(&self.source()).await?;
        let of_accounts =
            "FROM people WHERE owner_id IS NOT NULL AND serialized_public_key <> '' ORDER BY id";
        let accounts = pool.texts(&format!("SELECT diaspora_handle {of_accounts}")).await?;
        let keys = pool.texts(&format!("SELECT serialized_public_key {of_accounts}")).await?;
        pool.close().await;
        let mut pod = Pod::new(Software::Diaspora);
        for (account, key) in accounts.into_iter().zip(keys) {
            if let Ok(key) = PublicKey::from_pem(&key) {
                pod.known.insert(account.clone(), key);
            }
            pod.residents.insert(account);
        }
        self.world.inner().pods.insert(self.old_host.clone(), pod);
        Ok(())
    }
}
