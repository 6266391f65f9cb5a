//! Pod keys that podmins trust, for pages and API.

use pappus_engine::arrivals::TrustedPod;
use pappus_engine::import::{InvalidPin, PodPin};

use crate::app::App;
use crate::board::shared::Actor;
use crate::error::WebError;

/// The reason a key is not added.
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
    let pin = typed(host, fingerprint)?;
    if app.config.newcomers.trusted_pods.contains(&pin) {
        return Err(AddError::Known);
    }
    let by = &actor.podmin.account;
    let added = app.newcomers.trusted_pods.add(&pin, by, app.now_millis()).await.map_err(WebError::from)?;
    let added = added.ok_or(AddError::Known)?;
    actor.has_done(app, "trusted-pod", &pin.to_string(), None).await;
    apply(app).await;
    Ok(added)
}

/// Finds a key that was added on the board, and the number of moves that nothing else proves.
pub(super) async fn numbered(app: &App, id: i64) -> Result<Option<(TrustedPod, usize)>, WebError> {
    super::require_enabled(app)?;
    let Some(trusted) = app.newcomers.trusted_pods.by_id(id).await? else { return Ok(None) };
    let moves = app.newcomers.table.proven_by(&trusted.pin).await?;
    Ok(Some((trusted, moves)))
}

/// Ceases to trust a key that was added on the board; returns whether there was one of this number.
pub(super) async fn remove(app: &App, actor: &Actor, id: i64) -> Result<bool, WebError> {
    super::require_enabled(app)?;
    let Some(pin) = app.newcomers.trusted_pods.remove(id).await? else { return Ok(false) };
    actor.has_done(app, "trusted-pod-removed", &pin.to_string(), None).await;
    apply(app).await;
    Ok(true)
}

/// Adapts the proofs that the queue shows to the keys that are trusted now. A failure is only logged: each step
/// establishes its evidence itself.
pub(super) async fn apply(app: &App) {
    let adapted = async {
        let pins = app.newcomers.trusted_pods.all(&app.config.newcomers.trusted_pods).await?;
        app.newcomers.table.apply_pins(&pins).await
    };
    if let Err(error) = adapted.await {
        tracing::warn!("the queue shows earlier proofs for now: {error}");
    }
}

/// Parses a pin from two fields; one that was pasted whole, `HOST=SHA256:…`, may be in either of them.
fn typed(host: &str, fingerprint: &str) -> Result<PodPin, InvalidPin> {
    let (host, fingerprint) = (host.trim(), fingerprint.trim());
    let whole = match (host, fingerprint) {
        (whole, "") | ("", whole) => whole.split_once('='),
        _ => fingerprint.split_once('=').filter(|(named, _)| named.trim().eq_ignore_ascii_case(host)),
    };
    let (host, fingerprint) = whole.unwrap_or((host, fingerprint));
    PodPin::new(host, fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "SHA256:3f5ce729c77b3df2e5b449dc9ea9c3237c97413db99bdb2784e8d6eca7fb3720";

    #[test]
    fn a_pin_may_be_pasted_whole_in_either_field() {
        let (whole, pin) = (format!("closing.example={KEY}"), PodPin::new("closing.example", KEY).unwrap());
        let upper = KEY.replace('f', "F");
        for (host, fingerprint) in [
            ("closing.example", KEY),
            (" Closing.Example ", upper.as_str()),
            (whole.as_str(), ""),
            ("", whole.as_str()),
            ("closing.example", whole.as_str()),
        ] {
            assert_eq!(typed(host, fingerprint), Ok(pin.clone()), "{host} {fingerprint}");
        }
        for (host, fingerprint, wrong) in [
            ("", "", InvalidPin::Host),
            ("", KEY, InvalidPin::Host),
            ("https://closing.example/", KEY, InvalidPin::Host),
            ("alice@closing.example", KEY, InvalidPin::Host),
            ("closing.example", "", InvalidPin::Fingerprint),
            ("closing.example", "3f5ce729", InvalidPin::Fingerprint),
            // Two hosts: nobody knows which one is meant.
            ("other.example", whole.as_str(), InvalidPin::Fingerprint),
        ] {
            assert_eq!(typed(host, fingerprint), Err(wrong), "{host} {fingerprint}");
        }
    }
}
