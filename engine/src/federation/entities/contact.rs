//! [Contact](https://diaspora.github.io/diaspora_federation/entities/contact.html).

use crate::domain::{DiasporaId, EntityType};

use super::{Element, EntityError, FederationEntity, Properties};

/// The state of a contact, as its author tells the recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The sender.
    pub author: DiasporaId,
    /// The other person.
    pub recipient: DiasporaId,
    /// True when the author follows the recipient.
    pub following: bool,
    /// True when the author shares with the recipient.
    pub sharing: bool,
    /// True when the author ignores the recipient; then `following` and `sharing` are false.
    pub blocking: bool,
}

impl EntityType for Contact {
    const NAME: &'static str = "contact";
}

impl FederationEntity for Contact {
    fn to_element(&self) -> Element {
        Element::new(Self::NAME)
            .with("author", self.author.as_str())
            .with("recipient", self.recipient.as_str())
            .with("following", self.following.to_string())
            .with("sharing", self.sharing.to_string())
            .with("blocking", self.blocking.to_string())
    }

    fn from_element(element: &Element) -> Result<Self, EntityError> {
        let properties = Properties::<Self>::of(element);
        let required =
            |property| properties.boolean(property)?.ok_or_else(|| Properties::<Self>::missing(property));
        let contact = Self {
            author: properties.required("author")?,
            recipient: properties.required("recipient")?,
            following: required("following")?,
            sharing: required("sharing")?,
            blocking: properties.boolean("blocking")?.unwrap_or(false),
        };
        if contact.blocking && (contact.following || contact.sharing) {
            let reason = "a contact cannot be blocked while its author follows or shares with it";
            return Err(Properties::<Self>::bad("blocking", reason));
        }
        Ok(contact)
    }
}
