//! A profile in its federated form.

use super::database::{DatabaseError, PodWriter};
use crate::domain::{DiasporaId, Profile};

/// Reads the profile of a person of the pod as the pod federates it; `None` if there is none.
pub(crate) async fn read_profile(
    pod: &mut PodWriter,
    person: i64,
    id: &DiasporaId,
) -> Result<Option<Profile>, DatabaseError> {
    let sql = format!(
        "SELECT id, first_name, last_name, image_url, image_url_medium, image_url_small, bio, birthday, gender, \
         location, searchable, public_details, nsfw, updated_at FROM profiles WHERE person_id = {person}"
    );
    let rows = pod.rows("the profile", sql, &[]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let sql = format!(
        "SELECT t.name FROM taggings g JOIN tags t ON t.id = g.tag_id WHERE g.taggable_type = 'Profile' \
         AND g.taggable_id = {} ORDER BY g.id",
        row.integer("id").unwrap_or(0)
    );
    let tags = pod.rows("the profile's tags", sql, &[]).await?;
    let tags: Vec<String> =
        tags.iter().filter_map(|row| row.text("name")).map(|name| format!("#{name}")).collect();
    Ok(Some(Profile {
        author: id.clone(),
        edited_at: row.time("updated_at"),
        full_name: None,
        first_name: row.non_empty_text("first_name"),
        last_name: row.non_empty_text("last_name"),
        image_url: row.non_empty_text("image_url"),
        image_url_medium: row.non_empty_text("image_url_medium"),
        image_url_small: row.non_empty_text("image_url_small"),
        bio: row.non_empty_text("bio"),
        birthday: row.date("birthday"),
        gender: row.non_empty_text("gender"),
        location: row.non_empty_text("location"),
        searchable: row.boolean("searchable"),
        public: row.boolean("public_details"),
        nsfw: row.boolean("nsfw"),
        tag_string: (!tags.is_empty()).then(|| tags.join(" ")),
    }))
}
