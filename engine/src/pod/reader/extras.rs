//! Tags, subscriptions, photos without a post, and the other data of `extras.json`.

use futures_util::TryStreamExt as _;

use super::notes::{Problem, identifier, person_id};
use super::post_parts::{PHOTO_COLUMNS, photo};
use super::source::{OwnerKey, Scope, Statement};
use super::stand_ins::Replacements;
use super::{AccountReader, PAGE, ReadError, Sink, yaml};
use crate::domain::{
    AspectAudience, AspectSetting, CommentedPost, CountKind, ExtraSettings, Guid, LoosePhoto, OmissionCode,
    PodAddress, RecordKind,
};
use crate::sql::{Row, id_list};

/// A photo's file: its name in the archive and its possible names on the pod.
#[derive(Debug)]
pub struct PhotoName {
    /// `photos.id`.
    pub row: i64,
    /// Name in the archive.
    pub name: String,
    /// Candidate names of the pod's photo file, best first.
    pub candidates: Vec<String>,
}

pub(super) const STATEMENTS: &[&Statement] = &[
    &FOLLOWED_TAGS,
    &SUBSCRIPTIONS,
    &MAIL,
    &OTHER_SETTINGS,
    AUDIENCES[0].1,
    AUDIENCES[1].1,
    &LOOSE_PHOTOS,
    &PHOTO_NAMES,
    &COMMENTED_POSTS,
    &HIDDEN_POSTS,
];

const FOLLOWED_TAGS: Statement = Statement {
    name: "the followed tags",
    owner: OwnerKey::User,
    sql: |scope| {
        format!(
            "SELECT t.name, f.user_id AS account_row FROM tag_followings f JOIN tags t ON t.id = f.tag_id \
             WHERE {} ORDER BY t.name",
            scope.condition("f.user_id")
        )
    },
};

const SUBSCRIPTIONS: Statement = Statement {
    name: "the subscribed posts",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT t.id, p.guid, t.author_id AS account_row FROM participations t \
             LEFT JOIN posts p ON p.id = t.target_id WHERE {} AND t.target_type = 'Post' ORDER BY t.id",
            scope.condition("t.author_id")
        )
    },
};

const MAIL: Statement = Statement {
    name: "the mail preferences",
    owner: OwnerKey::User,
    sql: |scope| {
        let condition = scope.condition("user_id");
        format!(
            "SELECT email_type, user_id AS account_row FROM user_preferences WHERE {condition} ORDER BY id"
        )
    },
};

const OTHER_SETTINGS: Statement = Statement {
    name: "the user's other settings",
    owner: OwnerKey::User,
    sql: |scope| {
        let condition = scope.condition("id");
        format!("SELECT color_theme, post_default_public, id AS account_row FROM users WHERE {condition}")
    },
};

/// Posts and photos, with their kind in the archive.
const AUDIENCES: [(&str, &Statement); 2] = [
    (
        "post",
        &Statement {
            name: "the audiences of limited posts",
            owner: OwnerKey::Person,
            sql: |scope| audiences("posts", "Post", scope),
        },
    ),
    (
        "photo",
        &Statement {
            name: "the audiences of limited photos",
            owner: OwnerKey::Person,
            sql: |scope| audiences("photos", "Photo", scope),
        },
    ),
];

fn audiences(table: &str, shareable: &str, scope: &Scope<'_>) -> String {
    format!(
        "SELECT p.guid, v.aspect_id, p.author_id AS account_row FROM aspect_visibilities v \
         JOIN {table} p ON p.id = v.shareable_id WHERE v.shareable_type = '{shareable}' AND {} \
         AND NOT p.public ORDER BY p.id, v.aspect_id",
        scope.condition("p.author_id")
    )
}

const LOOSE_PHOTOS: Statement = Statement {
    name: "the photos outside posts",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT f.image_url, {PHOTO_COLUMNS}, ph.author_id AS account_row FROM photos ph \
             LEFT JOIN posts p ON p.guid = ph.status_message_guid \
             LEFT JOIN profiles f ON f.person_id = ph.author_id WHERE {} AND p.id IS NULL ORDER BY ph.id",
            scope.condition("ph.author_id")
        )
    },
};

const PHOTO_NAMES: Statement = Statement {
    name: "the names of photo files",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT id, remote_photo_name, unprocessed_image, processed_image, author_id AS account_row \
             FROM photos WHERE {} ORDER BY id",
            scope.condition("author_id")
        )
    },
};

const COMMENTED_POSTS: Statement = Statement {
    name: "the posts the account commented on",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT p.id, p.guid, a.diaspora_handle, a.owner_id, a.pod_id, p.created_at, p.text, \
             x.account AS account_row FROM (SELECT DISTINCT c.author_id AS account, c.commentable_id AS post \
             FROM comments c WHERE {} AND c.commentable_type = 'Post') x JOIN posts p ON p.id = x.post \
             LEFT JOIN people a ON a.id = p.author_id WHERE p.public AND p.author_id <> x.account ORDER BY p.id",
            scope.condition("c.author_id")
        )
    },
};

const HIDDEN_POSTS: Statement = Statement {
    name: "the hidden posts",
    owner: OwnerKey::User,
    sql: |scope| {
        format!("SELECT hidden_shareables, id AS account_row FROM users WHERE {}", scope.condition("id"))
    },
};

impl AccountReader<'_> {
    /// Reads the followed tags, by name.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn followed_tags(&mut self) -> Result<Vec<String>, ReadError> {
        let rows = self.source.rows(&FOLLOWED_TAGS, &self.account).await?;
        let mut tags: Vec<String> = rows.iter().filter_map(|row| row.non_empty_text("name")).collect();
        // Databases differ in sort order; the same pod must yield the same archive.
        tags.sort();
        for _ in &tags {
            self.notes.count(CountKind::FollowedTags);
        }
        Ok(tags)
    }

    /// Reads the GUIDs of posts the account is subscribed to.
    ///
    /// # Errors
    /// The database's failure, or [`ReadError::Stopped`].
    pub async fn subscriptions(&mut self, sink: &mut impl Sink<Guid>) -> Result<(), ReadError> {
        let Self { source, account, notes, .. } = self;
        let mut rows = source.stream(&SUBSCRIPTIONS, account);
        while let Some(row) = rows.try_next().await? {
            let guid = if row.is_null("guid") {
                let reason = "the post is no longer in the pod's database";
                Err(Problem::new(OmissionCode::MissingParent, reason))
            } else {
                identifier(row.text("guid"), "post's GUID")
            };
            match guid {
                Ok(guid) => {
                    notes.count(CountKind::Subscriptions);
                    sink.put(guid).await?;
                }
                Err(problem) => {
                    notes.omit(problem, RecordKind::Subscription, row.integer("id"), row.text("guid"));
                }
            }
        }
        Ok(())
    }

    /// Reads the settings that the archive document cannot contain.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn extra_settings(&mut self) -> Result<ExtraSettings, ReadError> {
        let rows = self.source.rows(&MAIL, &self.account).await?;
        let mut unwanted_mail: Vec<String> =
            rows.iter().filter_map(|row| row.non_empty_text("email_type")).collect();
        unwanted_mail.sort();
        unwanted_mail.dedup();
        let row = self.source.first(&OTHER_SETTINGS, &self.account).await?;
        let mut replacements = Replacements::default();
        let public = "post_default_public";
        let is_public = row.as_ref().is_some_and(|row| replacements.flag(row, public, public, false));
        replacements.note_account(&mut self.notes, &self.account);
        let aspects = self.aspects.iter();
        Ok(ExtraSettings {
            unwanted_mail,
            color_theme: row.as_ref().and_then(|row| row.non_empty_text("color_theme")),
            post_default_public: is_public,
            aspects: aspects
                .map(|a| AspectSetting { name: a.name.clone(), post_default: a.post_default })
                .collect(),
        })
    }

    /// Reads the aspects that each limited post and photo is visible to.
    ///
    /// # Errors
    /// The database's failure, or [`ReadError::Stopped`].
    pub async fn aspect_visibility(&mut self, sink: &mut impl Sink<AspectAudience>) -> Result<(), ReadError> {
        for (kind, statement) in AUDIENCES {
            let mut current: Option<(String, Vec<i64>)> = None;
            let aspects = self.aspects.clone();
            let audience = |guid: &str, ids: &[i64]| {
                let names = aspects.iter().filter(|a| ids.contains(&a.id)).map(|a| a.name.clone()).collect();
                guid.parse().ok().map(|guid| AspectAudience { kind: kind.to_owned(), guid, aspects: names })
            };
            let mut rows = self.source.stream(statement, &self.account);
            loop {
                let row = rows.try_next().await?;
                let next = row.as_ref().and_then(|row| Some((row.text("guid")?, row.integer("aspect_id")?)));
                match (&mut current, next) {
                    (Some((guid, ids)), Some((next_guid, id))) if *guid == next_guid => ids.push(id),
                    (_, next) => {
                        let finished =
                            std::mem::replace(&mut current, next.map(|(guid, id)| (guid, vec![id])));
                        if let Some(audience) = finished.and_then(|(guid, ids)| audience(&guid, &ids)) {
                            sink.put(audience).await?;
                        }
                    }
                }
                if row.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Reads the photos without a post.
    ///
    /// # Errors
    /// The database's failure, or [`ReadError::Stopped`].
    pub async fn loose_photos(&mut self, sink: &mut impl Sink<LoosePhoto>) -> Result<(), ReadError> {
        let Self { source, account, notes, .. } = self;
        let mut rows = source.stream(&LOOSE_PHOTOS, account);
        while let Some(row) = rows.try_next().await? {
            let record = notes.record(RecordKind::Photo, (&row, "id", "guid"), |replacements| {
                photo(&row, &account.id, replacements)
            });
            if let Some(photo) = record {
                let url = row.text("image_url");
                let avatar = url.is_some_and(|url| url.ends_with(&photo.remote_photo_name));
                notes.count(CountKind::Photos);
                sink.put(LoosePhoto { avatar, photo }).await?;
            }
        }
        Ok(())
    }

    /// Reads the file names of all the account's photos.
    ///
    /// # Errors
    /// The database's failure, or [`ReadError::Stopped`].
    pub async fn photo_names(&mut self, sink: &mut impl Sink<PhotoName>) -> Result<(), ReadError> {
        let mut rows = self.source.stream(&PHOTO_NAMES, &self.account);
        while let Some(row) = rows.try_next().await? {
            // A photo without a name is already listed as an omission.
            let (Some(id), Some(name)) = (row.integer("id"), row.non_empty_text("remote_photo_name")) else {
                continue;
            };
            let (original, processed) =
                (row.non_empty_text("unprocessed_image"), row.non_empty_text("processed_image"));
            let mut candidates: Vec<String> =
                [original, Some(name.clone()), processed].into_iter().flatten().collect();
            candidates.dedup();
            sink.put(PhotoName { row: id, name, candidates }).await?;
        }
        Ok(())
    }

    /// Reads other people's public posts that the account commented on.
    ///
    /// # Errors
    /// The database's failure, or [`ReadError::Stopped`].
    pub async fn commented_posts(&mut self, sink: &mut impl Sink<CommentedPost>) -> Result<(), ReadError> {
        let Self { source, account, notes, pods, pod, .. } = self;
        let own_address = PodAddress::from(pod.origin());
        let mut rows = source.stream(&COMMENTED_POSTS, account);
        while let Some(row) = rows.try_next().await? {
            let origin = if row.is_null("owner_id") {
                row.integer("pod_id").and_then(|pod| pods.get(&pod))
            } else {
                Some(&own_address)
            };
            let record = notes.record(RecordKind::Post, (&row, "id", "guid"), |replacements| {
                commented_post(&row, origin, replacements)
            });
            if let Some(post) = record {
                notes.count(CountKind::CommentedPosts);
                sink.put(post).await?;
            }
        }
        Ok(())
    }

    /// Reads the posts that the user has hidden from the stream.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn hidden_posts(&mut self) -> Result<Vec<Guid>, ReadError> {
        let row = self.source.first(&HIDDEN_POSTS, &self.account).await?;
        let yaml = row.and_then(|row| row.non_empty_text("hidden_shareables")).unwrap_or_default();
        // Rails writes an empty document for an empty list.
        let is_empty = yaml.trim_matches(|c: char| c.is_whitespace() || "-.~".contains(c)).is_empty();
        let ids = if is_empty { Some(Vec::new()) } else { yaml::hidden_posts(&yaml) };
        let ids = ids.unwrap_or_else(|| {
            let reason = "the list of hidden posts cannot be parsed and is left out";
            let problem = Problem::new(OmissionCode::UnreadableSetting, reason);
            let (id, name) = (self.account.user_id, self.account.id.to_string());
            self.notes.omit(problem, RecordKind::Account, Some(id), Some(name));
            Vec::new()
        });
        let mut guids = Vec::new();
        for chunk in ids.chunks(PAGE) {
            let sql = format!("SELECT guid FROM posts WHERE id IN ({}) ORDER BY id", id_list(chunk));
            let rows = self.source.snapshot.rows("the hidden posts", sql, &[]).await?;
            guids.extend(rows.iter().filter_map(|row| row.text("guid")?.parse::<Guid>().ok()));
        }
        Ok(guids)
    }
}

fn commented_post(
    row: &Row,
    origin: Option<&PodAddress>,
    replacements: &mut Replacements,
) -> Result<CommentedPost, Problem> {
    let guid: Guid = identifier(row.text("guid"), "GUID")?;
    if row.is_null("diaspora_handle") {
        return Err(Problem::new(OmissionCode::MissingPerson, "its author is not in the pod's database"));
    }
    Ok(CommentedPost {
        author: person_id(row.text("diaspora_handle"), "author's diaspora* ID")?,
        url: origin.map_or_else(String::new, |origin| format!("{}/posts/{guid}", origin.as_str())),
        created_at: replacements.time(row, "created_at"),
        text: row.text("text").unwrap_or_default(),
        guid,
    })
}
