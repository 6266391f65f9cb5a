//! What stays on the pod although a newer archive of the same account has it no more, or otherwise.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use super::source::Batch;
use super::survey::Survey;
use crate::domain::{CountKind, DiasporaId, Post, Profile};
use crate::import::ImportError;
use crate::import::journal::notes::{DUPLICATE, Journal, kinds};
use crate::import::report::{FindingCode, Subject};
use crate::import::target::{NewAccount, Target};
use crate::sql::Row;
use crate::store::StoreError;

/// Notes of the journal that are read at a time.
const PAGE: usize = 1000;
/// Kinds of records that are compared, each with the name that the journal has for it.
const COMPARED: [&str; 11] = [
    kinds::ASPECTS,
    kinds::CONTACTS,
    kinds::TAG_FOLLOWINGS,
    "posts",
    POLLS,
    "photos",
    "comments",
    "likes",
    "poll_participations",
    kinds::PARTICIPATIONS,
    kinds::CONVERSATION_VISIBILITIES,
];
/// Polls, by the post's GUID. The journal notes only their posts.
const POLLS: &str = "polls";

/// The records of an archive that is newer than the one the account came with, by hashes of their names: an archive may
/// name millions.
pub(in crate::import) struct Superseded {
    hasher: RandomState,
    named: HashSet<u64>,
}

impl Superseded {
    /// Nothing where the account is new here, or comes with the archive it came with before.
    pub(in crate::import) fn of(journal: &Journal, archive_sha256: &str, survey: &Survey) -> Option<Self> {
        journal.import().filter(|import| import.archive_sha256 != archive_sha256)?;
        let mut superseded = Self { hasher: RandomState::new(), named: HashSet::new() };
        for name in &survey.aspects {
            superseded.name(kinds::ASPECTS, name);
        }
        for (photo, _) in &survey.photo_names {
            superseded.name("photos", photo.as_str());
        }
        Some(superseded)
    }

    fn name(&mut self, kind: &str, name: &str) {
        self.named.insert(self.hasher.hash_one((kind, name)));
    }

    fn names(&self, kind: &str, name: &str) -> bool {
        self.named.contains(&self.hasher.hash_one((kind, name)))
    }

    /// Takes note of the records of a batch.
    pub(in crate::import) fn see(&mut self, batch: &Batch) {
        match batch {
            Batch::Contacts(contacts) => {
                for contact in contacts {
                    self.name(kinds::CONTACTS, contact.account_id.as_str());
                }
            }
            Batch::Posts(posts) => {
                for post in posts {
                    let guid = post.post.guid().as_str();
                    self.name("posts", guid);
                    if matches!(&post.post, Post::StatusMessage(message) if message.poll.is_some()) {
                        self.name(POLLS, guid);
                    }
                }
            }
            Batch::LoosePhotos(photos) => {
                for photo in photos {
                    self.name("photos", photo.photo.guid.as_str());
                }
            }
            Batch::OwnRelayables(records) | Batch::UnsignedRelayables(records) => {
                for record in records {
                    self.name_relayable(record.entity.guid().as_str());
                }
            }
            Batch::OthersRelayables(records) | Batch::LikesOnComments(records) => {
                for (record, _) in records {
                    self.name_relayable(record.entity.guid().as_str());
                }
            }
            Batch::Subscriptions(posts) => {
                for post in posts {
                    self.name(kinds::PARTICIPATIONS, post.as_str());
                }
            }
            Batch::Conversations(conversations) => {
                for conversation in conversations {
                    self.name(kinds::CONVERSATION_VISIBILITIES, conversation.guid.as_str());
                }
            }
            // The target knows the tags, as its database tells them apart. The report names none of the others.
            Batch::Tags(_)
            | Batch::Audiences(_)
            | Batch::HiddenPosts(_)
            | Batch::Unreadable(..)
            | Batch::ValueLeftOut(..) => {}
        }
    }

    fn name_relayable(&mut self, guid: &str) {
        // A GUID is the name of one record in the whole network.
        self.name("comments", guid);
        self.name("likes", guid);
        self.name("poll_participations", guid);
    }

    /// Says in the report what stays: values of the profile that differ, and records that came with an earlier archive
    /// and are missing in this one. `old` is the account's ID in the archives.
    pub(in crate::import) async fn report(
        &self,
        target: &mut Target,
        account: &NewAccount,
        old: &DiasporaId,
        journal: &Journal,
        profile: Option<&Profile>,
    ) -> Result<(), ImportError> {
        if let Some(profile) = profile {
            target.report_kept_profile(account.person, profile).await?;
        }
        for kind in COMPARED {
            let mut after = String::new();
            loop {
                let noted_as = if kind == POLLS { "posts" } else { kind };
                let page = noted(journal, noted_as, &after).await?;
                let Some(last) = page.last() else { break };
                after.clone_from(last);
                let missing = self.missing(target, kind, old, page).await?;
                target.report_kept(account, kind, &missing).await?;
            }
        }
        Ok(())
    }

    /// Returns those of these notes of the journal whose records the archive does not contain.
    async fn missing(
        &self,
        target: &mut Target,
        kind: &str,
        old: &DiasporaId,
        mut noted: Vec<String>,
    ) -> Result<Vec<String>, ImportError> {
        match kind {
            kinds::TAG_FOLLOWINGS => {
                let mut keys = target.tag_keys(&noted).await?.into_iter();
                noted.retain(|_| keys.next().is_some_and(|key| !target.followed_tags.contains(&key)));
            }
            POLLS => noted.retain(|post| self.names("posts", post) && !self.names(POLLS, post)),
            // Others may have left a conversation that the account still has.
            kinds::CONVERSATION_VISIBILITIES => {
                let own = format!(" {old}");
                noted = noted.iter().filter_map(|note| note.strip_suffix(&own).map(str::to_owned)).collect();
                noted.retain(|guid| !self.names(kind, guid));
            }
            _ => noted.retain(|name| !self.names(kind, name)),
        }
        Ok(noted)
    }
}

/// A page of what the import has noted of a kind, by name.
async fn noted(journal: &Journal, kind: &str, after: &str) -> Result<Vec<String>, StoreError> {
    let (Some(store), Some(import)) = (journal.store(), journal.import()) else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT guid FROM pappus_import_rows WHERE import_id = ? AND kind = ? AND guid > ? \
         AND COALESCE(previous, '') <> '{DUPLICATE}' ORDER BY guid LIMIT {PAGE}"
    );
    let values = [import.id.as_str().into(), kind.into(), after.into()];
    let rows = store.rows("reading what came with an earlier archive", &sql, &values).await?;
    rows.iter().map(|row| row.get("guid")).collect()
}

impl Target {
    /// Notes those of these records that are still here.
    async fn report_kept(
        &mut self,
        account: &NewAccount,
        kind: &'static str,
        names: &[String],
    ) -> Result<(), ImportError> {
        if names.is_empty() {
            return Ok(());
        }
        let sql = kept(kind, account);
        let rows = self.pod.rows_in("what came with an earlier archive", &sql, names).await?;
        for row in &rows {
            let Some(name) = row.text("noted_name") else { continue };
            self.report.note(counted(kind, row, account.person), FindingCode::GoneFromArchive, &name);
        }
        Ok(())
    }

    /// Notes the values of the profile that are not what the archive has: what people have changed here is theirs.
    async fn report_kept_profile(&mut self, person: i64, profile: &Profile) -> Result<(), ImportError> {
        let sql = format!(
            "SELECT first_name, last_name, bio, gender, location FROM profiles WHERE person_id = {person}"
        );
        let rows = self.pod.rows("the profile", sql, &[]).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let first = profile.first_name.as_ref().or(profile.full_name.as_ref());
        let values = [
            ("first_name", first),
            ("last_name", profile.last_name.as_ref()),
            ("bio", profile.bio.as_ref()),
            ("gender", profile.gender.as_ref()),
            ("location", profile.location.as_ref()),
        ];
        for (column, value) in values {
            let (here, there) = (row.text(column).unwrap_or_default(), value.map_or("", String::as_str));
            if !is_same(&here, there) {
                self.report.note(Subject::Profile, FindingCode::KeptAsHere, column);
            }
        }
        Ok(())
    }
}

/// Whether a value is what an import makes of the archive's: without semicolons in names, and cut to the column.
fn is_same(here: &str, archive: &str) -> bool {
    let (here, archive) = (here.trim().replace(';', ","), archive.trim().replace(';', ","));
    here == archive || (!here.is_empty() && archive.starts_with(&here) && here.chars().count() >= 32)
}

/// Selects which of these names, noted as `kind`, the account has still.
fn kept(kind: &str, account: &NewAccount) -> String {
    let (person, user) = (account.person, account.user);
    match kind {
        kinds::ASPECTS => {
            format!("SELECT name AS noted_name FROM aspects WHERE user_id = {user} AND name IN ({{}})")
        }
        kinds::CONTACTS => format!(
            "SELECT p.diaspora_handle AS noted_name FROM contacts c JOIN people p ON p.id = c.person_id \
             WHERE c.user_id = {user} AND p.diaspora_handle IN ({{}})"
        ),
        "posts" => format!(
            "SELECT guid AS noted_name, type FROM posts WHERE author_id = {person} AND guid IN ({{}})"
        ),
        POLLS => format!(
            "SELECT q.guid AS noted_name FROM polls q JOIN posts p ON p.id = q.status_message_id \
             WHERE p.author_id = {person} AND p.guid IN ({{}})"
        ),
        "photos" => {
            format!("SELECT guid AS noted_name FROM photos WHERE author_id = {person} AND guid IN ({{}})")
        }
        kinds::TAG_FOLLOWINGS => format!(
            "SELECT t.name AS noted_name FROM tag_followings f JOIN tags t ON t.id = f.tag_id \
             WHERE f.user_id = {user} AND t.name IN ({{}})"
        ),
        kinds::PARTICIPATIONS => format!(
            "SELECT p.guid AS noted_name FROM participations s JOIN posts p ON p.id = s.target_id \
             WHERE s.target_type = 'Post' AND s.author_id = {person} AND p.guid IN ({{}})"
        ),
        kinds::CONVERSATION_VISIBILITIES => format!(
            "SELECT c.guid AS noted_name FROM conversation_visibilities v \
             JOIN conversations c ON c.id = v.conversation_id \
             WHERE v.person_id = {person} AND c.guid IN ({{}})"
        ),
        table => format!("SELECT guid AS noted_name, author_id FROM {table} WHERE guid IN ({{}})"),
    }
}

/// Returns what a row of [`kept`] counts as.
fn counted(kind: &str, row: &Row, person: i64) -> CountKind {
    let is_own = || row.integer("author_id") == Some(person);
    match kind {
        kinds::ASPECTS => CountKind::Aspects,
        kinds::CONTACTS => CountKind::Contacts,
        "posts" if row.text("type").as_deref() == Some("Reshare") => CountKind::Reshares,
        "posts" => CountKind::StatusMessages,
        POLLS => CountKind::Polls,
        "photos" => CountKind::Photos,
        kinds::TAG_FOLLOWINGS => CountKind::FollowedTags,
        kinds::PARTICIPATIONS => CountKind::Subscriptions,
        kinds::CONVERSATION_VISIBILITIES => CountKind::Conversations,
        "poll_participations" if is_own() => CountKind::OwnPollParticipations,
        "poll_participations" => CountKind::OthersPollParticipations,
        "comments" if is_own() => CountKind::OwnComments,
        "comments" => CountKind::OthersComments,
        _ if is_own() => CountKind::OwnLikes,
        _ => CountKind::OthersLikes,
    }
}
