//! The messages of an announcement and their recipients.

use std::collections::BTreeMap;

use serde::Serialize;
use url::Url;

use super::AnnounceError;
use super::farewell;
use super::people::Audience;
use super::recipient::Recipient;
use super::sealer::MessageSealer;
use super::source::ClaimedContact;
use crate::delivery::{Kind, Ledger, NewDelivery, NewIdentity, Scope, System, profile_digest};
use crate::domain::{DiasporaId, Guid, PrivateKey, Profile, SigningKey, Timestamp};
use crate::federation::{AccountMigration, FederationEntity, MagicEnvelope};
use crate::import::{ImportRecord, photo_names_taken};
use crate::pod::database::PodWriter;
use crate::pod::profile::read_profile;
use crate::store::Store;

/// The number of recipients whose envelopes are sealed at a time.
const PAGE_RECIPIENTS: usize = 200;

/// Summary of a queued announcement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Announced {
    /// The account's old ID.
    pub old: DiasporaId,
    /// The account's new ID.
    pub new: DiasporaId,
    /// The number of pods notified of the move.
    pub pods: u64,
    /// The number of people on other pods who get a message of their own.
    pub people: u64,
    /// The number of contacts in the archive that this pod does not know: their pods are notified, and they get
    /// messages of their own if the archive has their GUID and key.
    pub unknown: u64,
    /// The number of friends, people who shared both ways, as [`Ledger::friends`] counts them.
    pub friends: u64,
    /// The number of deliveries that are new in the ledger.
    pub queued: u64,
    /// People who cannot be notified, with the reason.
    pub by_hand: Vec<(String, String)>,
}

/// The account's old identity, as in the archive.
pub(super) struct OldAccount {
    pub(super) id: DiasporaId,
    /// None in stock archives.
    pub(super) guid: Option<Guid>,
    pub(super) key: SigningKey,
}

/// An account that is being announced.
pub(super) struct Announcer {
    pub(super) pod: PodWriter,
    pub(super) now: Timestamp,
    pub(super) old: OldAccount,
    /// True if the archive was proven to be the account's.
    pub(super) is_proven: bool,
    pub(super) new_person: i64,
    pub(super) new_user: i64,
    pub(super) import: String,
    pub(super) new_id: DiasporaId,
    identity: NewIdentity,
    new_key: SigningKey,
    profile: Profile,
    photo_base_url: Option<String>,
}

impl Announcer {
    pub(super) async fn open(
        mut pod: PodWriter,
        store: &Store,
        now: Timestamp,
        import: &ImportRecord,
        old: OldAccount,
    ) -> Result<Self, AnnounceError> {
        let gone = || AnnounceError::Gone(import.new_username.clone());
        let sql = "SELECT p.id AS new_person, u.id AS new_user, p.diaspora_handle, u.serialized_private_key, \
                   p.guid, p.serialized_public_key FROM people p JOIN users u ON u.id = p.owner_id \
                   WHERE p.guid IN ({})";
        let rows = pod.rows_in("the new account", sql, &[&import.person_guid]).await?;
        let row = rows.first().ok_or_else(gone)?;
        let new_person = row.integer("new_person").ok_or_else(gone)?;
        let new_user = row.integer("new_user").ok_or_else(gone)?;
        let new_id: DiasporaId =
            row.text("diaspora_handle").and_then(|id| id.parse().ok()).ok_or_else(gone)?;
        let pem = row.text("serialized_private_key").unwrap_or_default();
        let new_key = PrivateKey::from_pem(pem).signing_key()?;
        let identity = NewIdentity {
            id: new_id.to_string(),
            guid: row.text("guid").ok_or_else(gone)?,
            public_key: row.text("serialized_public_key").ok_or_else(gone)?,
            user: new_user,
        };
        let profile = read_profile(&mut pod, new_person, &new_id).await?.ok_or_else(gone)?;
        let photo_names_taken = photo_names_taken(store, import).await?;
        let sql = format!(
            "SELECT remote_photo_path FROM photos WHERE author_id = {new_person} AND processed_image IS NOT NULL \
             AND remote_photo_path IS NOT NULL ORDER BY id DESC LIMIT 1"
        );
        // The address to which the import has written, on this pod or on S3. Other pods look for the photos there by
        // the names that they know, and none of these may be the name of somebody else's file.
        let photo_base_url = pod.rows("photos", sql, &[]).await?;
        let photo_base_url = photo_base_url.first().and_then(|row| row.non_empty_text("remote_photo_path"));
        let photo_base_url = photo_base_url.filter(|_| photo_names_taken == 0);
        let (is_proven, import) = (import.is_proven(), import.id.clone());
        Ok(Self {
            pod,
            now,
            old,
            is_proven,
            new_person,
            new_user,
            import,
            new_id,
            identity,
            new_key,
            profile,
            photo_base_url,
        })
    }

    /// Returns the announcement. The new account's signature covers only the two IDs, so it is the same each time.
    pub(super) fn migration(&self) -> Result<AccountMigration, AnnounceError> {
        let photos = self.photo_base_url.clone();
        Ok(AccountMigration::sign(self.old.id.clone(), self.profile.clone(), photos, &self.new_key)?)
    }

    /// Queues every delivery in the ledger, and registers the people who know the account.
    ///
    /// `contacts` are those of the archive; the new account need not have them all. `farewell` is the text of a last
    /// post by the old account, if any.
    pub(super) async fn queue(
        &mut self,
        store: &Store,
        contacts: &BTreeMap<DiasporaId, ClaimedContact>,
        farewell: Option<&str>,
    ) -> Result<Announced, AnnounceError> {
        let (ledger, queued_at) = (Ledger::new(store), self.now.to_utc().and_utc());
        let mut audience = self.audience(contacts).await?;
        // First, since messages are sent only for registered identities.
        ledger.register(&self.import, &self.identity, &audience.known).await?;
        ledger.recognise(&audience.hubzillas(), System::Hubzilla).await?;
        ledger.note_offline(&audience.offline).await?;
        let mut queued = ledger.enqueue(self.public(&audience, farewell)?, queued_at).await?;
        let (sealed, people) = self.queue_personal(&ledger, &mut audience).await?;
        queued += sealed;
        // Includes friends registered by earlier runs, as `deliveries` counts them.
        let friends = ledger.friends(Scope::Import(&self.import)).await?.all.unsigned_abs();
        Ok(Announced {
            old: self.old.id.clone(),
            new: self.new_id.clone(),
            pods: audience.pods.len() as u64,
            people,
            unknown: audience.unknown,
            friends,
            queued,
            by_hand: audience.by_hand,
        })
    }

    /// Returns the messages that each pod gets once, from the old account.
    fn public(&self, audience: &Audience, farewell: Option<&str>) -> Result<Vec<NewDelivery>, AnnounceError> {
        let seal = |xml: String| MagicEnvelope::seal(&self.old.id, &self.old.key, &xml);
        let mut envelopes = vec![(Kind::AccountMigration, seal(self.migration()?.to_xml())?)];
        if let Some(text) = farewell {
            let post = farewell::post(&self.old.id, &self.new_id, &self.import, text, self.now)?;
            envelopes.push((Kind::Farewell, seal(post.to_xml())?));
        }
        let delivery = |kind, pod: &Url, people: &[DiasporaId], envelope: &str| {
            Some(NewDelivery {
                import_id: self.import.clone(),
                account: self.old.id.clone(),
                kind,
                url: pod.join("receive/public").ok()?,
                recipient: None,
                // Listed once, with the move.
                people: if kind == Kind::AccountMigration { people.to_vec() } else { Vec::new() },
                content_type: "application/magic-envelope+xml".to_owned(),
                body: envelope.to_owned().into_bytes(),
                profile_digest: None,
                recipient_key: None,
            })
        };
        let of_pod = |(pod, people): (&Url, &Vec<DiasporaId>)| {
            envelopes
                .iter()
                .filter_map(|(kind, envelope)| delivery(*kind, pod, people, envelope))
                .collect::<Vec<_>>()
        };
        Ok(audience.pods.iter().flat_map(of_pod).collect())
    }

    /// Queues the messages to each contact on another pod; returns the number of new deliveries, and of recipients.
    async fn queue_personal(
        &self,
        ledger: &Ledger,
        audience: &mut Audience,
    ) -> Result<(u64, u64), AnnounceError> {
        let (mut queued, mut people) = (0, 0);
        let queued_at = self.now.to_utc().and_utc();
        let profile = MagicEnvelope::seal(&self.new_id, &self.new_key, &self.profile.to_xml())?;
        let digest = profile_digest(&self.profile);
        // The old pod gets the move and nothing else.
        let contacts: Vec<&Recipient> =
            audience.recipients.iter().filter(|person| person.shares.is_some()).collect();
        let sealer = MessageSealer {
            import: &self.import,
            old_id: &self.old.id,
            new_id: &self.new_id,
            new_key: &self.new_key,
            profile: &profile,
            profile_digest: &digest,
        };
        for page in contacts.chunks(PAGE_RECIPIENTS) {
            // Messages queued by an interrupted run need not be sealed again.
            let urls: Vec<Url> = page.iter().filter_map(|recipient| recipient.address().ok()).collect();
            let queued_urls = ledger.queued(&self.import, Kind::Profile, &urls).await?;
            let is_queued = |recipient: &Recipient| {
                recipient.address().is_ok_and(|url| queued_urls.contains(url.as_str()))
            };
            people += page.len() as u64;
            let page: Vec<&Recipient> =
                page.iter().copied().filter(|recipient| !is_queued(recipient)).collect();
            let mut batch = Vec::with_capacity(page.len() * 2);
            for (recipient, sealed) in page.iter().zip(sealer.seal(&page)) {
                match sealed {
                    Ok(deliveries) => batch.extend(deliveries),
                    Err(error) => {
                        people -= 1;
                        audience.by_hand.push((recipient.id.to_string(), error.to_string()));
                    }
                }
            }
            queued += ledger.enqueue(batch, queued_at).await?;
        }
        Ok((queued, people))
    }
}
