//! Profiles.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DiasporaId, EntityType, Timestamp};

/// A profile, as the federation protocol's entity of the same name. Empty values are absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub struct Profile {
    /// The profile's owner.
    pub author: DiasporaId,
    /// Time of the last change.
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
    /// Address of the avatar, 300 pixels wide. Absent when the person has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// Address of the avatar, 100 pixels wide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url_medium: Option<String>,
    /// Address of the avatar, 50 pixels wide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url_small: Option<String>,
    /// The person's self-description, Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// Date of birth, `YYYY-MM-DD`; the year 1004 means that the year is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birthday: Option<String>,
    /// Gender, free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// Location, free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// True when the pod's search may find the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searchable: Option<bool>,
    /// True when everyone may see the details, false when only contacts may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// True when the person's posts are not safe for work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nsfw: Option<bool>,
    /// Up to five tags, `#a #b`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_string: Option<String>,
}

impl Profile {
    /// Returns the name of the avatar's photo file. diaspora* links a scaled version of it: `thumb_large_NAME`.
    pub fn avatar_file(&self) -> Option<&str> {
        let name = self.image_url.as_deref()?.rsplit('/').next()?;
        Some(name.strip_prefix("thumb_large_").unwrap_or(name))
    }
}

impl EntityType for Profile {
    const NAME: &'static str = "profile";
}
