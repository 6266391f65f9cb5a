//! Closes a person of another pod who has moved here: a closed row without personal data stays.
//!
//! diaspora* does the same when it performs a migration (`AccountMigration#perform!`:
//! `AccountDeleter#tombstone_person_and_profile`, which is `Person#lock_access!` and `Profile#tombstone!`). The user
//! row it also clears does not exist for people of other pods.

use crate::domain::Timestamp;
use crate::pod::database::{DatabaseError, PodWriter};

/// Columns of `profiles` that are cleared, including `diaspora_handle`, which current versions leave empty.
const CLEARED_COLUMNS: [&str; 12] = [
    "diaspora_handle",
    "first_name",
    "last_name",
    "image_url",
    "image_url_small",
    "image_url_medium",
    "birthday",
    "gender",
    "bio",
    "location",
    "nsfw",
    "public_details",
];

/// Returns the condition for a row `f` of `profiles` that is not empty yet. An empty full name is an empty text.
pub(crate) fn has_content() -> String {
    let conditions: Vec<String> =
        CLEARED_COLUMNS.iter().map(|column| format!("f.{column} IS NOT NULL")).collect();
    format!("(f.searchable OR f.full_name IS NULL OR f.full_name <> '' OR {})", conditions.join(" OR "))
}

/// Closes a person of another pod and clears the profile, with its tags. Leaves correct rows unchanged. Returns the
/// number of changed rows.
///
/// # Errors
/// [`DatabaseError`].
pub(crate) async fn tombstone(
    pod: &mut PodWriter,
    person: i64,
    now: Timestamp,
) -> Result<u64, DatabaseError> {
    let close = format!(
        "UPDATE people SET closed_account = (1 = 1), updated_at = ? WHERE id = {person} \
         AND (closed_account IS NULL OR NOT closed_account)"
    );
    let mut changed = pod.run("the old person", close, &[now.into()]).await?;
    let taggings = format!(
        "taggable_type = 'Profile' AND taggable_id IN (SELECT id FROM profiles WHERE person_id = {person})"
    );
    let sql = format!("SELECT DISTINCT tag_id FROM taggings WHERE {taggings}");
    let rows = pod.rows("the old person's tags", sql, &[]).await?;
    let tags = rows.iter().filter_map(|row| row.integer("tag_id"));
    let tags: Vec<String> = tags.map(|id| id.to_string()).collect();
    if !tags.is_empty() {
        let sql = format!("DELETE FROM taggings WHERE {taggings}");
        changed += pod.run("the old person's tags", sql, &[]).await?;
        // diaspora* omits this step, and its counter stays too high.
        let sql = format!(
            "UPDATE tags SET taggings_count = (SELECT COUNT(*) FROM taggings t WHERE t.tag_id = tags.id) \
             WHERE id IN ({})",
            tags.join(",")
        );
        pod.run("the old person's tags", sql, &[]).await?;
    }
    let sql = format!("SELECT f.id FROM profiles f WHERE f.person_id = {person} AND {}", has_content());
    for row in pod.rows("the old person's profile", sql, &[]).await? {
        let Some(profile) = row.integer("id") else { continue };
        let assignments: Vec<String> =
            CLEARED_COLUMNS.iter().map(|column| format!("{column} = NULL")).collect();
        let sql = format!(
            "UPDATE profiles SET searchable = (1 = 0), full_name = '', {}, updated_at = ? WHERE id = {profile}",
            assignments.join(", ")
        );
        changed += pod.run("the old person's profile", sql, &[now.into()]).await?;
    }
    Ok(changed)
}
