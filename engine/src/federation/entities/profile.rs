//! [Profile](https://diaspora.github.io/diaspora_federation/entities/profile.html).

use crate::domain::{EntityType, Profile};

use super::{Element, EntityError, FederationEntity, Properties};

impl FederationEntity for Profile {
    fn to_element(&self) -> Element {
        Element::new(Self::NAME)
            .with("author", self.author.as_str())
            .with_some("edited_at", self.edited_at.map(|time| time.to_string()))
            .with_some("full_name", self.full_name.as_deref())
            .with_some("first_name", self.first_name.as_deref())
            .with_some("last_name", self.last_name.as_deref())
            .with_some("image_url", self.image_url.as_deref())
            .with_some("image_url_medium", self.image_url_medium.as_deref())
            .with_some("image_url_small", self.image_url_small.as_deref())
            .with_some("bio", self.bio.as_deref())
            .with_some("birthday", self.birthday.as_deref())
            .with_some("gender", self.gender.as_deref())
            .with_some("location", self.location.as_deref())
            .with_some("searchable", self.searchable.map(|flag| flag.to_string()))
            .with_some("public", self.public.map(|flag| flag.to_string()))
            .with_some("nsfw", self.nsfw.map(|flag| flag.to_string()))
            .with_some("tag_string", self.tag_string.as_deref())
    }

    fn from_element(element: &Element) -> Result<Self, EntityError> {
        let properties = Properties::<Self>::of(element);
        Ok(Self {
            author: properties.required("author")?,
            edited_at: properties.parsed("edited_at")?,
            full_name: properties.raw("full_name"),
            first_name: properties.raw("first_name"),
            last_name: properties.raw("last_name"),
            image_url: properties.raw("image_url"),
            image_url_medium: properties.raw("image_url_medium"),
            image_url_small: properties.raw("image_url_small"),
            bio: properties.raw("bio"),
            birthday: properties.raw("birthday"),
            gender: properties.raw("gender"),
            location: properties.raw("location"),
            searchable: properties.boolean("searchable")?,
            public: properties.boolean("public")?,
            nsfw: properties.boolean("nsfw")?,
            tag_string: properties.raw("tag_string"),
        })
    }
}
