//! Reads all data of an account, in the order of an archive's entries.

use zeroize::Zeroizing;

use super::ExportError;
use super::json::JsonWriter;
use super::pages::{Page, no_page, others_page};
use super::photos::{PhotoFiles, PhotoSource};
use super::pieces::{ArchiveCommand, Pieces};
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
    json.begin();
    json.name("version");
    json.value(&"2.0")?;
    json.name("user");
    json.begin();
    // The people the account ignores are among the settings.
    json.members(settings)?;
    let aspects: Vec<Aspect> =
        reader.aspects().iter().map(|AspectRow { name, .. }| Aspect { name: name.clone() }).collect();
    for _ in &aspects {
        reader.notes.count(CountKind::Aspects);
    }
    json.whole(List::Aspects, &aspects)?;
    let mut contacts = json.list(List::Contacts, |contact| Some(Page::Contact(Box::new(contact))));
    let book = reader.contacts(&mut contacts).await?;
    contacts.end().await?;
    let mut posts = json.list(List::Posts, |post| Some(Page::Post(Box::new(post))));
    reader.posts(&book, &mut posts).await?;
    posts.end().await?;
    json.whole(List::FollowedTags, &reader.followed_tags().await?)?;
    let mut subscriptions = json.list(List::Subscriptions, no_page);
    reader.subscriptions(&mut subscriptions).await?;
    subscriptions.end().await?;
    let mut relayables =
        json.list(List::OwnRelayables, |relayable| Some(Page::OwnRelayable(Box::new(relayable))));
    reader.own_relayables(&mut relayables).await?;
    relayables.end().await?;
    json.end();
    json.name("others_data");
    json.begin();
    let mut others = reader.prepare_others().await?;
    let mut relayables = json.list(List::OthersRelayables, others_page);
    reader.others_relayables(&mut others, memory, &mut relayables).await?;
    relayables.end().await?;
    let mut authors = json.list(List::NonContactAuthors, no_page);
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
    let mut audiences = json.list(List::AspectVisibility, no_page);
    reader.aspect_visibility(&mut audiences).await?;
    audiences.end().await?;
    let mut photos = json.list(List::LoosePhotos, |photo| Some(Page::LoosePhoto(Box::new(photo))));
    reader.loose_photos(&mut photos).await?;
    photos.end().await?;
    let mut conversations =
        json.list(List::Conversations, |conversation| Some(Page::Conversation(Box::new(conversation))));
    reader.conversations(&mut conversations).await?;
    conversations.end().await?;
    let mut likes = json.list(List::LikesOnComments, others_page);
    reader.likes_on_comments(others, memory, &mut likes).await?;
    likes.end().await?;
    json.list(List::UnsignedRelayables, others_page).write_all(others.take_unsigned()).await?;
    json.list(List::Signers, no_page).write_all(others.take_signed_as()).await?;
    json.list(List::PostRemainders, no_page).write_all(reader.take_post_remainders()).await?;
    let mut posts = json.list(List::CommentedPosts, |post| Some(Page::CommentedPost(Box::new(post))));
    reader.commented_posts(&mut posts).await?;
    posts.end().await?;
    json.whole(List::HiddenPosts, &reader.hidden_posts().await?)?;
    json.end();
    json.finish().await
}
