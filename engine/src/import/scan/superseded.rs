//! Records and values that stay on the pod although a newer archive of the same account no longer contains them, or
//! contains other values.

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

/// The number of notes of the journal that are read at a time.
const PAGE_NOTES: usize = 1000;
/// Kinds of records that are compared, by their names in the journal.
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
/// The length of the shortest column that cuts texts, in characters: that of first and last names.
const MIN_CUT_CHARS: usize = 32;
/// Polls, by the post's GUID. The journal notes only their posts.
const POLLS: &str = "polls";

/// The records of an archive that is newer than the one that was imported before, as hashes of their GUIDs or names:
/// there may be millions.
pub(in crate::import) struct NewerArchive {
    hasher: RandomState,
    hashes: HashSet<u64>,
}

impl NewerArchive {
    /// Starts with the records of the survey. None if the account is new here, or was imported from the same archive.
    pub(in crate::import) fn of(journal: &Journal, archive_sha256: &str, survey: &Survey) -> Option<Self> {
        journal.import().filter(|import| import.archive_sha256 != archive_sha256)?;
        let mut newer_archive = Self { hasher: RandomState::new(), hashes: HashSet::new() };
        for name in &survey.aspects {
            newer_archive.add_name(kinds::ASPECTS, name);
        }
        for (photo, _) in &survey.photo_names {
            newer_archive.add_name("photos", photo.as_str());
        }
        Some(newer_archive)
    }

    fn add_name(&mut self, kind: &str, name: &str) {
        self.hashes.insert(self.hasher.hash_one((kind, name)));
    }

    fn contains(&self, kind: &str, name: &str) -> bool {
        self.hashes.contains(&self.hasher.hash_one((kind, name)))
    }

    /// Adds the records of a batch.
    pub(in crate::import) fn add(&mut self, batch: &Batch) {
        match batch {
            Batch::Contacts(contacts) => {
                for contact in contacts {
                    self.add_name(kinds::CONTACTS, contact.account_id.as_str());
                }
            }
            Batch::Posts(posts) => {
                for post in posts {
                    let guid = post.post.guid().as_str();
                    self.add_name("posts", guid);
                    if matches!(&post.post, Post::StatusMessage(message) if message.poll.is_some()) {
                        self.add_name(POLLS, guid);
                    }
                }
            }
            Batch::LoosePhotos(photos) => {
                for photo in photos {
                    self.add_name("photos", photo.photo.guid.as_str());
                }
            }
            Batch::OwnRelayables(records) | Batch::UnsignedRelayables(records) => {
                for record in records {
                    self.add_relayable(record.entity.guid().as_str());
                }
            }
            Batch::OthersRelayables(records) | Batch::LikesOnComments(records) => {
                for (record, _) in records {
                    self.add_relayable(record.entity.guid().as_str());
                }
            }
            Batch::Subscriptions(posts) => {
                for post in posts {
                    self.add_name(kinds::PARTICIPATIONS, post.as_str());
                }
            }
            Batch::Conversations(conversations) => {
                for conversation in conversations {
                    self.add_name(kinds::CONVERSATION_VISIBILITIES, conversation.guid.as_str());
                }
            }
            // The target collects the tags, as its database compares them. The others are not reported.
            Batch::Tags(_)
            | Batch::Audiences(_)
            | Batch::HiddenPosts(_)
            | Batch::Unreadable(..)
            | Batch::ValueLeftOut(..) => {}
        }
    }

    fn add_relayable(&mut self, guid: &str) {
        // A GUID is the name of one record in the whole network.
        self.add_name("comments", guid);
        self.add_name("likes", guid);
        self.add_name("poll_participations", guid);
    }

    /// Reports the differing values of the profile, and the records that were imported from an earlier archive and are
    /// missing in this one. `old_id` is the account's ID in the archives.
    pub(in crate::import) async fn report(
        &self,
        target: &mut Target,
        account: &NewAccount,
        old_id: &DiasporaId,
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
                let page = noted_names(journal, noted_as, &after).await?;
                let Some(last) = page.last() else { break };
                after.clone_from(last);
                let missing = self.missing(target, kind, old_id, page).await?;
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
        old_id: &DiasporaId,
        mut noted: Vec<String>,
    ) -> Result<Vec<String>, ImportError> {
        match kind {
            kinds::TAG_FOLLOWINGS => {
                let mut keys = target.tag_keys(&noted).await?.into_iter();
                noted.retain(|_| keys.next().is_some_and(|key| !target.followed_tags.contains(&key)));
            }
            POLLS => noted.retain(|post| self.contains("posts", post) && !self.contains(POLLS, post)),
            // Others may have left a conversation that the account still has.
            kinds::CONVERSATION_VISIBILITIES => {
                let suffix = format!(" {old_id}");
                noted =
                    noted.iter().filter_map(|note| note.strip_suffix(&suffix).map(str::to_owned)).collect();
                noted.retain(|guid| !self.contains(kind, guid));
            }
            _ => noted.retain(|name| !self.contains(kind, name)),
        }
        Ok(noted)
    }
}

/// Returns a page of the names that the import has noted of a kind, after a name.
async fn noted_names(journal: &Journal, kind: &str, after: &str) -> Result<Vec<String>, StoreError> {
    let (Some(store), Some(import)) = (journal.store(), journal.import()) else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT guid FROM pappus_import_rows WHERE import_id = ? AND kind = ? AND guid > ? \
         AND COALESCE(previous, '') <> '{DUPLICATE}' ORDER BY guid LIMIT {PAGE_NOTES}"
    );
    let values = [import.id.as_str().into(), kind.into(), after.into()];
    let rows = store.rows("reading the records of an earlier archive", &sql, &values).await?;
    rows.iter().map(|row| row.get("guid")).collect()
}

impl Target {
    /// Reports those of these records that are still here.
    async fn report_kept(
        &mut self,
        account: &NewAccount,
        kind: &'static str,
        names: &[String],
    ) -> Result<(), ImportError> {
        if names.is_empty() {
            return Ok(());
        }
        let sql = kept_records(kind, account);
        let rows = self.pod.rows_in("the records of an earlier archive", &sql, names).await?;
        for row in &rows {
            let Some(name) = row.text("noted_name") else { continue };
            self.report.note(count_kind(kind, row, account.person), FindingCode::GoneFromArchive, &name);
        }
        Ok(())
    }

    /// Reports the values of the profile that differ from the archive's: changes that people have made here stay.
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
            let (pod_value, archive_value) =
                (row.text(column).unwrap_or_default(), value.map_or("", String::as_str));
            if !is_same(&pod_value, archive_value) {
                self.report.note(Subject::Profile, FindingCode::KeptAsHere, column);
            }
        }
        Ok(())
    }
}

/// Returns whether an import would write the archive's value as the pod has it: without semicolons in names, and cut to
/// the column.
fn is_same(pod_value: &str, archive_value: &str) -> bool {
    let [pod_value, archive_value] = [pod_value, archive_value].map(|value| value.trim().replace(';', ","));
    let is_cut = archive_value.starts_with(&pod_value) && pod_value.chars().count() >= MIN_CUT_CHARS;
    pod_value == archive_value || is_cut
}

/// Returns a query for those of some names, noted as `kind`, that the account still has.
fn kept_records(kind: &str, account: &NewAccount) -> String {
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

/// Returns the kind as which the report counts a row of [`kept_records`].
fn count_kind(kind: &str, row: &Row, person: i64) -> CountKind {
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
