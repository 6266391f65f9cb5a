//! Checks that a new account is reachable from outside: WebFinger and hCard on the pod's public address.
//!
//! A receiver that cannot look up the new identity loses the move and still answers 200, so nothing is sent before the
//! account is reachable.

use chrono::{DateTime, Utc};
use url::Url;

use super::ledger::Ledger;
use super::records::DeliveryError;
use super::schedule::next_check;
use super::transport::Transport;
use crate::domain::{DiasporaId, PublicKey};
use crate::federation::{HCard, WebFinger};
use crate::http::{Answer, HttpError};
use crate::pod::config::PodUrl;
use crate::store::StoreError;

/// A new account that is not known to be reachable from outside yet.
struct NewAccount {
    import: String,
    id: DiasporaId,
    guid: String,
    public_key: String,
    pod: PodUrl,
    /// Number of failed checks.
    failures: i64,
}

impl Ledger {
    /// Checks the new accounts that are due and not known to be reachable yet; records the results.
    pub(super) async fn check_reachability<T: Transport>(
        &self,
        transport: &T,
        now: DateTime<Utc>,
    ) -> Result<(), DeliveryError> {
        let sql = "SELECT v.import_id, v.new_id, v.guid, v.public_key, i.pod_url, v.looks FROM pappus_moves v \
                   JOIN pappus_imports i ON i.id = v.import_id WHERE v.seen_at IS NULL AND v.next_look_at <= ? \
                   ORDER BY v.import_id";
        let rows = self.store.rows("looking for moves", sql, &[now.timestamp_millis().into()]).await?;
        for row in &rows {
            let (id, url): (Option<String>, String) = (row.get("new_id")?, row.get("pod_url")?);
            // Skips no row: Pappus wrote the ID and the address itself.
            let (Some(Ok(id)), Ok(pod)) = (id.map(|id| id.parse()), PodUrl::parse(&url)) else { continue };
            let (import, failures) = (row.get("import_id")?, row.get("looks")?);
            let (guid, public_key) = (row.get("guid")?, row.get("public_key")?);
            let account = NewAccount { import, id, guid, public_key, pod, failures };
            match check_from_outside(transport, &account).await {
                Ok(()) => self.record_reachable(&account.import, now).await?,
                Err(problem) => self.record_unreachable(&account, &problem, now).await?,
            }
        }
        Ok(())
    }

    /// Records that all new accounts are reachable, as the podmin confirmed.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn assume_reachable(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let sql = "UPDATE pappus_moves SET seen_at = ?, problem = NULL WHERE seen_at IS NULL";
        self.store
            .execute("recording the podmin's confirmation", sql, &[now.timestamp_millis().into()])
            .await
            .map(drop)
    }

    async fn record_reachable(&self, import: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let sql = "UPDATE pappus_moves SET seen_at = ?, problem = NULL WHERE import_id = ?";
        let values = [now.timestamp_millis().into(), import.into()];
        self.store.execute("recording that the account answers", sql, &values).await.map(drop)
    }

    async fn record_unreachable(
        &self,
        account: &NewAccount,
        problem: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql =
            "UPDATE pappus_moves SET problem = ?, looks = looks + 1, next_look_at = ? WHERE import_id = ?";
        let next = next_check(now, account.failures + 1).timestamp_millis();
        let values = [problem.into(), next.into(), (&account.import).into()];
        self.store.execute("recording that the account does not answer", sql, &values).await.map(drop)
    }
}

/// Looks up an account as another pod would.
///
/// # Errors
/// A sentence that states the problem that other pods would have, and the remedy.
async fn check_from_outside<T: Transport>(transport: &T, account: &NewAccount) -> Result<(), String> {
    let id = &account.id;
    let address = format!("{}.well-known/webfinger?resource=acct:{id}", account.pod.as_str());
    let url = Url::parse(&address).map_err(|error| error.to_string())?;
    let describe = |step: &str, reason: &dyn std::fmt::Display| {
        format!(
            "{id} does not answer from outside, so no pod is notified of the move yet: {step} {reason}. Check that \
             the pod runs and that {} reaches it",
            account.pod.as_str()
        )
    };
    let answer = transport.get(&url, "application/jrd+json, application/json").await;
    let body = body(answer).map_err(|reason| describe("its WebFinger failed:", &reason))?;
    let webfinger =
        WebFinger::from_jrd(&body, id).map_err(|error| describe("its WebFinger is wrong:", &error))?;
    let answer = transport.get(&webfinger.hcard_url, "text/html").await;
    let body = self::body(answer).map_err(|reason| describe("its hCard failed:", &reason))?;
    let card = HCard::parse(&body).map_err(|error| describe("its hCard is wrong:", &error))?;
    let expected = PublicKey::from_pem(&account.public_key).ok();
    if card.guid.as_str() != account.guid
        || expected.as_ref().map(PublicKey::fingerprint) != Some(card.public_key.fingerprint())
    {
        return Err(describe("its hCard", &"names another GUID or key than the pod's database"));
    }
    Ok(())
}

/// Returns the body of a successful answer.
///
/// # Errors
/// The status, or the error's text.
fn body(answer: Result<Answer, HttpError>) -> Result<Vec<u8>, String> {
    match answer {
        Ok(answer) if answer.is_success() => Ok(answer.body),
        Ok(answer) => Err(format!("the pod answered {}", answer.status)),
        Err(error) => Err(error.to_string()),
    }
}
