//! The account itself: identity, settings, aspects.

use sha2::{Digest as _, Sha256};

use super::notes::{Notes, Problem, normalized_id};
use super::source::{OwnerKey, Source, Statement};
use super::stand_ins::Replacements;
use super::{AccountReader, ReadError, identity};
use crate::domain::{
    CountKind, DiasporaId, Entity, Guid, OmissionCode, PrivateKey, Profile, PublicKey, RecordKind, Settings,
    SigningKey,
};
use crate::pod::config::PodUrl;
use crate::pod::database::DatabaseError;
use crate::sql::Row;

/// The longest private key text in bytes; one of 8192 bits has 6,400.
const MAX_PEM_BYTES: usize = 64 * 1024;
/// The longest self-description in bytes; diaspora* accepts 65,535 characters.
const MAX_BIO_BYTES: usize = 2 << 20;

/// An account's row IDs and names.
#[derive(Debug, Clone)]
pub struct AccountRow {
    /// `users.id`.
    pub user_id: i64,
    /// `people.id`; a negative number, which no row has, if the account has no row there.
    pub person_id: i64,
    /// `users.username`.
    pub username: String,
    /// The person's diaspora* ID, or a valid replacement for an invalid one.
    pub id: DiasporaId,
    /// `people.diaspora_handle` unchanged.
    pub handle: String,
    /// The person's GUID, or a valid replacement for an invalid one.
    pub guid: Guid,
    /// `people.guid` unchanged, if it is invalid.
    pub invalid_guid: Option<String>,
    /// True when sign-in is locked.
    pub locked: bool,
    /// True when the account was closed.
    pub closed: bool,
}

/// An aspect with its row ID.
#[derive(Debug, Clone)]
pub struct AspectRow {
    /// `aspects.id`.
    pub id: i64,
    /// Name.
    pub name: String,
    /// True when the aspect is preselected for new posts.
    pub post_default: bool,
}

/// The columns for [`read`].
pub(super) const ACCOUNT: &str = "SELECT u.id AS user_id, p.id AS person_id, u.username, p.diaspora_handle, \
     p.guid, u.locked_at, p.closed_account FROM users u LEFT JOIN people p ON p.owner_id = u.id";

pub(super) const STATEMENTS: &[&Statement] =
    &[&ASPECTS, &SETTINGS, &PUBLIC_KEY, &BLOCKS, &PROFILE, &PROFILE_TAGS];

const ASPECTS: Statement = Statement {
    name: "the aspects",
    owner: OwnerKey::User,
    sql: |scope| {
        format!(
            "SELECT id, name, post_default, user_id AS account_row FROM aspects WHERE {} \
             ORDER BY order_id, id",
            scope.condition("user_id")
        )
    },
};

const SETTINGS: Statement = Statement {
    name: "the user's settings",
    owner: OwnerKey::User,
    sql: |scope| {
        format!(
            "SELECT u.email, u.language, u.serialized_private_key, u.disable_mail, \
             u.show_community_spotlight_in_stream, u.auto_follow_back, a.name AS aspect_name, \
             u.id AS account_row FROM users u LEFT JOIN aspects a ON a.id = u.auto_follow_back_aspect_id \
             WHERE {}",
            scope.condition("u.id")
        )
    },
};

const PUBLIC_KEY: Statement = Statement {
    name: "the account's public key",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!("SELECT serialized_public_key, id AS account_row FROM people WHERE {}", scope.condition("id"))
    },
};

const BLOCKS: Statement = Statement {
    name: "the blocked people",
    owner: OwnerKey::User,
    sql: |scope| {
        format!(
            "SELECT b.id, p.diaspora_handle, b.user_id AS account_row FROM blocks b \
             LEFT JOIN people p ON p.id = b.person_id WHERE {} ORDER BY b.id",
            scope.condition("b.user_id")
        )
    },
};

const PROFILE: Statement = Statement {
    name: "the profile",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT id, updated_at, first_name, last_name, image_url, image_url_medium, image_url_small, bio, \
             birthday, gender, location, searchable, public_details, nsfw, person_id AS account_row \
             FROM profiles WHERE {} ORDER BY id",
            scope.condition("person_id")
        )
    },
};

const PROFILE_TAGS: Statement = Statement {
    name: "the profile's tags",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT t.name, f.id AS profile_id, f.person_id AS account_row FROM taggings g \
             JOIN tags t ON t.id = g.tag_id JOIN profiles f ON f.id = g.taggable_id \
             WHERE g.taggable_type = 'Profile' AND {} ORDER BY g.id",
            scope.condition("f.person_id")
        )
    },
};

/// Reads a row of [`ACCOUNT`].
pub(super) fn read(row: &Row, pod: &PodUrl) -> Result<AccountRow, ReadError> {
    let username = row.text("username").unwrap_or_default();
    let handle = row.text("diaspora_handle").unwrap_or_default();
    let broken = |reason: String| ReadError::BrokenAccount { name: username.clone(), reason };
    let unreadable = || broken("its row number is unreadable".to_owned());
    let user_id = row.integer("user_id").ok_or_else(unreadable)?;
    let has_person = !row.is_null("person_id");
    let person_id = if has_person { row.integer("person_id").ok_or_else(unreadable)? } else { -user_id };
    let no_id =
        || broken(format!("its diaspora* ID is {handle:?}, and none can be derived from the pod's address"));
    let stored =
        if has_person { row.text("guid").unwrap_or_default() } else { replacement_guid(pod, user_id) };
    let parsed = |guid: &str| guid.parse::<Guid>().map_err(|error| broken(error.to_string()));
    let (guid, invalid_guid) = match stored.parse::<Guid>() {
        Ok(guid) => (guid, None),
        Err(_) => (parsed(&replacement_guid(pod, user_id))?, Some(stored)),
    };
    Ok(AccountRow {
        user_id,
        person_id,
        id: identity::usable_id(&handle, &username, user_id, pod).ok_or_else(no_id)?,
        guid,
        invalid_guid,
        locked: !row.is_null("locked_at"),
        closed: row.boolean("closed_account").unwrap_or(false),
        username,
        handle,
    })
}

/// Returns a valid GUID for an account without one: unique, and the same in every export.
fn replacement_guid(pod: &PodUrl, user_id: i64) -> String {
    let digest = Sha256::digest(format!("{} users.id {user_id}", pod.as_str()));
    hex::encode(digest.get(..16).unwrap_or_default())
}

impl AccountRow {
    /// Returns whether the account has a row in `people`.
    pub(super) fn has_person(&self) -> bool {
        self.person_id > 0
    }
}

pub(super) async fn aspects(
    source: &mut Source<'_>,
    account: &AccountRow,
    notes: &mut Notes,
) -> Result<Vec<AspectRow>, DatabaseError> {
    let rows = source.rows(&ASPECTS, account).await?;
    let mut replacements = Replacements::default();
    let aspects = rows.iter().filter_map(|row| {
        let (id, name) = (row.integer("id")?, row.text("name")?);
        let post_default =
            replacements.flag(row, "post_default", &format!("post_default of the aspect {name}"), true);
        Some(AspectRow { id, name, post_default })
    });
    let aspects = aspects.collect();
    replacements.note_account(notes, account);
    Ok(aspects)
}

impl AccountReader<'_> {
    /// Reads the first part of `user`: settings, including blocks and profile.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn settings(&mut self) -> Result<Settings, ReadError> {
        let blocks = self.blocks().await?;
        let profile = self.profile().await?;
        let unknown = || ReadError::UnknownAccount { name: self.account.username.clone() };
        let row = self.source.first(&SETTINGS, &self.account).await?.ok_or_else(unknown)?;
        let private_key = self.private_key(row.text("serialized_private_key"));
        let mut replacements = Replacements::default();
        let [disable_mail, show_spotlight, follow_back] = [
            ("disable_mail", false),
            ("show_community_spotlight_in_stream", true),
            ("auto_follow_back", false),
        ]
        .map(|(column, default)| replacements.flag(&row, column, column, default));
        replacements.note_account(&mut self.notes, &self.account);
        Ok(Settings {
            // Readers require it to match the ID.
            username: self.account.id.username().to_owned(),
            email: row.text("email").unwrap_or_default(),
            language: row.non_empty_text("language"),
            private_key,
            disable_mail,
            show_community_spotlight_in_stream: show_spotlight,
            auto_follow_back: follow_back,
            auto_follow_back_aspect: row.text("aspect_name"),
            blocks,
            profile: Entity(profile),
        })
    }

    /// Returns the key if it is valid; an unreadable one would make importers fail.
    fn private_key(&mut self, pem: Option<String>) -> PrivateKey {
        let key = pem.filter(|pem| (1..=MAX_PEM_BYTES).contains(&pem.len())).map(PrivateKey::from_pem);
        let reason = match &key {
            None => "the pod has no private key for the account".to_owned(),
            Some(key) => match key.signing_key() {
                Ok(signing) => {
                    self.signing_key = Some(signing);
                    return key.clone();
                }
                Err(error) => format!("the account's private key cannot be used: {error}"),
            },
        };
        let problem = Problem::new(OmissionCode::UnreadableKey, reason);
        let name = self.account.id.to_string();
        self.notes.omit(problem, RecordKind::Account, Some(self.account.user_id), Some(name));
        PrivateKey::absent()
    }

    /// Takes the account's own key, ready for signing, if [`AccountReader::settings`] found a usable one.
    pub fn take_signing_key(&mut self) -> Option<SigningKey> {
        self.signing_key.take()
    }

    /// Reads the account's public key as the pod publishes it.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn public_key(&mut self) -> Result<Option<PublicKey>, ReadError> {
        let row = self.source.first(&PUBLIC_KEY, &self.account).await?;
        Ok(row
            .and_then(|row| row.text("serialized_public_key"))
            .and_then(|pem| PublicKey::from_pem(&pem).ok()))
    }

    async fn blocks(&mut self) -> Result<Vec<DiasporaId>, ReadError> {
        let mut blocks = Vec::new();
        for row in self.source.rows(&BLOCKS, &self.account).await? {
            match row.text("diaspora_handle").map(|id| normalized_id(&id).parse()) {
                Some(Ok(id)) => {
                    self.notes.count(CountKind::Blocks);
                    blocks.push(id);
                }
                other => {
                    let problem = Problem::new(
                        OmissionCode::MissingPerson,
                        "the blocked person is not in the pod's database",
                    );
                    let name = other
                        .and_then(Result::err)
                        .map(|error: crate::domain::DiasporaIdError| error.to_string());
                    self.notes.omit(problem, RecordKind::Block, row.integer("id"), name);
                }
            }
        }
        Ok(blocks)
    }

    async fn profile(&mut self) -> Result<Profile, ReadError> {
        let row = self.source.first(&PROFILE, &self.account).await?;
        let mut replacements = Replacements::default();
        let mut profile = profile_of(&self.account.id, row.as_ref(), &mut replacements);
        replacements.note_account(&mut self.notes, &self.account);
        if let Some(id) = row.and_then(|row| row.integer("id")) {
            let rows = self.source.rows(&PROFILE_TAGS, &self.account).await?;
            let profile_rows = rows.iter().filter(|row| row.integer("profile_id") == Some(id));
            let tags: Vec<String> = profile_rows
                .filter_map(|row| row.non_empty_text("name"))
                .map(|tag| format!("#{tag}"))
                .collect();
            profile.tag_string = Some(tags.join(" ")).filter(|tags| !tags.is_empty());
        }
        let too_long = |text: &mut String| text.len() > MAX_BIO_BYTES;
        if let Some(bio) = profile.bio.take_if(too_long) {
            let (id, name) = (self.account.user_id, self.account.id.to_string());
            self.notes.omit(Problem::too_large(bio.len()), RecordKind::Account, Some(id), Some(name));
        }
        Ok(profile)
    }
}

/// Builds a profile from its row; without a row, only the author is set.
fn profile_of(author: &DiasporaId, row: Option<&Row>, replacements: &mut Replacements) -> Profile {
    let text = |column: &'static str| row.and_then(|row: &Row| row.non_empty_text(column));
    // The pod's default avatar does not belong to the person.
    let image = |column: &'static str| text(column).filter(|url: &String| !url.contains("user/default"));
    Profile {
        author: author.clone(),
        edited_at: row
            .and_then(|row| replacements.optional(row.time_reading("updated_at"), "profile's time")),
        full_name: None,
        first_name: text("first_name"),
        last_name: text("last_name"),
        image_url: image("image_url"),
        image_url_medium: image("image_url_medium"),
        image_url_small: image("image_url_small"),
        bio: text("bio"),
        birthday: row.and_then(|row| replacements.optional(row.date_reading("birthday"), "birthday")),
        gender: text("gender"),
        location: text("location"),
        searchable: row.and_then(|row| replacements.optional_flag(row, "searchable", "searchable")),
        public: row.and_then(|row| replacements.optional_flag(row, "public_details", "public_details")),
        nsfw: row.and_then(|row| replacements.optional_flag(row, "nsfw", "nsfw")),
        tag_string: None,
    }
}
