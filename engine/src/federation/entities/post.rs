//! Posts: [StatusMessage](https://diaspora.github.io/diaspora_federation/entities/status_message.html) and
//! [Reshare](https://diaspora.github.io/diaspora_federation/entities/reshare.html), with the entities nested in them.

use crate::domain::{
    DiasporaId, Entity, EntityType, Location, Photo, Poll, PollAnswer, Post, Reshare, StatusMessage,
};

use super::{Element, EntityError, FederationEntity, MAX_PAYLOAD_BYTES, Properties};

impl Post {
    /// Reads the XML of a post of either kind, at most a mebibyte.
    ///
    /// # Errors
    /// [`EntityError`] states the problem.
    pub fn from_xml(payload: &[u8]) -> Result<Self, EntityError> {
        let element = Element::parse(payload, MAX_PAYLOAD_BYTES)?;
        Self::from_element(&element)?.ok_or_else(|| EntityError::WrongEntity {
            expected: "post",
            found: element.name.chars().take(40).collect(),
        })
    }

    /// Reads a post; returns `None` if the element is of another entity.
    pub(super) fn from_element(element: &Element) -> Result<Option<Self>, EntityError> {
        Ok(match element.name.as_str() {
            StatusMessage::NAME => Some(Self::StatusMessage(StatusMessage::from_element(element)?)),
            Reshare::NAME => Some(Self::Reshare(Reshare::from_element(element)?)),
            _ => None,
        })
    }

    /// Returns the post's XML, the payload of a magic envelope.
    pub fn to_xml(&self) -> String {
        match self {
            Self::StatusMessage(post) => post.to_xml(),
            Self::Reshare(post) => post.to_xml(),
        }
    }

    /// Returns the author.
    pub fn author(&self) -> &DiasporaId {
        match self {
            Self::StatusMessage(post) => &post.author,
            Self::Reshare(post) => &post.author,
        }
    }
}

impl EntityType for StatusMessage {
    const NAME: &'static str = "status_message";
}

impl FederationEntity for StatusMessage {
    fn to_element(&self) -> Element {
        let mut element = Element::new(Self::NAME)
            .with("author", self.author.as_str())
            .with("guid", self.guid.as_str())
            .with("created_at", self.created_at.to_string())
            .with("public", self.public.to_string())
            .with_some("provider_display_name", self.provider_display_name.as_deref())
            .with("text", self.text.as_str());
        for Entity(photo) in &self.photos {
            element = element.with_child(photo.to_element());
        }
        if let Some(Entity(location)) = &self.location {
            element = element.with_child(location.to_element());
        }
        if let Some(Entity(poll)) = &self.poll {
            element = element.with_child(poll.to_element());
        }
        element
    }

    fn from_element(element: &Element) -> Result<Self, EntityError> {
        let properties = Properties::<Self>::of(element);
        let author: DiasporaId = properties.required("author")?;
        let photos: Vec<Entity<Photo>> = nested(element)?;
        if photos.iter().any(|photo| photo.0.author != author) {
            return Err(Properties::<Self>::bad("photo", "its author is not the post's author"));
        }
        Ok(Self {
            author,
            guid: properties.required("guid")?,
            created_at: properties.required("created_at")?,
            public: properties.boolean("public")?.unwrap_or(false),
            provider_display_name: properties.text("provider_display_name").map(str::to_owned),
            text: properties.raw("text").unwrap_or_default(),
            photos,
            location: nested(element)?.into_iter().next(),
            poll: nested(element)?.into_iter().next(),
        })
    }
}

impl EntityType for Reshare {
    const NAME: &'static str = "reshare";
}

impl FederationEntity for Reshare {
    fn to_element(&self) -> Element {
        Element::new(Self::NAME)
            .with("author", self.author.as_str())
            .with("guid", self.guid.as_str())
            .with("created_at", self.created_at.to_string())
            .with_some("root_author", self.root_author.as_ref().map(DiasporaId::as_str))
            .with_some("root_guid", self.root_guid.as_ref().map(ToString::to_string))
    }

    fn from_element(element: &Element) -> Result<Self, EntityError> {
        let properties = Properties::<Self>::of(element);
        let reshare = Self {
            author: properties.required("author")?,
            guid: properties.required("guid")?,
            created_at: properties.required("created_at")?,
            root_author: properties.parsed("root_author")?,
            root_guid: properties.parsed("root_guid")?,
        };
        if reshare.root_author.is_some() != reshare.root_guid.is_some() {
            return Err(Properties::<Self>::bad(
                "root_guid",
                "root_guid and root_author are only valid together",
            ));
        }
        Ok(reshare)
    }
}

impl FederationEntity for Photo {
    fn to_element(&self) -> Element {
        Element::new(Self::NAME)
            .with("guid", self.guid.as_str())
            .with("author", self.author.as_str())
            .with("public", self.public.to_string())
            .with("created_at", self.created_at.to_string())
            .with("remote_photo_path", self.remote_photo_path.as_str())
            .with("remote_photo_name", self.remote_photo_name.as_str())
            .with_some("text", self.text.as_deref())
            .with_some("status_message_guid", self.status_message_guid.as_ref().map(ToString::to_string))
            .with_some("height", self.height.map(|pixels| pixels.to_string()))
            .with_some("width", self.width.map(|pixels| pixels.to_string()))
    }

    fn from_element(element: &Element) -> Result<Self, EntityError> {
        let properties = Properties::<Self>::of(element);
        Ok(Self {
            guid: properties.required("guid")?,
            author: properties.required("author")?,
            public: properties.boolean("public")?.unwrap_or(false),
            created_at: properties.required("created_at")?,
            remote_photo_path: properties.required("remote_photo_path")?,
            remote_photo_name: properties.required("remote_photo_name")?,
            text: properties.raw("text"),
            status_message_guid: properties.parsed("status_message_guid")?,
            height: properties.parsed("height")?,
            width: properties.parsed("width")?,
        })
    }
}

impl FederationEntity for Location {
    fn to_element(&self) -> Element {
        Element::new(Self::NAME)
            .with("address", self.address.as_str())
            .with("lat", self.lat.as_str())
            .with("lng", self.lng.as_str())
    }

    fn from_element(element: &Element) -> Result<Self, EntityError> {
        let properties = Properties::<Self>::of(element);
        Ok(Self {
            address: properties.required("address")?,
            lat: properties.required("lat")?,
            lng: properties.required("lng")?,
        })
    }
}

impl FederationEntity for Poll {
    fn to_element(&self) -> Element {
        let element = Element::new(Self::NAME)
            .with("guid", self.guid.as_str())
            .with("question", self.question.as_str());
        self.poll_answers.iter().fold(element, |element, answer| element.with_child(answer.0.to_element()))
    }

    fn from_element(element: &Element) -> Result<Self, EntityError> {
        let properties = Properties::<Self>::of(element);
        let poll_answers: Vec<Entity<PollAnswer>> = nested(element)?;
        // diaspora* rejects polls with fewer than two answers.
        if poll_answers.len() < 2 {
            return Err(Properties::<Self>::bad("poll_answer", "a poll has at least two answers"));
        }
        Ok(Self {
            guid: properties.required("guid")?,
            question: properties.required("question")?,
            poll_answers,
        })
    }
}

impl FederationEntity for PollAnswer {
    fn to_element(&self) -> Element {
        Element::new(Self::NAME).with("guid", self.guid.as_str()).with("answer", self.answer.as_str())
    }

    fn from_element(element: &Element) -> Result<Self, EntityError> {
        let properties = Properties::<Self>::of(element);
        Ok(Self { guid: properties.required("guid")?, answer: properties.required("answer")? })
    }
}

/// Reads all directly nested entities of a kind.
fn nested<T: FederationEntity>(element: &Element) -> Result<Vec<Entity<T>>, EntityError> {
    element
        .children
        .iter()
        .filter(|child| child.name == T::NAME)
        .map(|child| T::from_element(child).map(Entity))
        .collect()
}
