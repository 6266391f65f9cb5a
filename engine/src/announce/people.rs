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

/// The maximum number of pods notified; the network has fewer.
const MAX_PODS: usize = 10_000;
/// The maximum number of moves in a chain that is followed; a longer one is a loop or abuse.
const MAX_CHAIN_MOVES: usize = 16;

/// The reason why neither a person nor their pod can be notified.
const WRONG_ADDRESS: &str = "the pod's address is wrong";

/// A person who gets no personal message, because their key or GUID cannot be used or their pod has no row.
struct PodOnly {
    person: DiasporaId,
    /// None if this pod has no usable address of the pod.
    pod: Option<Url>,
    /// False for the old person.
    is_contact: bool,
}

/// Everyone to be notified.
#[derive(Default)]
pub(super) struct Audience {
    /// Recipients of personal messages, and the old person, whose pod closes the account.
    pub(super) recipients: Vec<Recipient>,
    /// Every pod to be notified, with the people there who get no personal message.
    pub(super) pods: BTreeMap<Url, Vec<DiasporaId>>,
    /// The number of the archive's contacts that this pod does not know.
    pub(super) unknown: u64,
    /// Pods that this pod cannot reach, with the time of the first failure.
    pub(super) offline: Vec<(String, DateTime<Utc>)>,
    /// Everyone who knows the account, under their current IDs.
    pub(super) known: Vec<KnownPerson>,
    /// People who cannot be notified, with the reason.
    pub(super) by_hand: Vec<(String, String)>,
}

impl Audience {
    /// Returns the pods that can be recognised as Hubzilla without a request, by people whom this pod knows. The
    /// archive's claims about people do not count: they would decide how the messages of all accounts are sent to
    /// their pods.
    pub(super) fn hubzillas(&self) -> Vec<String> {
        let is_hubzilla = |person: &&Recipient| {
            !person.is_claimed && is_hubzilla_person(person.id.host(), &person.guid, &person.key)
        };
        let pods: BTreeSet<String> =
            self.recipients.iter().filter(is_hubzilla).map(|person| place(&person.pod)).collect();
        pods.into_iter().collect()
    }

    /// Adds the pods of people who get no personal message.
    fn add_pods_of(&mut self, people: Vec<PodOnly>, addresses: &HashMap<String, Url>) {
        for PodOnly { person, pod, is_contact } in people {
            match pod.or_else(|| pod_of(&person, addresses)) {
                Some(pod) => {
                    let people = self.pods.entry(pod).or_default();
                    people.extend(is_contact.then_some(person));
                }
                None => self.by_hand.push((person.to_string(), WRONG_ADDRESS.to_owned())),
            }
        }
    }

    /// Returns the pods of all people who are notified so far.
    fn pods_of_people(&self) -> HashMap<DiasporaId, Url> {
        let of_recipients = self.recipients.iter().map(|person| (person.id.clone(), person.pod.clone()));
        let of_pod = |(pod, people): (&Url, &Vec<DiasporaId>)| {
            people.iter().map(|person| (person.clone(), pod.clone())).collect::<Vec<_>>()
        };
        of_recipients.chain(self.pods.iter().flat_map(of_pod)).collect()
    }
}

impl Announcer {
    /// Returns everyone to be notified; `contacts` are those of the archive.
    pub(super) async fn audience(
        &mut self,
        contacts: &BTreeMap<DiasporaId, ClaimedContact>,
    ) -> Result<Audience, AnnounceError> {
        let mut audience = Audience::default();
        let without_message = self.add_recipients(&mut audience).await?;
        let addresses = self.addresses(&mut audience).await?;
        audience.add_pods_of(without_message, &addresses);
        let moves = self.moves().await?;
        let contacts: Vec<(DiasporaId, &ClaimedContact)> = contacts
            .iter()
            .map(|(contact, claimed)| (newest(contact, &moves), claimed))
            .filter(|(contact, _)| *contact != self.old.id && *contact != self.new_id)
            .collect();
        self.add_pods_of_unknown(&mut audience, &contacts, &addresses).await?;
        Ok(audience)
    }

    /// Adds the account's contacts on other pods, and the old person. Returns those who get no personal message.
    async fn add_recipients(&mut self, audience: &mut Audience) -> Result<Vec<PodOnly>, AnnounceError> {
        let (user, new_person) = (self.new_user, self.new_person);
        let sql = format!(
            "SELECT p.diaspora_handle, p.guid, p.serialized_public_key, d.host, d.port, d.\"ssl\", c.receiving \
             FROM contacts c JOIN people p ON p.id = c.person_id LEFT JOIN pods d ON d.id = p.pod_id \
             WHERE c.user_id = {user} AND p.owner_id IS NULL ORDER BY p.id"
        );
        let contacts = self.pod.rows("the contacts", sql, &[]).await?;
        let sql = format!(
            "SELECT p.diaspora_handle, p.guid, p.serialized_public_key, d.host, d.port, d.\"ssl\" \
             FROM account_migrations m JOIN people p ON p.id = m.old_person_id LEFT JOIN pods d ON d.id = p.pod_id \
             WHERE m.new_person_id = {new_person} AND p.owner_id IS NULL"
        );
        let old = self.pod.rows("the old person", sql, &[]).await?;
        let (mut people, mut without_message) = (BTreeMap::new(), Vec::new());
        let contacts = contacts.iter().map(|row| (row, row.boolean("receiving")));
        for (row, shares) in contacts.chain(old.iter().map(|row| (row, None))) {
            match Recipient::from_row(row, shares) {
                Ok(recipient) => _ = people.entry(recipient.id.clone()).or_insert(recipient),
                Err(reason) => {
                    let id = row.text("diaspora_handle").unwrap_or_default();
                    match id.parse() {
                        Ok(person) => without_message.push(PodOnly {
                            person,
                            pod: pod_address(row).ok(),
                            is_contact: shares.is_some(),
                        }),
                        Err(_) => audience.by_hand.push((id, reason.to_owned())),
                    }
                }
            }
        }
        audience.recipients = people.into_values().collect();
        audience.pods =
            audience.recipients.iter().map(|recipient| (recipient.pod.clone(), Vec::new())).collect();
        Ok(without_message)
    }

    /// Returns the moves that this pod knows, from old to new ID.
    async fn moves(&mut self) -> Result<HashMap<DiasporaId, DiasporaId>, DatabaseError> {
        let sql = "SELECT o.diaspora_handle AS old_handle, n.diaspora_handle AS new_handle \
                   FROM account_migrations m JOIN people o ON o.id = m.old_person_id \
                   JOIN people n ON n.id = m.new_person_id";
        let rows = self.pod.rows("the account migrations", sql.to_owned(), &[]).await?;
        let account_move =
            |row: &Row| Some((row.text("old_handle")?.parse().ok()?, row.text("new_handle")?.parse().ok()?));
        Ok(rows.iter().filter_map(account_move).collect())
    }

    /// Adds the archive's contacts that are no contacts here: their pods, which need not be reachable now, and personal
    /// messages if this pod does not know them and the archive contains GUID and key.
    async fn add_pods_of_unknown(
        &mut self,
        audience: &mut Audience,
        contacts: &[(DiasporaId, &ClaimedContact)],
        addresses: &HashMap<String, Url>,
    ) -> Result<(), AnnounceError> {
        let notified_pods = audience.pods_of_people();
        let closed = self.closed_accounts(contacts).await?;
        let mut seen = HashSet::new();
        for (contact, claimed) in contacts {
            // People who have closed their accounts need no message.
            let is_closed = closed.get(contact.as_str()).copied();
            if is_closed == Some(true) || !seen.insert(contact) {
                continue;
            }
            let notified_pod = notified_pods.get(contact).cloned();
            let Some(pod) = notified_pod.or_else(|| pod_of(contact, addresses)) else {
                audience.by_hand.push((contact.to_string(), WRONG_ADDRESS.to_owned()));
                continue;
            };
            audience.known.push(KnownPerson {
                person: contact.clone(),
                pod: place(&pod),
                is_friend: claimed.is_friend,
            });
            let is_here = contact.host() == self.new_id.host();
            if is_here || notified_pods.contains_key(contact) {
                continue;
            }
            if audience.pods.len() >= MAX_PODS && !audience.pods.contains_key(&pod) {
                audience.by_hand.push((contact.to_string(), "the account knows too many pods".to_owned()));
                continue;
            }
            let people = audience.pods.entry(pod.clone()).or_default();
            // Known here, but no contact: removed or ignored since the import. The archive no longer shows whether the
            // account shares with them.
            if is_closed.is_some() {
                people.push(contact.clone());
                continue;
            }
            audience.unknown += 1;
            match Recipient::from_archive(contact, claimed, pod) {
                Some(recipient) => audience.recipients.push(recipient),
                None => people.push(contact.clone()),
            }
        }
        Ok(())
    }

    /// Returns the contacts whom this pod knows, each with whether the account is closed.
    async fn closed_accounts(
        &mut self,
        contacts: &[(DiasporaId, &ClaimedContact)],
    ) -> Result<HashMap<String, bool>, DatabaseError> {
        let handles: Vec<&str> = contacts.iter().map(|(contact, _)| contact.as_str()).collect();
        let sql = "SELECT diaspora_handle, closed_account FROM people WHERE diaspora_handle IN ({})";
        let rows = self.pod.rows_in("the contacts' accounts", sql, &handles).await?;
        let read =
            |row: &Row| Some((row.text("diaspora_handle")?, row.boolean("closed_account").unwrap_or(false)));
        Ok(rows.iter().filter_map(read).collect())
    }

    /// Returns the addresses of the pods that this pod knows, by host and port; adds those that it cannot reach
    /// (`Pod#offline_since`) to the audience.
    async fn addresses(&mut self, audience: &mut Audience) -> Result<HashMap<String, Url>, DatabaseError> {
        let sql = "SELECT host, port, \"ssl\", offline_since FROM pods";
        let rows = self.pod.rows("pods", sql.to_owned(), &[]).await?;
        let offline =
            |row: &Row| Some((place(&pod_address(row).ok()?), row.time("offline_since")?.to_utc().and_utc()));
        audience.offline = rows.iter().filter_map(offline).collect();
        let urls = rows.iter().filter_map(|row| pod_address(row).ok());
        let urls = urls.chain(audience.pods.keys().cloned());
        Ok(urls.map(|url| (url.authority().to_owned(), url)).collect())
    }
}

/// Returns the address of a person's pod: as this pod knows it, or by the diaspora* ID.
fn pod_of(person: &DiasporaId, addresses: &HashMap<String, Url>) -> Option<Url> {
    let address = addresses.get(person.host()).cloned();
    address.or_else(|| Url::parse(&format!("https://{}/", person.host())).ok())
}

/// Follows a person's moves to their current ID.
fn newest(person: &DiasporaId, moves: &HashMap<DiasporaId, DiasporaId>) -> DiasporaId {
    let mut current = person;
    for _ in 0..MAX_CHAIN_MOVES {
        match moves.get(current) {
            Some(next) => current = next,
            None => break,
        }
    }
    current.clone()
}
