//! Pod keys that podmins trust on the board, in addition to those of the configuration.

use chrono::{DateTime, Utc};

use crate::arrivals::records::{NEWCOMER, Newcomer};
use crate::arrivals::{Newcomers, PlanSummary};
use crate::import::{Evidence, PodPin, Proof};
use crate::pod::config::PodUrl;
use crate::store::{Store, StoreError, StoreRow, time};

/// The columns of [`TrustedPod`].
const TRUSTED_POD: &str = "id, host, fingerprint, added_by, added_at";

/// A pod key that a podmin trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedPod {
    /// Its ID.
    pub id: i64,
    /// The pod and its key.
    pub pin: PodPin,
    /// The diaspora* ID of the podmin who added it.
    pub added_by: String,
    /// The time at which it was added.
    pub added_at: DateTime<Utc>,
}

impl TrustedPod {
    fn read(row: &StoreRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            pin: pin(row)?,
            added_by: row.get("added_by")?,
            added_at: time(row.get("added_at")?),
        })
    }
}

/// Reads a pin, which was validated before it was stored.
fn pin(row: &StoreRow) -> Result<PodPin, StoreError> {
    Ok(PodPin { host: row.get("host")?, fingerprint: row.get("fingerprint")? })
}

/// The pod keys that one pod's podmins trust. Clones share the store.
#[derive(Debug, Clone)]
pub struct TrustedPods {
    store: Store,
    pod: String,
}

impl TrustedPods {
    /// Opens the keys that a pod trusts.
    pub fn new(store: &Store, pod: &PodUrl) -> Self {
        Self { store: store.clone(), pod: pod.as_str().to_owned() }
    }

    /// Lists the keys added on the board, by host.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self) -> Result<Vec<TrustedPod>, StoreError> {
        let sql = format!("SELECT {TRUSTED_POD} FROM pappus_trusted_pods WHERE pod = ? ORDER BY host, id");
        let rows = self.store.rows("listing trusted pods", &sql, &[(&self.pod).into()]).await?;
        rows.iter().map(TrustedPod::read).collect()
    }

    /// Returns all keys that are trusted now: those of the configuration, and those added on the board.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all(&self, configured: &[PodPin]) -> Result<Vec<PodPin>, StoreError> {
        let added = self.list().await?.into_iter().map(|trusted| trusted.pin);
        Ok(configured.iter().cloned().chain(added).collect())
    }

    /// Returns the key with this ID.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn by_id(&self, id: i64) -> Result<Option<TrustedPod>, StoreError> {
        let sql = format!("SELECT {TRUSTED_POD} FROM pappus_trusted_pods WHERE pod = ? AND id = ?");
        let values = [(&self.pod).into(), id.into()];
        let row = self.store.first("looking for a trusted pod", &sql, &values).await?;
        row.as_ref().map(TrustedPod::read).transpose()
    }

    /// Adds a key and returns it; `None` if it was added before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add(&self, pin: &PodPin, podmin: &str, now: i64) -> Result<Option<TrustedPod>, StoreError> {
        let sql = format!(
            "INSERT INTO pappus_trusted_pods (pod, host, fingerprint, added_by, added_at) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (pod, host, fingerprint) DO NOTHING RETURNING {TRUSTED_POD}"
        );
        let values =
            [(&self.pod).into(), (&pin.host).into(), (&pin.fingerprint).into(), podmin.into(), now.into()];
        let row = self.store.first("adding a trusted pod", &sql, &values).await?;
        row.as_ref().map(TrustedPod::read).transpose()
    }

    /// Removes a key and returns it; `None` if there is none with this ID.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove(&self, id: i64) -> Result<Option<PodPin>, StoreError> {
        let sql = "DELETE FROM pappus_trusted_pods WHERE pod = ? AND id = ? RETURNING host, fingerprint";
        let values = [(&self.pod).into(), id.into()];
        let row = self.store.first("removing a trusted pod", sql, &values).await?;
        row.as_ref().map(pin).transpose()
    }
}

impl Newcomers {
    /// Adapts the stored proofs of archives that are not imported yet to the pod keys that are trusted now, so that the
    /// pages and the next choice use them. Clears approvals of archives that are unproven without a removed key.
    ///
    /// This does not replace the checks of the steps, which collect their evidence again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn apply_pins(&self, pins: &[PodPin]) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {NEWCOMER} FROM pappus_newcomers WHERE pod = ? AND state IN ('checked', 'waiting') \
             AND evidence IS NOT NULL ORDER BY id"
        );
        let rows =
            self.store.rows("looking for newcomers with evidence", &sql, &[(&self.pod).into()]).await?;
        let newcomers: Vec<Newcomer> = rows.iter().map(Newcomer::from_row).collect::<Result<_, _>>()?;
        for newcomer in newcomers {
            let Some(adapted) = AdaptedProof::of(&newcomer, pins) else { continue };
            // If the archive was replaced or checked meanwhile, its new proof stays.
            let sql = "UPDATE pappus_newcomers SET proof = ?, evidence = ?, plan = ?, approved = ? WHERE pod = ? \
                       AND id = ? AND state = ? AND proof = ? AND archive_sha256 IS NOT DISTINCT FROM ?";
            let evidence = serde_json::to_string(&adapted.evidence).unwrap_or_default();
            let values = [
                adapted.proof.into(),
                evidence.into(),
                adapted.plan.as_deref().into(),
                adapted.approved.map(i64::from).into(),
                (&self.pod).into(),
                newcomer.id.into(),
                newcomer.state.as_str().into(),
                newcomer.proof.as_deref().into(),
                newcomer.archive_sha256.as_deref().into(),
            ];
            self.store.execute("adapting the proof of an archive", sql, &values).await?;
        }
        Ok(())
    }

    /// Counts the moves that are not announced yet and whose archives are proven only by this key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn proven_by(&self, pin: &PodPin) -> Result<usize, StoreError> {
        let sql = format!(
            "SELECT {NEWCOMER} FROM pappus_newcomers WHERE pod = ? AND proof = ? \
             AND state IN ('checked', 'waiting', 'importing', 'failed', 'imported', 'announcing')"
        );
        let values = [(&self.pod).into(), Proof::PinnedPodKey.as_str().into()];
        let rows = self.store.rows("counting newcomers from a trusted pod", &sql, &values).await?;
        let newcomers: Vec<Newcomer> = rows.iter().map(Newcomer::from_row).collect::<Result<_, _>>()?;
        let pins = std::slice::from_ref(pin);
        let is_proven = |evidence: &Evidence| evidence.with_pins(pins).is_pinned();
        Ok(newcomers.iter().filter(|newcomer| newcomer.evidence.as_ref().is_some_and(is_proven)).count())
    }
}

/// The proof of an archive, by the pod keys that are trusted now.
struct AdaptedProof<'a> {
    proof: &'a str,
    evidence: Evidence,
    plan: Option<String>,
    approved: Option<bool>,
}

impl<'a> AdaptedProof<'a> {
    /// Returns the changes for a newcomer; `None` if there are none.
    fn of(newcomer: &'a Newcomer, pins: &[PodPin]) -> Option<Self> {
        let (old_evidence, old_proof) = (newcomer.evidence.as_ref()?, newcomer.proof.as_deref()?);
        let evidence = old_evidence.with_pins(pins);
        let (unproven, pinned) = (Proof::Unproven.as_str(), Proof::PinnedPodKey.as_str());
        let proof = if old_proof == unproven && evidence.is_pinned() {
            pinned
        } else if old_proof == pinned && !evidence.is_pinned() {
            unproven
        } else {
            old_proof
        };
        let is_changed = proof != old_proof;
        if !is_changed && evidence == *old_evidence {
            return None;
        }
        let is_lost = is_changed && proof == unproven;
        let mut plan = newcomer.plan.clone();
        if let Some(mut summary) = PlanSummary::read(plan.as_deref()).filter(|_| is_changed) {
            summary.set_unproven(is_lost, &evidence.account);
            plan = Some(summary.text());
        }
        Some(Self { proof, evidence, plan, approved: newcomer.approved.filter(|_| !is_lost) })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::arrivals::{NewNewcomer, Start};
    use crate::sql::DatabaseUrl;

    const KEY: &str = "SHA256:3f5ce729c77b3df2e5b449dc9ea9c3237c97413db99bdb2784e8d6eca7fb3720";
    const OTHER: &str = "SHA256:00112233c77b3df2e5b449dc9ea9c3237c97413db99bdb2784e8d6eca7fb3720";

    async fn empty() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("store.db").display());
        let store = Store::open(&DatabaseUrl::parse(&url).unwrap()).await.unwrap();
        (folder, store)
    }

    fn pod(url: &str) -> PodUrl {
        PodUrl::parse(url).unwrap()
    }

    fn pin(host: &str, key: &str) -> PodPin {
        PodPin::new(host, key).unwrap()
    }

    #[tokio::test]
    async fn keys_are_added_once_and_belong_to_one_pod() {
        let (_folder, store) = empty().await;
        let trusted = TrustedPods::new(&store, &pod("https://pod.example/"));
        let other_pod = TrustedPods::new(&store, &pod("https://other.example/"));
        let (first, second) = (pin("closing.example", KEY), pin("closing.example", OTHER));
        let added = trusted.add(&first, "greta@pod.example", 1_000).await.unwrap().unwrap();
        assert_eq!((&added.pin, added.added_by.as_str()), (&first, "greta@pod.example"));
        assert_eq!(added.added_at.timestamp_millis(), 1_000);
        assert_eq!(trusted.add(&first, "eve@pod.example", 2_000).await.unwrap(), None);
        assert_eq!(trusted.list().await.unwrap(), std::slice::from_ref(&added));
        assert_eq!(trusted.by_id(added.id).await.unwrap(), Some(added.clone()));
        // Another pod that shares the store does not trust the key, and cannot remove it.
        assert!(other_pod.list().await.unwrap().is_empty());
        assert_eq!(other_pod.by_id(added.id).await.unwrap(), None);
        assert_eq!(other_pod.remove(added.id).await.unwrap(), None);
        let all = trusted.all(std::slice::from_ref(&second)).await.unwrap();
        assert_eq!(all, [second.clone(), first.clone()]);

        assert_eq!(trusted.remove(added.id).await.unwrap(), Some(first.clone()));
        assert_eq!(trusted.remove(added.id).await.unwrap(), None);
        let added_again = trusted.add(&first, "greta@pod.example", 3_000).await.unwrap().unwrap();
        assert!(added_again.id > added.id, "a form that was opened before would remove another key");
    }

    /// Adds a newcomer whose archive was checked.
    async fn checked(newcomers: &Newcomers, store: &Store, proof: &str, approved: &str) -> i64 {
        let start = Start { address: "192.0.2.1", per_day: 10, per_address: 10 };
        let newcomer = NewNewcomer { language: "en", invitation: None, start };
        let mut transaction = store.begin().await.unwrap();
        let day = Duration::from_hours(24);
        let secret = newcomers.begin(&mut transaction, &newcomer, 1_000, day).await.unwrap().unwrap();
        transaction.commit().await.unwrap();
        let id = newcomers.with_secret(&secret).await.unwrap().unwrap().id;
        let evidence = Evidence {
            account: "ida@closing.example".to_owned(),
            signed_by: Some(KEY.to_owned()),
            ..Evidence::default()
        };
        let mut plan = PlanSummary::default();
        plan.set_unproven(proof == "unproven", "ida@closing.example");
        let sql = format!(
            "UPDATE pappus_newcomers SET state = 'checked', proof = '{proof}', approved = {approved}, evidence = ?, \
             plan = ? WHERE id = {id}"
        );
        let values = [serde_json::to_string(&evidence).unwrap().into(), plan.text().into()];
        store.execute("a test", &sql, &values).await.unwrap();
        id
    }

    /// Returns proof, number of findings and approval.
    async fn now(newcomers: &Newcomers, id: i64) -> (String, usize, Option<bool>) {
        let newcomer = newcomers.by_id(id).await.unwrap().unwrap();
        let plan = PlanSummary::read(newcomer.plan.as_deref()).unwrap();
        (newcomer.proof.unwrap(), plan.findings.len(), newcomer.approved)
    }

    #[tokio::test]
    async fn a_key_proves_only_archives_that_it_signed_for_people_of_its_own_pod() {
        let (_folder, store) = empty().await;
        let newcomers = Newcomers::new(&store, &pod("https://pod.example/"));
        let ida = checked(&newcomers, &store, "unproven", "NULL").await;
        let known = checked(&newcomers, &store, "hcard", "1").await;
        for unrelated in [pin("other.example", KEY), pin("closing.example", OTHER)] {
            newcomers.apply_pins(&[unrelated]).await.unwrap();
            assert_eq!(now(&newcomers, ida).await, ("unproven".to_owned(), 1, None));
        }
        let own_pin = pin("closing.example", KEY);
        newcomers.apply_pins(&[pin("other.example", KEY), own_pin.clone()]).await.unwrap();
        assert_eq!(now(&newcomers, ida).await, ("pinned_pod_key".to_owned(), 0, None));
        assert_eq!(now(&newcomers, known).await, ("hcard".to_owned(), 0, Some(true)));
        let evidence = newcomers.by_id(ida).await.unwrap().unwrap().evidence.unwrap();
        assert_eq!(evidence.pinned, [KEY]);
        assert_eq!(newcomers.proven_by(&own_pin).await.unwrap(), 1);
        assert_eq!(newcomers.proven_by(&pin("other.example", KEY)).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn removing_a_trusted_key_removes_proof_and_approval() {
        let (_folder, store) = empty().await;
        let newcomers = Newcomers::new(&store, &pod("https://pod.example/"));
        let ida = checked(&newcomers, &store, "pinned_pod_key", "1").await;
        let known = checked(&newcomers, &store, "cached_person", "1").await;
        newcomers.apply_pins(&[pin("closing.example", KEY)]).await.unwrap();
        assert_eq!(now(&newcomers, ida).await, ("pinned_pod_key".to_owned(), 0, Some(true)));
        newcomers.apply_pins(&[]).await.unwrap();
        assert_eq!(now(&newcomers, ida).await, ("unproven".to_owned(), 1, None));
        assert_eq!(now(&newcomers, known).await, ("cached_person".to_owned(), 0, Some(true)));
    }
}
