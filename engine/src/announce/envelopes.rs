//! Who is told what.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;
use url::Url;

use super::AnnounceError;
use super::recipient::{Recipient, pod_address};
use super::sealer::Sealer;
use crate::delivery::{Kind, Ledger, NewDelivery};
use crate::domain::{DiasporaId, Guid, PrivateKey, Profile, SigningKey, Timestamp};
use crate::federation::{AccountMigration, FederationEntity, MagicEnvelope};
use crate::import::ImportRecord;
use crate::pod::database::{Cell as _, PodWriter};
use crate::store::Store;

/// Recipients whose envelopes are made at a time.
const PAGE: usize = 200;

/// Pods that are told; the network has fewer.
const MAX_PODS: usize = 10_000;

/// What has been queued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Announced {
    /// Who the account was.
    pub old: DiasporaId,
    /// Who it is.
    pub new: DiasporaId,
    /// Pods that are told of the move.
    pub pods: u64,
    /// People on other pods who get a message of their own.
    pub people: u64,
    /// Contacts in the archive whom this pod does not know: their pods are told, and they get no message of their own.
    pub unknown: u64,
    /// Deliveries that are new in the ledger.
    pub queued: u64,
    /// People who cannot be told, with the reason.
    pub by_hand: Vec<(String, String)>,
}

/// Who the account was, as the archive says.
pub(super) struct OldAccount {
    pub(super) id: DiasporaId,
    /// Stock archives do not tell it.
    pub(super) guid: Option<Guid>,
    pub(super) key: SigningKey,
}

/// An account that is being announced.
pub(super) struct Announcer {
    pub(super) pod: PodWriter,
    pub(super) now: Timestamp,
    pub(super) old: OldAccount,
    /// Whether something showed that the archive was the account's.
    pub(super) proven: bool,
    pub(super) new_person: i64,
    pub(super) new_user: i64,
    import: String,
    new: DiasporaId,
    new_key: SigningKey,
    profile: Profile,
    photos_at: Option<String>,
}

impl Announcer {
    pub(super) async fn open(
        mut pod: PodWriter,
        now: Timestamp,
        import: &ImportRecord,
        old: OldAccount,
    ) -> Result<Self, AnnounceError> {
        let gone = || AnnounceError::Gone(import.new_username.clone());
        let sql = "SELECT p.id, u.id, p.diaspora_handle, u.serialized_private_key FROM people p \
                   JOIN users u ON u.id = p.owner_id WHERE p.guid IN ({})";
        let rows = pod.rows_in("the new account", sql, &[&import.person_guid]).await?;
        let row = rows.first().ok_or_else(gone)?;
        let (new_person, new_user) = (row.integer(0).ok_or_else(gone)?, row.integer(1).ok_or_else(gone)?);
        let new: DiasporaId = row.text(2).and_then(|id| id.parse().ok()).ok_or_else(gone)?;
        let new_key = PrivateKey::from_pem(row.text(3).unwrap_or_default()).signing_key()?;
        let profile = read_profile(&mut pod, new_person, &new).await?;
        let sql = format!(
            "SELECT remote_photo_path FROM photos WHERE author_id = {new_person} AND processed_image IS NOT NULL \
             AND remote_photo_path IS NOT NULL ORDER BY id DESC LIMIT 1"
        );
        // Where the import has put them, on this pod or on S3.
        let photos_at = pod.rows("photos", sql, &[]).await?.first().and_then(|row| row.filled(0));
        let (proven, import) = (import.is_proven(), import.id.clone());
        Ok(Self { pod, now, old, proven, new_person, new_user, import, new, new_key, profile, photos_at })
    }

    /// The announcement. The new account's signature is over the two names only, so it is the same each time.
    pub(super) fn migration(&self) -> Result<AccountMigration, AnnounceError> {
        let photos = self.photos_at.clone();
        Ok(AccountMigration::sign(self.old.id.clone(), self.profile.clone(), photos, &self.new_key)?)
    }

    /// Puts every delivery into the ledger.
    ///
    /// `contacts` are those of the archive; the new account need not have them all.
    pub(super) async fn queue(
        &mut self,
        store: &Store,
        contacts: &BTreeSet<DiasporaId>,
    ) -> Result<Announced, AnnounceError> {
        let ledger = Ledger::new(store);
        let (mut by_hand, mut people, mut queued) = (Vec::new(), 0, 0);
        let at = self.now.to_utc().and_utc();
        let recipients = self.recipients(&mut by_hand).await?;
        let mut pods: BTreeMap<Url, Vec<DiasporaId>> =
            recipients.iter().map(|recipient| (recipient.pod.clone(), Vec::new())).collect();
        let unknown = self.add_pods_of_unknown(&mut pods, contacts, &recipients, &mut by_hand).await?;
        let envelope = MagicEnvelope::seal(&self.old.id, &self.old.key, &self.migration()?.to_xml())?;
        let told = pods.len() as u64;
        let public: Vec<NewDelivery> = pods
            .into_iter()
            .filter_map(|(pod, people)| Some((pod.join("receive/public").ok()?, people)))
            .map(|(url, people)| NewDelivery {
                import_id: self.import.clone(),
                account: self.old.id.clone(),
                kind: Kind::AccountMigration,
                url,
                recipient: None,
                people,
                content_type: "application/magic-envelope+xml".to_owned(),
                body: envelope.clone().into_bytes(),
            })
            .collect();
        queued += ledger.enqueue(public, at).await?;
        let profile = MagicEnvelope::seal(&self.new, &self.new_key, &self.profile.to_xml())?;
        // The old pod is told of the move and of nothing else.
        let contacts: Vec<&Recipient> = recipients.iter().filter(|person| person.shares.is_some()).collect();
        let sealer = Sealer {
            import: &self.import,
            old: &self.old.id,
            new: &self.new,
            new_key: &self.new_key,
            profile: &profile,
        };
        for page in contacts.chunks(PAGE) {
            // What a run that was broken off has queued need not be sealed again.
            let urls: Vec<Url> = page.iter().filter_map(|recipient| recipient.address().ok()).collect();
            let there = ledger.queued(&self.import, Kind::Profile, &urls).await?;
            let is_there =
                |recipient: &Recipient| recipient.address().is_ok_and(|url| there.contains(url.as_str()));
            let page: Vec<&Recipient> = page
                .iter()
                .copied()
                .inspect(|_| people += 1)
                .filter(|recipient| !is_there(recipient))
                .collect();
            let mut batch = Vec::with_capacity(page.len() * 2);
            for (recipient, sealed) in page.iter().zip(sealer.seal(&page)) {
                match sealed {
                    Ok(deliveries) => batch.extend(deliveries),
                    Err(error) => {
                        people -= 1;
                        by_hand.push((recipient.id.to_string(), error.to_string()));
                    }
                }
            }
            queued += ledger.enqueue(batch, at).await?;
        }
        let (old, new) = (self.old.id.clone(), self.new.clone());
        Ok(Announced { old, new, pods: told, people, unknown, queued, by_hand })
    }

    /// Pods of contacts whom this pod does not know, with these people. They need not be reachable now; gives how many
    /// people that are.
    async fn add_pods_of_unknown(
        &mut self,
        pods: &mut BTreeMap<Url, Vec<DiasporaId>>,
        contacts: &BTreeSet<DiasporaId>,
        recipients: &[Recipient],
        by_hand: &mut Vec<(String, String)>,
    ) -> Result<u64, AnnounceError> {
        let mut told: HashSet<&str> = recipients.iter().map(|recipient| recipient.id.as_str()).collect();
        let handles: Vec<&str> = contacts.iter().map(DiasporaId::as_str).collect();
        // Who has left their pod themselves needs no word there.
        let sql = "SELECT diaspora_handle FROM people WHERE diaspora_handle IN ({}) AND closed_account";
        let gone: Vec<String> = self
            .pod
            .rows_in("people who are gone", sql, &handles)
            .await?
            .iter()
            .filter_map(|row| row.text(0))
            .collect();
        told.extend(gone.iter().map(String::as_str));
        told.extend(by_hand.iter().map(|(person, _)| person.as_str()).collect::<Vec<_>>());
        let mut addresses: HashMap<String, Url> = HashMap::new();
        let rows = self.pod.rows("pods", "SELECT host, port, \"ssl\" FROM pods".to_owned(), &[]).await?;
        for url in rows.iter().filter_map(|row| pod_address(row, 0).ok()).chain(pods.keys().cloned()) {
            addresses.insert(url.authority().to_owned(), url);
        }
        let (mut unknown, mut left_out) = (0, Vec::new());
        for contact in contacts {
            if contact.host() == self.new.host() || told.contains(contact.as_str()) {
                continue;
            }
            let known = addresses.get(contact.host()).cloned();
            let Some(pod) = known.or_else(|| Url::parse(&format!("https://{}/", contact.host())).ok()) else {
                left_out.push((contact.to_string(), "the pod's address is wrong".to_owned()));
                continue;
            };
            if pods.len() >= MAX_PODS && !pods.contains_key(&pod) {
                left_out.push((contact.to_string(), "the account knows too many pods".to_owned()));
                continue;
            }
            unknown += 1;
            pods.entry(pod).or_default().push(contact.clone());
        }
        by_hand.extend(left_out);
        Ok(unknown)
    }

    /// The account's contacts on other pods, and the old person, whose pod closes the account.
    async fn recipients(
        &mut self,
        by_hand: &mut Vec<(String, String)>,
    ) -> Result<Vec<Recipient>, AnnounceError> {
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
        for (row, shares) in
            contacts.iter().map(|row| (row, row.boolean(6))).chain(old.iter().map(|row| (row, None)))
        {
            match Recipient::new(row, shares) {
                Ok(recipient) => _ = people.entry(recipient.id.clone()).or_insert(recipient),
                Err(reason) => by_hand.push((row.text(0).unwrap_or_default(), reason.to_owned())),
            }
        }
        Ok(people.into_values().collect())
    }
}

/// The new account's profile as it goes to other pods.
async fn read_profile(pod: &mut PodWriter, person: i64, id: &DiasporaId) -> Result<Profile, AnnounceError> {
    let sql = format!(
        "SELECT id, first_name, last_name, image_url, image_url_medium, image_url_small, bio, birthday, gender, \
         location, searchable, public_details, nsfw, updated_at FROM profiles WHERE person_id = {person}"
    );
    let rows = pod.rows("the profile", sql, &[]).await?;
    let Some(row) = rows.first() else { return Err(AnnounceError::Gone(id.to_string())) };
    let sql = format!(
        "SELECT t.name FROM taggings g JOIN tags t ON t.id = g.tag_id WHERE g.taggable_type = 'Profile' \
         AND g.taggable_id = {} ORDER BY g.id",
        row.integer(0).unwrap_or(0)
    );
    let tags = pod.rows("the profile's tags", sql, &[]).await?;
    let tags: Vec<String> =
        tags.iter().filter_map(|row| row.text(0)).map(|name| format!("#{name}")).collect();
    Ok(Profile {
        author: id.clone(),
        edited_at: row.time(13),
        full_name: None,
        first_name: row.filled(1),
        last_name: row.filled(2),
        image_url: row.filled(3),
        image_url_medium: row.filled(4),
        image_url_small: row.filled(5),
        bio: row.filled(6),
        birthday: row.date(7),
        gender: row.filled(8),
        location: row.filled(9),
        searchable: row.boolean(10),
        public: row.boolean(11),
        nsfw: row.boolean(12),
        tag_string: (!tags.is_empty()).then(|| tags.join(" ")),
    })
}
