//! The passphrase of the key in an archive, tried where it is entered.

use std::sync::Arc;

use pappus_engine::arrivals::{Newcomer, PlanSummary};
use pappus_engine::depot::sealed::open_text;
use pappus_engine::domain::{KeyError, PrivateKey};
use zeroize::Zeroizing;

use crate::app::App;
use crate::error::WebError;

/// Number of passphrases tried at the same time: the archive sets the cost of each, up to seconds of processor time.
pub(super) const MAX_CONCURRENT: usize = 1;

/// Returns whether a passphrase opens the key in a newcomer's archive. Also returns true if that cannot be checked here:
/// the import tries the passphrase again.
///
/// # Errors
/// [`WebError::Internal`].
pub(super) async fn opens_key(app: &App, newcomer: &Newcomer, passphrase: &str) -> Result<bool, WebError> {
    let Some(key) = locked_key(app, newcomer) else { return Ok(true) };
    let passphrase = Zeroizing::new(passphrase.to_owned());
    let permit = Arc::clone(&app.newcomers.key_tries).acquire_owned().await;
    let permit = permit.map_err(|error| WebError::Internal(error.to_string()))?;
    let trying = tokio::task::spawn_blocking(move || {
        // Held until the end, even if the browser disconnects: other passphrases wait for it.
        let _permit = permit;
        key.decrypt(&passphrase).err()
    });
    let error = trying.await.map_err(|error| WebError::Internal(error.to_string()))?;
    Ok(error != Some(KeyError::WrongPassphrase))
}

/// Returns the encrypted key that the check has stored; `None` without the store's keys.
fn locked_key(app: &App, newcomer: &Newcomer) -> Option<PrivateKey> {
    let sealed = PlanSummary::read(newcomer.plan.as_deref())?.locked_key?;
    let unlock = app.keys.unlock().ok()??;
    Some(PrivateKey::from_pem(open_text(&unlock, sealed).ok()?.to_string()))
}
