//! What a person says about themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DiasporaId, EntityType, Timestamp};

/// A profile, as the federation protocol's entity of the same name. What is empty is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub struct Profile {
    /// Whose profile it is.
    pub author: DiasporaId,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// Display name; diaspora* itself writes the two parts below instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// First part of the display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Second part of the display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Avatar, 300 pixels wide. Absent when the person has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// Avatar, 100 pixels wide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url_medium: Option<String>,
    /// Avatar, 50 pixels wide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url_small: Option<String>,
    /// About, Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// `YYYY-MM-DD`; the year 1004 stands for "not told".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birthday: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Whether the pod's search may find the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searchable: Option<bool>,
    /// Whether everyone may see the details, or contacts only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// Whether the person's posts are not safe for work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nsfw: Option<bool>,
    /// Up to five tags, `#a #b`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_string: Option<String>,
}

impl Profile {
    /// Name of the avatar's photo file. diaspora* points the profile at a scaled version of it: `thumb_large_NAME`.
    pub fn avatar_file(&self) -> Option<&str> {
        let name = self.image_url.as_deref()?.rsplit('/').next()?;
        Some(name.strip_prefix("thumb_large_").unwrap_or(name))
    }
}

impl EntityType for Profile {
    const NAME: &'static str = "profile";
}
