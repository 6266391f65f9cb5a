//! Reads all data of an account, in the order of an archive's entries.

use zeroize::Zeroizing;

use super::json::JsonWriter;
use super::pages::{Own, Page};
use super::photos::{PhotoFiles, PhotoSource};
use super::pieces::{ArchiveCommand, Pieces};
use super::{ExportError, Progress};
use crate::archive::EXTRAS_FORMAT;
use crate::archive::manifest::{CountKind, PrivateKeyState};
use crate::archive::names;
use crate::domain::{
    KeyError, Omission, OmissionCode, Omissions, PrivateKey, PublicKey, RecordKind, RecordRef, Relayable,
    Settings, SigningKey,
};
use crate::pod::reader::{AccountReader, AspectRow, OthersRelayables, ReadError, SignatureMemory, Sink};

/// Results of reading an account, for the manifest.
pub(super) struct Gathered {
    pub(super) counts: std::collections::BTreeMap<CountKind, u64>,
    pub(super) omissions: Omissions,
    pub(super) signing: Option<SigningKey>,
    pub(super) public_key: Option<PublicKey>,
    pub(super) state: PrivateKeyState,
}

/// Reads an account, for an archive or for a forecast.
pub(super) struct Gathering<'a> {
    /// The pod's photos.
    pub(super) photos: PhotoSource<'a>,
    /// Receives the progress.
    pub(super) progress: &'a dyn Progress,
    /// Passphrase that encrypts the account's private key.
    pub(super) key_passphrase: Option<&'a Zeroizing<String>>,
}

impl Gathering<'_> {
    /// Reads everything, in the order of the archive's entries.
    pub(super) async fn gather(
        &self,
        reader: &mut AccountReader<'_>,
        mut settings: Settings,
        pieces: Pieces,
        memory: &mut impl SignatureMemory,
    ) -> Result<Gathered, ExportError> {
        let signing = reader.take_signing_key();
        let published = reader.public_key().await?;
        let public_key = match &signing {
            Some(key) => Some(key.public_key()?),
            None => published.clone(),
        };
        let state = self.protect_key(&mut settings.private_key)?;
        let avatar = settings.profile.0.avatar_file().map(str::to_owned);
        pieces
            .send(ArchiveCommand::Page(Page::Profile(Box::new(settings.profile.0.clone()), avatar)))
            .await?;

        pieces.send(ArchiveCommand::Begin(names::DOCUMENT.to_owned())).await?;
        let json = JsonWriter::new(pieces.clone(), self.progress);
        let mut others = write_document(reader, json, &settings, memory).await?;
        pieces.send(ArchiveCommand::Begin(names::EXTRAS.to_owned())).await?;
        let json = JsonWriter::new(pieces.clone(), self.progress);
        write_extras(reader, json, &mut others, memory).await?;
        let mut photos = PhotoFiles::new(self.photos, pieces.clone(), self.progress);
        reader.photo_names(&mut photos).await?;
        photos.finish().await?;
        pieces.send(ArchiveCommand::Page(Page::PhotoFiles(photos.names()))).await?;

        let mut counts = std::mem::take(&mut reader.notes.counts);
        counts.insert(CountKind::PhotoFiles, photos.count());
        let mut omissions = Omissions::default();
        if let (Some(own), Some(published)) = (&public_key, &published)
            && own.fingerprint() != published.fingerprint()
        {
            omissions.push(key_mismatch(reader));
        }
        omissions.append(std::mem::take(&mut reader.notes.omissions));
        omissions.append(std::mem::take(&mut photos.omissions));
        for omission in omissions.listed() {
            pieces.send(ArchiveCommand::Page(Page::Omission(Box::new(omission.clone())))).await?;
        }
        pieces.send(ArchiveCommand::Page(Page::MoreOmissions(omissions.more().clone()))).await?;
        pieces.send(ArchiveCommand::Page(Page::Counts(counts.clone()))).await?;
        Ok(Gathered { counts, omissions, signing, public_key, state })
    }

    fn protect_key(&self, key: &mut PrivateKey) -> Result<PrivateKeyState, KeyError> {
        if key.is_absent() {
            return Ok(PrivateKeyState::Absent);
        }
        let Some(passphrase) = self.key_passphrase else { return Ok(PrivateKeyState::Plain) };
        *key = key.encrypt(passphrase)?;
        Ok(PrivateKeyState::Encrypted)
    }
}

fn key_mismatch(reader: &AccountReader<'_>) -> Omission {
    let account = reader.account();
    let name = Some(account.id.to_string());
    let record = RecordRef { kind: RecordKind::Account, id: Some(account.user_id), name };
    let reason = "the account's private key is not the one whose public half the pod publishes; signatures \
                  by it will not be believed"
        .to_owned();
    Omission { code: OmissionCode::KeyMismatch, record, reason }
}

/// Writes `diaspora.json`, in diaspora*'s order.
async fn write_document(
    reader: &mut AccountReader<'_>,
    mut json: JsonWriter<'_>,
    settings: &Settings,
    memory: &mut impl SignatureMemory,
) -> Result<OthersRelayables, ReadError> {
    json.raw(r#"{"version":"2.0","user":{"#);
    json.members(settings)?;
    json.raw(r#","contact_groups":"#);
    let aspects: Vec<crate::domain::Aspect> = reader
        .aspects()
        .iter()
        .map(|AspectRow { name, .. }| crate::domain::Aspect { name: name.clone() })
        .collect();
    for _ in &aspects {
        reader.notes.count(CountKind::Aspects);
    }
    json.value(&aspects)?;
    json.raw(",");
    let mut contacts = json.array("contacts");
    let book = reader.contacts(&mut contacts).await?;
    contacts.end(",").await?;
    let mut posts = json.array("posts");
    reader.posts(&book, &mut posts).await?;
    posts.end(r#","followed_tags":"#).await?;
    json.value(&reader.followed_tags().await?)?;
    json.raw(",");
    let mut subscriptions = json.array("post_subscriptions");
    reader.subscriptions(&mut subscriptions).await?;
    subscriptions.end(",").await?;
    let mut relayables = OwnSink(json.array("relayables"));
    reader.own_relayables(&mut relayables).await?;
    relayables.0.end(r#"},"others_data":{"#).await?;
    let mut others = reader.prepare_others().await?;
    let mut relayables = json.array("relayables");
    reader.others_relayables(&mut others, memory, &mut relayables).await?;
    relayables.end(",").await?;
    let mut authors = json.array("non_contact_authors");
    reader.non_contact_authors(&others, &book, &mut authors).await?;
    authors.end("}}").await?;
    json.finish().await?;
    Ok(others)
}

/// Writes `extras.json`.
async fn write_extras(
    reader: &mut AccountReader<'_>,
    mut json: JsonWriter<'_>,
    others: &mut OthersRelayables,
    memory: &mut impl SignatureMemory,
) -> Result<(), ReadError> {
    json.raw(&format!(r#"{{"format":"{EXTRAS_FORMAT}","settings":"#));
    json.value(&reader.extra_settings().await?)?;
    json.raw(",");
    let mut audiences = json.array("aspect_visibility");
    reader.aspect_visibility(&mut audiences).await?;
    audiences.end(",").await?;
    let mut photos = json.array("loose_photos");
    reader.loose_photos(&mut photos).await?;
    photos.end(",").await?;
    let mut conversations = json.array("conversations");
    reader.conversations(&mut conversations).await?;
    conversations.end(",").await?;
    let mut likes = json.array("likes_on_comments");
    reader.likes_on_comments(others, memory, &mut likes).await?;
    likes.end(",").await?;
    let mut unsigned = json.array("unsigned_relayables");
    for relayable in others.take_unsigned() {
        unsigned.put(relayable).await?;
    }
    unsigned.end(",").await?;
    let mut signed_as = json.array("signed_as");
    for record in others.take_signed_as() {
        signed_as.put(record).await?;
    }
    signed_as.end(",").await?;
    let mut remainders = json.array("post_remainders");
    for remainder in reader.take_post_remainders() {
        remainders.put(remainder).await?;
    }
    remainders.end(",").await?;
    let mut posts = json.array("commented_posts");
    reader.commented_posts(&mut posts).await?;
    posts.end(r#","hidden_posts":"#).await?;
    json.value(&reader.hidden_posts().await?)?;
    json.raw("}");
    json.finish().await
}

/// Wraps the account's own relayables, which the pages show; others' are not shown.
struct OwnSink<'w, 'a>(super::json::ArrayWriter<'w, 'a, Own>);

impl Sink<Relayable> for OwnSink<'_, '_> {
    async fn put(&mut self, record: Relayable) -> Result<(), ReadError> {
        self.0.put(Own(record)).await
    }
}
