//! The audience of an announcement: the account's contacts here, the archive's contacts that this pod does not know,
//! and their pods.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use url::Url;

use super::AnnounceError;
use super::envelopes::Announcer;
use super::recipient::{Recipient, pod_address};
use super::source::ClaimedContact;
use crate::delivery::{KnownPerson, is_hubzilla_person};
use crate::domain::DiasporaId;
use crate::http::place;
use crate::pod::database::DatabaseError;
use crate::sql::Row;

/// Largest number of pods notified; the network has fewer.
const MAX_PODS: usize = 10_000;
/// Longest chain of moves that is followed; a longer one is a loop or abuse.
const MAX_CHAIN: usize = 16;

/// Everyone to be notified.
#[derive(Default)]
pub(super) struct Audience {
    /// Recipients of personal messages, and the old person, whose pod closes the account.
    pub(super) recipients: Vec<Recipient>,
    /// Every pod to be notified, with the people there who get no personal message.
    pub(super) pods: BTreeMap<Url, Vec<DiasporaId>>,
    /// Number of the archive's contacts that this pod does not know.
    pub(super) unknown: u64,
    /// Pods that this pod cannot reach either, and since when.
    pub(super) offline: Vec<(String, DateTime<Utc>)>,
    /// Everyone who knows the account, under their current IDs.
    pub(super) known: Vec<KnownPerson>,
    /// People who cannot be notified, with the reason.
    pub(super) by_hand: Vec<(String, String)>,
}

impl Audience {
    /// Returns the pods that can be recognised as Hubzilla without a request, by people whom this pod knows. What an
    /// archive claims about a pod's people would decide how the messages of all accounts are sent there.
    pub(super) fn hubzillas(&self) -> Vec<String> {
        let shown = |person: &&Recipient| {
            !person.is_claimed && is_hubzilla_person(person.id.host(), &person.guid, &person.key)
        };
        let pods: BTreeSet<String> =
            self.recipients.iter().filter(shown).map(|person| place(&person.pod)).collect();
        pods.into_iter().collect()
    }
}

impl Announcer {
    /// Returns everyone to be notified; `contacts` are those of the archive.
    pub(super) async fn audience(
        &mut self,
        contacts: &BTreeMap<DiasporaId, ClaimedContact>,
    ) -> Result<Audience, AnnounceError> {
        let mut audience = Audience::default();
        self.add_recipients(&mut audience).await?;
        let moves = self.moves().await?;
        let contacts: Vec<(DiasporaId, &ClaimedContact)> = contacts
            .iter()
            .map(|(contact, claimed)| (newest(contact, &moves), claimed))
            .filter(|(contact, _)| *contact != self.old.id && *contact != self.new)
            .collect();
        self.add_pods_of_unknown(&mut audience, &contacts).await?;
        Ok(audience)
    }

    /// Adds the account's contacts on other pods, and the old person.
    async fn add_recipients(&mut self, audience: &mut Audience) -> Result<(), AnnounceError> {
        let (user, new) = (self.new_user, self.new_person);
        let sql = format!(
            "SELECT p.diaspora_handle, p.guid, p.serialized_public_key, d.host, d.port, d.\"ssl\", c.receiving \
             FROM contacts c JOIN people p ON p.id = c.person_id LEFT JOIN pods d ON d.id = p.pod_id \
             WHERE c.user_id = {user} AND p.owner_id IS NULL ORDER BY p.id"
        );
        let contacts = self.pod.rows("the contacts", sql, &[]).await?;
        let sql = format!(
            "SELECT p.diaspora_handle, p.guid, p.serialized_public_key, d.host, d.port, d.\"ssl\" \
             FROM account_migrations m JOIN people p ON p.id = m.old_person_id LEFT JOIN pods d ON d.id = p.pod_id \
             WHERE m.new_person_id = {new} AND p.owner_id IS NULL"
        );
        let old = self.pod.rows("the old person", sql, &[]).await?;
        let mut people = BTreeMap::new();
        let contacts = contacts.iter().map(|row| (row, row.boolean("receiving")));
        for (row, shares) in contacts.chain(old.iter().map(|row| (row, None))) {
            match Recipient::from_row(row, shares) {
                Ok(recipient) => _ = people.entry(recipient.id.clone()).or_insert(recipient),
                Err(reason) => {
                    let id = row.text("diaspora_handle").unwrap_or_default();
                    audience.by_hand.push((id, reason.to_owned()));
                }
            }
        }
        audience.recipients = people.into_values().collect();
        audience.pods =
            audience.recipients.iter().map(|recipient| (recipient.pod.clone(), Vec::new())).collect();
        Ok(())
    }

    /// Returns the moves this pod knows, from old to new ID.
    async fn moves(&mut self) -> Result<HashMap<DiasporaId, DiasporaId>, DatabaseError> {
        let sql = "SELECT o.diaspora_handle AS old_handle, n.diaspora_handle AS new_handle \
                   FROM account_migrations m JOIN people o ON o.id = m.old_person_id \
                   JOIN people n ON n.id = m.new_person_id";
        let rows = self.pod.rows("the account migrations", sql.to_owned(), &[]).await?;
        let known =
            |row: &Row| Some((row.text("old_handle")?.parse().ok()?, row.text("new_handle")?.parse().ok()?));
        Ok(rows.iter().filter_map(known).collect())
    }

    /// Adds the archive's contacts that this pod does not know: through their pods, which need not be reachable now,
    /// and with personal messages if the archive has GUID and key.
    async fn add_pods_of_unknown(
        &mut self,
        audience: &mut Audience,
        contacts: &[(DiasporaId, &ClaimedContact)],
    ) -> Result<(), AnnounceError> {
        let own_pods: HashMap<DiasporaId, Url> =
            audience.recipients.iter().map(|known| (known.id.clone(), known.pod.clone())).collect();
        let by_hand: HashSet<String> = audience.by_hand.iter().map(|(person, _)| person.clone()).collect();
        let gone = self.gone(contacts).await?;
        let addresses = self.addresses(audience).await?;
        let mut seen = HashSet::new();
        for (contact, claimed) in contacts {
            // People who have closed their accounts need no message.
            if gone.contains(contact.as_str()) || !seen.insert(contact) {
                continue;
            }
            let pod = own_pods.get(contact).or_else(|| addresses.get(contact.host())).cloned();
            let Some(pod) = pod.or_else(|| Url::parse(&format!("https://{}/", contact.host())).ok()) else {
                audience.by_hand.push((contact.to_string(), "the pod's address is wrong".to_owned()));
                continue;
            };
            audience.known.push(KnownPerson {
                person: contact.clone(),
                pod: place(&pod),
                is_friend: claimed.is_friend,
            });
            let is_here = contact.host() == self.new.host();
            if is_here || own_pods.contains_key(contact) || by_hand.contains(contact.as_str()) {
                continue;
            }
            if audience.pods.len() >= MAX_PODS && !audience.pods.contains_key(&pod) {
                audience.by_hand.push((contact.to_string(), "the account knows too many pods".to_owned()));
                continue;
            }
            audience.unknown += 1;
            let people = audience.pods.entry(pod.clone()).or_default();
            match Recipient::from_archive(contact, claimed, pod) {
                Some(recipient) => audience.recipients.push(recipient),
                None => people.push(contact.clone()),
            }
        }
        Ok(())
    }

    /// Returns the contacts whose accounts are closed.
    async fn gone(
        &mut self,
        contacts: &[(DiasporaId, &ClaimedContact)],
    ) -> Result<HashSet<String>, DatabaseError> {
        let handles: Vec<&str> = contacts.iter().map(|(contact, _)| contact.as_str()).collect();
        let sql = "SELECT diaspora_handle FROM people WHERE diaspora_handle IN ({}) AND closed_account";
        let rows = self.pod.rows_in("people who are gone", sql, &handles).await?;
        Ok(rows.iter().filter_map(|row| row.text("diaspora_handle")).collect())
    }

    /// Returns the addresses of the pods that this pod knows, and adds those it cannot reach (`Pod#offline_since`).
    async fn addresses(&mut self, audience: &mut Audience) -> Result<HashMap<String, Url>, DatabaseError> {
        let sql = "SELECT host, port, \"ssl\", offline_since FROM pods";
        let rows = self.pod.rows("pods", sql.to_owned(), &[]).await?;
        let offline =
            |row: &Row| Some((place(&pod_address(row).ok()?), row.time("offline_since")?.to_utc().and_utc()));
        audience.offline = rows.iter().filter_map(offline).collect();
        let known = rows.iter().filter_map(|row| pod_address(row).ok());
        let known = known.chain(audience.pods.keys().cloned());
        Ok(known.map(|url| (url.authority().to_owned(), url)).collect())
    }
}

/// Follows a person's moves to their current ID.
fn newest(person: &DiasporaId, moves: &HashMap<DiasporaId, DiasporaId>) -> DiasporaId {
    let mut now = person;
    for _ in 0..MAX_CHAIN {
        match moves.get(now) {
            Some(next) => now = next,
            None => break,
        }
    }
    now.clone()
}
