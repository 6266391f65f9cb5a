//! The target pod during a dry run or an import.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::decide::posts::root_of;
use super::report::{FindingCode, Report, Subject};
use super::scan::text::is_normal_tag;
use crate::domain::{DiasporaId, Entity, Guid, Post, StatusMessage, Timestamp};
use crate::pod::config::PodUrl;
use crate::pod::database::{DatabaseError, OnConflict, PodWriter};
use crate::progress::Progress;
use crate::sql::Value;

/// Rows that a dry run would have written, so that dependent ones are planned as well. Rows that are only planned have
/// negative numbers.
#[derive(Default)]
pub(super) struct Planned {
    pub(super) posts: HashMap<Guid, PlannedRow>,
    pub(super) comments: HashMap<Guid, PlannedRow>,
    pub(super) polls: HashMap<Guid, PlannedRow>,
    /// Row numbers of polls, by the GUIDs of their answers.
    pub(super) answers: HashMap<Guid, i64>,
    /// GUIDs of originals, by those of their reshares.
    pub(super) reshares: HashMap<String, String>,
    last_number: i64,
}

/// A row that a dry run would have written.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlannedRow {
    pub(super) number: i64,
    /// True if it is the account's, or belongs to a post of the account's.
    pub(super) is_own: bool,
}

/// The row number of the account's user and person in a dry run.
pub(super) const PLANNED_ACCOUNT: i64 = -1;

/// An author that no person has: that of GUIDs that differ from existing ones in case only.
const NO_PERSON: i64 = i64::MIN;

impl Planned {
    /// Returns a number that no row has.
    pub(super) fn next_number(&mut self) -> i64 {
        self.last_number -= 1;
        PLANNED_ACCOUNT + self.last_number
    }

    /// Plans a post with its poll.
    pub(super) fn add_post(&mut self, post: &Post, is_own: bool) {
        let number = self.next_number();
        self.posts.insert(post.guid().clone(), PlannedRow { number, is_own });
        if let Some(root) = root_of(post) {
            self.reshares.insert(post.guid().to_string(), root.to_string());
        }
        if let Post::StatusMessage(StatusMessage { poll: Some(Entity(poll)), .. }) = post {
            let number = self.next_number();
            self.polls.insert(poll.guid.clone(), PlannedRow { number, is_own });
            self.answers.extend(poll.poll_answers.iter().map(|answer| (answer.0.guid.clone(), number)));
        }
    }
}

/// The account on the target pod.
#[derive(Debug, Clone)]
pub(super) struct NewAccount {
    pub(super) id: DiasporaId,
    pub(super) person: i64,
    pub(super) user: i64,
    /// The old person, if the target pod knows it.
    pub(super) old_person: Option<i64>,
    /// True if the account's own pod has signed the archive, and the podmin trusts it for its people.
    pub(super) is_vouched_for: bool,
    /// Users of the target pod who ignore the account, each with their person: they receive nothing from it.
    pub(super) ignored_by: HashMap<i64, i64>,
    /// Users of the target pod with whom the account shares, as the pod knows it by itself.
    pub(super) readers: HashSet<i64>,
    /// Aspects by name.
    pub(super) aspects: HashMap<String, i64>,
}

impl NewAccount {
    /// Returns whether this person of the target pod ignores the account.
    pub(super) fn is_ignored_by(&self, person: i64) -> bool {
        self.ignored_by.values().any(|other| *other == person)
    }

    /// Returns whether this person is the account, under its new name or its old one.
    pub(super) fn is_own(&self, person: i64) -> bool {
        person == self.person || Some(person) == self.old_person
    }

    /// Creates an account whose archive vouches for nobody else yet.
    pub(super) fn new(
        id: DiasporaId,
        person: i64,
        user: i64,
        old_person: Option<i64>,
        aspects: HashMap<String, i64>,
    ) -> Self {
        Self {
            id,
            person,
            user,
            old_person,
            is_vouched_for: false,
            ignored_by: HashMap::new(),
            readers: HashSet::new(),
            aspects,
        }
    }
}

/// The target pod.
pub(super) struct Target {
    pub(super) pod: PodWriter,
    pub(super) url: PodUrl,
    /// The base URL of the pod's photos, ending in `/`; empty if none are written.
    pub(super) photo_base_url: String,
    pub(super) now: Timestamp,
    /// The rows that a dry run has planned; none if rows are written.
    pub(super) planned: Option<Planned>,
    pub(super) report: Report,
    /// Posts that the account has reshared so far.
    pub(super) reshared: HashSet<Guid>,
    /// Hashes of the account's limited posts in the archive.
    pub(super) limited: HashSet<u64>,
    /// The conversation that was started last; a long one is imported in parts.
    pub(super) last_conversation: Option<Guid>,
    /// Receives the progress.
    pub(super) progress: Arc<dyn Progress>,
    /// Aspects whose names the pod's database treats as equal to another's, with that other name.
    pub(super) same_aspects: HashMap<String, String>,
    /// Hashes of the sort keys of the followed tags so far.
    pub(super) followed_tags: HashSet<u64>,
    /// GUIDs in their first spelling, by table and in lowercase: where the database treats both spellings as equal.
    spellings: HashMap<(&'static str, String), String>,
}

/// A record that exists on the target pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ExistingRow {
    pub(super) id: i64,
    pub(super) author: i64,
}

impl Target {
    pub(super) fn new(pod: PodWriter, url: PodUrl, now: Timestamp, planned: Option<Planned>) -> Self {
        let (report, reshared, limited) = (Report::default(), HashSet::new(), HashSet::new());
        let progress = Arc::new(());
        let (photo_base_url, last_conversation) = (String::new(), None);
        let (same_aspects, spellings, followed_tags) = (HashMap::new(), HashMap::new(), HashSet::new());
        Self {
            pod,
            url,
            photo_base_url,
            now,
            planned,
            report,
            reshared,
            limited,
            last_conversation,
            progress,
            same_aspects,
            followed_tags,
            spellings,
        }
    }

    /// Returns whether rows are written: false in a dry run.
    pub(super) fn writes(&self) -> bool {
        self.planned.is_none()
    }

    /// Returns rows of a table by their GUIDs.
    pub(super) async fn existing_rows(
        &mut self,
        table: &'static str,
        guids: &[&str],
    ) -> Result<HashMap<String, ExistingRow>, DatabaseError> {
        let sql = format!("SELECT guid, id, author_id FROM {table} WHERE guid IN ({{}})");
        let rows = self.pod.rows_in(table, &sql, guids).await?;
        let mut existing: HashMap<String, ExistingRow> = rows
            .iter()
            .filter_map(|row| {
                let author = row.integer("author_id").unwrap_or(-1);
                Some((row.text("guid")?, ExistingRow { id: row.integer("id")?, author }))
            })
            .collect();
        let stored: Vec<String> = existing.keys().cloned().collect();
        for guid in self.case_variants(table, guids, &stored).await? {
            existing.insert(guid, ExistingRow { id: -1, author: NO_PERSON });
        }
        Ok(existing)
    }

    /// Returns the GUIDs that the database treats as equal to others that exist or were requested before, in another
    /// case. A unique index does not allow both.
    pub(super) async fn case_variants(
        &mut self,
        table: &'static str,
        guids: &[&str],
        stored: &[String],
    ) -> Result<Vec<String>, DatabaseError> {
        if !self.pod.columns().await?.folds(table, "guid") {
            return Ok(Vec::new());
        }
        let stored = stored.iter().map(String::as_str);
        let mut variants = Vec::new();
        for guid in stored.chain(guids.iter().copied()) {
            let key = (table, guid.to_ascii_lowercase());
            if self.spellings.entry(key).or_insert_with(|| guid.to_owned()) != guid {
                variants.push(guid.to_owned());
            }
        }
        Ok(variants)
    }

    /// Returns GUIDs of a table that no new row can have.
    pub(super) async fn taken_guids(
        &mut self,
        table: &'static str,
        guids: &[&str],
    ) -> Result<HashMap<String, i64>, DatabaseError> {
        let mut taken = self.ids(table, guids).await?;
        let stored: Vec<String> = taken.keys().cloned().collect();
        taken.extend(self.case_variants(table, guids, &stored).await?.into_iter().map(|guid| (guid, -1)));
        Ok(taken)
    }

    /// Returns row numbers by GUID.
    pub(super) async fn ids(
        &mut self,
        table: &'static str,
        guids: &[&str],
    ) -> Result<HashMap<String, i64>, DatabaseError> {
        let sql = format!("SELECT guid, id FROM {table} WHERE guid IN ({{}})");
        let rows = self.pod.rows_in(table, &sql, guids).await?;
        Ok(rows.iter().filter_map(|row| Some((row.text("guid")?, row.integer("id")?))).collect())
    }

    /// Returns row numbers of tags; missing ones are created, if diaspora* would store them under these names.
    pub(super) async fn tags(&mut self, names: &[String]) -> Result<HashMap<String, i64>, DatabaseError> {
        let column = self.pod.columns().await?.of("tags", "name");
        let stored_names: HashMap<&String, String> =
            names.iter().map(|name| (name, column.hold(name).text.into_owned())).collect();
        let mut names: Vec<&String> = stored_names.values().collect();
        names.sort_unstable();
        names.dedup();
        let creatable: HashSet<&String> =
            stored_names.iter().filter(|(name, _)| is_normal_tag(name)).map(|(_, stored)| stored).collect();
        let creatable_names = names.iter().filter(|name| creatable.contains(*name));
        let rows = creatable_names.map(|name| vec![Value::from(name.as_str())]).collect();
        self.pod.insert("tags", &["name"], rows, OnConflict::Ignore).await?;
        let rows = self.pod.rows_in("tags", "SELECT name, id FROM tags WHERE name IN ({})", &names).await?;
        let mut ids: HashMap<String, i64> =
            rows.iter().filter_map(|row| Some((row.text("name")?, row.integer("id")?))).collect();
        // A database may treat a name as equal to an existing one.
        for name in names {
            if !ids.contains_key(name) {
                let sql = "SELECT id FROM tags WHERE name = ?".to_owned();
                let rows = self.pod.rows("tags", sql, &[name.as_str().into()]).await?;
                ids.extend(rows.first().and_then(|row| row.integer("id")).map(|id| (name.clone(), id)));
            }
        }
        Ok(stored_names
            .iter()
            .filter_map(|(name, stored)| Some(((*name).clone(), *ids.get(stored)?)))
            .collect())
    }

    /// Returns row numbers of the tags of `posts`, a list of row numbers.
    pub(super) async fn tags_of_posts(&mut self, posts: &str) -> Result<Vec<i64>, DatabaseError> {
        let sql = format!(
            "SELECT DISTINCT tag_id FROM taggings WHERE taggable_type = 'Post' AND taggable_id IN ({posts})"
        );
        let rows = self.pod.rows("tags", sql, &[]).await?;
        Ok(rows.iter().filter_map(|row| row.integer("tag_id")).collect())
    }

    /// Writes tags of records: pairs of row number and text.
    pub(super) async fn write_tags(
        &mut self,
        kind: &'static str,
        records: &[(i64, Vec<String>)],
    ) -> Result<(), DatabaseError> {
        let names: Vec<String> = records.iter().flat_map(|(_, tags)| tags.iter().cloned()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let ids = self.tags(&names).await?;
        let now = self.now;
        let rows = records
            .iter()
            .flat_map(|(record, tags)| tags.iter().filter_map(|tag| Some((*record, *ids.get(tag)?))))
            .map(|(record, tag)| vec![tag.into(), record.into(), kind.into(), "tags".into(), now.into()])
            .collect();
        let columns = ["tag_id", "taggable_id", "taggable_type", "context", "created_at"];
        self.pod.insert("taggings", &columns, rows, OnConflict::Ignore).await.map(drop)
    }

    /// Cuts a text of the profile to `max_chars` characters, the column's length, and reports that.
    pub(super) fn fit_profile_text(&mut self, column: &str, text: &str, max_chars: usize) -> String {
        match text.char_indices().nth(max_chars) {
            None => text.to_owned(),
            Some((end, _)) => {
                self.report.note(Subject::Profile, FindingCode::Shortened, column);
                text.get(..end).unwrap_or_default().to_owned()
            }
        }
    }
}
