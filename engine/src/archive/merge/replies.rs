//! Comments and likes on the account's posts, stored on disk until the post is shown.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::archive::view::Reply;
use crate::domain::{Guid, RelayableEntity, Timestamp};

/// A comment on disk.
#[derive(Serialize, Deserialize)]
struct StoredComment {
    author: String,
    created_at: Timestamp,
    text: String,
}

/// Comments and like counts by post.
pub(super) struct Replies {
    file: File,
    end: u64,
    comments: HashMap<String, Vec<(u64, u32)>>,
    likes: HashMap<String, u64>,
}

impl Replies {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(folder)?;
        Ok(Self { file, end: 0, comments: HashMap::new(), likes: HashMap::new() })
    }

    /// Stores a relayable, if it is shown under a post.
    pub(super) fn add(&mut self, entity: &RelayableEntity) -> io::Result<()> {
        match entity {
            RelayableEntity::Like(like) if like.parent_type == "Post" => {
                *self.likes.entry(like.parent_guid.to_string()).or_default() += 1;
            }
            RelayableEntity::Comment(comment) => {
                let stored = StoredComment {
                    author: comment.author.to_string(),
                    created_at: comment.created_at,
                    text: comment.text.clone(),
                };
                let text = serde_json::to_vec(&stored)?;
                self.file.write_all(&text)?;
                let length = u32::try_from(text.len()).map_err(io::Error::other)?;
                self.comments.entry(comment.parent_guid.to_string()).or_default().push((self.end, length));
                self.end += u64::from(length);
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns the number of likes of a post and its comments, the oldest first, with the authors' display names.
    pub(super) fn take(
        &mut self,
        post: &Guid,
        names: &HashMap<String, String>,
    ) -> io::Result<(u64, Vec<Reply>)> {
        let likes = self.likes.get(post.as_str()).copied().unwrap_or_default();
        let mut comments = Vec::new();
        for (offset, length) in self.comments.remove(post.as_str()).unwrap_or_default() {
            self.file.seek(SeekFrom::Start(offset))?;
            let mut text = Vec::new();
            (&self.file).take(u64::from(length)).read_to_end(&mut text)?;
            comments.push(serde_json::from_slice::<StoredComment>(&text)?);
        }
        comments.sort_by_key(|comment| comment.created_at);
        let reply = |comment: StoredComment| Reply {
            author_name: names.get(&comment.author).unwrap_or(&comment.author).clone(),
            author_id: comment.author,
            created_at: Some(comment.created_at),
            text: comment.text,
        };
        Ok((likes, comments.into_iter().map(reply).collect()))
    }
}
