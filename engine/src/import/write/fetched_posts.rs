//! The rows of other people's posts, as diaspora* writes posts that it receives.

use crate::domain::{Post, StatusMessage};
use crate::import::ImportError;
use crate::import::apply::BatchRows;
use crate::import::scan::parents::Fetched;
use crate::import::scan::people::People;
use crate::import::target::{Planned, Target};
use crate::import::write::posts::{PHOTO_COLUMNS, POST_COLUMNS, photo_row, post_row};
use crate::pod::database::OnConflict;
use crate::sql::id_list;

/// Posts of other people that were fetched from their pods.
pub(in crate::import) struct FetchedPostRows<'a> {
    pub(in crate::import) people: &'a People,
    pub(in crate::import) posts: Vec<Fetched>,
}

impl BatchRows for FetchedPostRows<'_> {
    fn remember(&self, planned: &mut Planned) {
        for fetched in &self.posts {
            planned.add_post(&fetched.post, false);
        }
    }

    async fn write(&self, target: &mut Target) -> Result<(), ImportError> {
        let rows = self.posts.iter().map(|fetched| post_row(fetched.author, &fetched.post)).collect();
        target.pod.insert("posts", &POST_COLUMNS, rows, OnConflict::Fail).await?;
        let guids: Vec<&str> = self.posts.iter().map(|fetched| fetched.post.guid().as_str()).collect();
        let ids = target.ids("posts", &guids).await?;
        let mut messages: Vec<(i64, &StatusMessage)> = Vec::new();
        let mut photos = Vec::new();
        for Fetched { post, author } in &self.posts {
            let Post::StatusMessage(message) = post else { continue };
            let Some(id) = ids.get(message.guid.as_str()) else { continue };
            messages.push((*id, message));
            photos.extend(message.photos.iter().map(|photo| photo_row(*author, &photo.0, None)));
        }
        target.pod.insert("photos", &PHOTO_COLUMNS, photos, OnConflict::Fail).await?;
        target.write_parts(self.people, &messages).await?;
        let written = id_list(&ids.into_values().collect::<Vec<_>>());
        target.count_posts(&written).await?;
        let tags = target.tags_of_posts(&written).await?;
        if !tags.is_empty() {
            target.count_taggings(&id_list(&tags)).await?;
        }
        Ok(())
    }
}
