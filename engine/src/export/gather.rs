//! Reads all data of an account, in the order of an archive's entries.

use zeroize::Zeroizing;

use super::ExportError;
use super::json::JsonWriter;
use super::pages::{PageItem, no_item, others_item};
use super::photos::{PhotoFiles, PhotoSource};
use super::pieces::{ArchiveCommand, CommandSender};
use crate::archive::EXTRAS_FORMAT;
use crate::archive::lists::List;
use crate::archive::manifest::{CountKind, PrivateKeyState};
use crate::archive::names;
use crate::domain::{
    Aspect, KeyError, Omission, OmissionCode, Omissions, PrivateKey, PublicKey, RecordKind, RecordRef,
    Settings, SigningKey,
};
use crate::pod::reader::{AccountReader, AspectRow, OthersRelayables, ReadError, SignatureMemory};
use crate::progress::Progress;

/// Results of reading an account, for the manifest.
pub(super) struct Gathered {
    pub(super) counts: std::collections::BTreeMap<CountKind, u64>,
    pub(super) omissions: Omissions,
    pub(super) signing_key: Option<SigningKey>,
    pub(super) public_key: Option<PublicKey>,
    pub(super) key_state: PrivateKeyState,
}

/// Reads an account, for an archive or for a forecast.
pub(super) struct Gatherer<'a> {
    /// The pod's photos.
    pub(super) photos: PhotoSource<'a>,
    /// Receives the progress.
    pub(super) progress: &'a dyn Progress,
    /// Passphrase that encrypts the account's private key.
    pub(super) key_passphrase: Option<&'a Zeroizing<String>>,
}

impl Gatherer<'_> {
    /// Reads everything, in the order of the archive's entries.
    pub(super) async fn gather(
        &self,
        reader: &mut AccountReader<'_>,
        mut settings: Settings,
        commands: CommandSender,
        memory: &mut impl SignatureMemory,
    ) -> Result<Gathered, ExportError> {
        let signing_key = reader.take_signing_key();
        let published = reader.public_key().await?;
        let public_key = match &signing_key {
            Some(key) => Some(key.public_key()?),
            None => published.clone(),
        };
        let key_state = self.protect_key(&mut settings.private_key)?;
        let avatar = settings.profile.0.avatar_file().map(str::to_owned);
        commands
            .send(ArchiveCommand::Show(PageItem::Profile(Box::new(settings.profile.0.clone()), avatar)))
            .await?;

        commands.send(ArchiveCommand::Begin(names::DOCUMENT.to_owned())).await?;
        let json = JsonWriter::new(commands.clone(), self.progress);
        let mut others = write_document(reader, json, &settings, memory).await?;
        commands.send(ArchiveCommand::Begin(names::EXTRAS.to_owned())).await?;
        let json = JsonWriter::new(commands.clone(), self.progress);
        write_extras(reader, json, &mut others, memory).await?;
        let mut photos = PhotoFiles::new(self.photos, commands.clone(), self.progress);
        reader.photo_names(&mut photos).await?;
        photos.finish().await?;
        commands.send(ArchiveCommand::Show(PageItem::PhotoFiles(photos.names()))).await?;

        let mut counts = std::mem::take(&mut reader.notes.counts);
        counts.insert(CountKind::PhotoFiles, photos.count());
        let mut omissions = Omissions::default();
        if let (Some(account_key), Some(published)) = (&public_key, &published)
            && account_key.fingerprint() != published.fingerprint()
        {
            omissions.push(key_mismatch(reader));
        }
        omissions.append(std::mem::take(&mut reader.notes.omissions));
        omissions.append(std::mem::take(&mut photos.omissions));
        for omission in omissions.listed() {
            commands.send(ArchiveCommand::Show(PageItem::Omission(Box::new(omission.clone())))).await?;
        }
        commands.send(ArchiveCommand::Show(PageItem::MoreOmissions(omissions.unlisted().clone()))).await?;
        commands.send(ArchiveCommand::Show(PageItem::Counts(counts.clone()))).await?;
        Ok(Gathered { counts, omissions, signing_key, public_key, key_state })
    }

    /// Encrypts the account's private key if a passphrase is set; returns its state in the archive.
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
    let reason = "the account's private key does not belong to the public key that the pod publishes; other \
                  pods reject signatures created with it"
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
    json.begin();
    json.name("version");
    json.value(&"2.0")?;
    json.name("user");
    json.begin();
    // The settings include the people whom the account ignores.
    json.members(settings)?;
    let aspects: Vec<Aspect> =
        reader.aspects().iter().map(|AspectRow { name, .. }| Aspect { name: name.clone() }).collect();
    for _ in &aspects {
        reader.notes.count(CountKind::Aspects);
    }
    json.small_list(List::Aspects, &aspects)?;
    let mut contacts = json.list(List::Contacts, |contact| Some(PageItem::Contact(Box::new(contact))));
    let book = reader.contacts(&mut contacts).await?;
    contacts.end().await?;
    let mut posts = json.list(List::Posts, |post| Some(PageItem::Post(Box::new(post))));
    reader.posts(&book, &mut posts).await?;
    posts.end().await?;
    json.small_list(List::FollowedTags, &reader.followed_tags().await?)?;
    let mut subscriptions = json.list(List::Subscriptions, no_item);
    reader.subscriptions(&mut subscriptions).await?;
    subscriptions.end().await?;
    let mut relayables =
        json.list(List::OwnRelayables, |relayable| Some(PageItem::OwnRelayable(Box::new(relayable))));
    reader.own_relayables(&mut relayables).await?;
    relayables.end().await?;
    json.end();
    json.name("others_data");
    json.begin();
    let mut others = reader.prepare_others().await?;
    let mut relayables = json.list(List::OthersRelayables, others_item);
    reader.others_relayables(&mut others, memory, &mut relayables).await?;
    relayables.end().await?;
    let mut authors = json.list(List::NonContactAuthors, no_item);
    reader.non_contact_authors(&others, &book, &mut authors).await?;
    authors.end().await?;
    json.end();
    json.end();
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
    json.begin();
    json.name("format");
    json.value(&EXTRAS_FORMAT)?;
    json.name("settings");
    json.value(&reader.extra_settings().await?)?;
    let mut audiences = json.list(List::AspectVisibility, no_item);
    reader.aspect_visibility(&mut audiences).await?;
    audiences.end().await?;
    let mut photos = json.list(List::LoosePhotos, |photo| Some(PageItem::LoosePhoto(Box::new(photo))));
    reader.loose_photos(&mut photos).await?;
    photos.end().await?;
    let mut conversations =
        json.list(List::Conversations, |conversation| Some(PageItem::Conversation(Box::new(conversation))));
    reader.conversations(&mut conversations).await?;
    conversations.end().await?;
    let mut likes = json.list(List::LikesOnComments, others_item);
    reader.likes_on_comments(others, memory, &mut likes).await?;
    likes.end().await?;
    json.list(List::UnsignedRelayables, others_item).write_all(others.take_unsigned()).await?;
    json.list(List::Signers, no_item).write_all(others.take_signed_as()).await?;
    json.list(List::PostRemainders, no_item).write_all(reader.take_post_remainders()).await?;
    let mut posts = json.list(List::CommentedPosts, |post| Some(PageItem::CommentedPost(Box::new(post))));
    reader.commented_posts(&mut posts).await?;
    posts.end().await?;
    json.small_list(List::HiddenPosts, &reader.hidden_posts().await?)?;
    json.end();
    json.finish().await
}
