//! Pod keys that podmins trust, for pages and API.

use pappus_engine::arrivals::TrustedPod;
use pappus_engine::import::{InvalidPin, PodPin};

use crate::app::App;
use crate::board::shared::Actor;
use crate::error::WebError;

/// The reason why a key is not added.
#[derive(Debug, thiserror::Error)]
pub(super) enum AddError {
    /// The host or the fingerprint is invalid.
    #[error(transparent)]
    Invalid(#[from] InvalidPin),
    /// The key is trusted already.
    #[error("this pod trusts this key for this host already")]
    Known,
    /// The request failed.
    #[error(transparent)]
    Failed(#[from] WebError),
}

impl From<AddError> for WebError {
    fn from(error: AddError) -> Self {
        match error {
            AddError::Invalid(_) => Self::BadRequest(error.to_string()),
            AddError::Known => Self::Conflict(error.to_string()),
            AddError::Failed(error) => error,
        }
    }
}

/// Returns the keys of the configuration, and those added on the board.
pub(super) async fn list(app: &App) -> Result<(Vec<PodPin>, Vec<TrustedPod>), WebError> {
    super::require_enabled(app)?;
    let added = app.newcomers.trusted_pods.list().await?;
    Ok((app.config.newcomers.trusted_pods.clone(), added))
}

/// Trusts a pod's archive key for the people of that pod.
pub(super) async fn add(
    app: &App,
    actor: &Actor,
    host: &str,
    fingerprint: &str,
) -> Result<TrustedPod, AddError> {
    super::require_enabled(app)?;
    let pin = parse_pin(host, fingerprint)?;
    if app.config.newcomers.trusted_pods.contains(&pin) {
        return Err(AddError::Known);
    }
    let podmin = &actor.podmin.account;
    let added =
        app.newcomers.trusted_pods.add(&pin, podmin, app.now_millis()).await.map_err(WebError::from)?;
    let added = added.ok_or(AddError::Known)?;
    actor.log_action(app, "trusted-pod", &pin.to_string(), None).await;
    apply(app).await;
    Ok(added)
}

/// Finds a key that was added on the board, and the number of moves that only this key proves.
pub(super) async fn by_id(app: &App, id: i64) -> Result<Option<(TrustedPod, usize)>, WebError> {
    super::require_enabled(app)?;
    let Some(trusted) = app.newcomers.trusted_pods.by_id(id).await? else { return Ok(None) };
    let moves = app.newcomers.table.proven_by(&trusted.pin).await?;
    Ok(Some((trusted, moves)))
}

/// Stops trusting a key that was added on the board; returns whether a key with this number existed.
pub(super) async fn remove(app: &App, actor: &Actor, id: i64) -> Result<bool, WebError> {
    super::require_enabled(app)?;
    let Some(pin) = app.newcomers.trusted_pods.remove(id).await? else { return Ok(false) };
    actor.log_action(app, "trusted-pod-removed", &pin.to_string(), None).await;
    apply(app).await;
    Ok(true)
}

/// Updates the proofs in the queue to the keys that are currently trusted. A failure is only logged: each step
/// establishes its evidence itself.
pub(super) async fn apply(app: &App) {
    let update = async {
        let pins = app.newcomers.trusted_pods.all(&app.config.newcomers.trusted_pods).await?;
        app.newcomers.table.apply_pins(&pins).await
    };
    if let Err(error) = update.await {
        tracing::warn!("the proofs in the queue are not updated yet: {error}");
    }
}

/// Parses a pin from two fields. A complete pin, `HOST=SHA256:…`, may have been pasted into either of them.
fn parse_pin(host: &str, fingerprint: &str) -> Result<PodPin, InvalidPin> {
    let (host, fingerprint) = (host.trim(), fingerprint.trim());
    let pasted = match (host, fingerprint) {
        (pin, "") | ("", pin) => pin.split_once('='),
        _ => fingerprint.split_once('=').filter(|(pin_host, _)| pin_host.trim().eq_ignore_ascii_case(host)),
    };
    let (host, fingerprint) = pasted.unwrap_or((host, fingerprint));
    PodPin::new(host, fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "SHA256:3f5ce729c77b3df2e5b449dc9ea9c3237c97413db99bdb2784e8d6eca7fb3720";

    #[test]
    fn a_complete_pin_may_be_pasted_into_either_field() {
        let (pasted, pin) = (format!("closing.example={KEY}"), PodPin::new("closing.example", KEY).unwrap());
        let upper = KEY.replace('f', "F");
        for (host, fingerprint) in [
            ("closing.example", KEY),
            (" Closing.Example ", upper.as_str()),
            (pasted.as_str(), ""),
            ("", pasted.as_str()),
            ("closing.example", pasted.as_str()),
        ] {
            assert_eq!(parse_pin(host, fingerprint), Ok(pin.clone()), "{host} {fingerprint}");
        }
        for (host, fingerprint, wrong) in [
            ("", "", InvalidPin::Host),
            ("", KEY, InvalidPin::Host),
            ("https://closing.example/", KEY, InvalidPin::Host),
            ("alice@closing.example", KEY, InvalidPin::Host),
            ("closing.example", "", InvalidPin::Fingerprint),
            ("closing.example", "3f5ce729", InvalidPin::Fingerprint),
            // Two hosts are ambiguous.
            ("other.example", pasted.as_str(), InvalidPin::Fingerprint),
        ] {
            assert_eq!(parse_pin(host, fingerprint), Err(wrong), "{host} {fingerprint}");
        }
    }
}
