//! Entities in their network format: XML, one element per property
//! ([XML Serialization](https://diaspora.github.io/diaspora_federation/federation/xml_serialization.html)).

mod account_migration;
mod contact;
mod post;
mod profile;

use crate::domain::{DiasporaId, EntityType, KeyError, Post, Profile};

use crate::xml::{Element, XmlError};

pub use account_migration::AccountMigration;
pub use contact::Contact;

/// Limit for an entity's XML in bytes. A post of 65,535 characters, each written as a number, takes half of it.
pub(super) const MAX_PAYLOAD_BYTES: usize = 1 << 20;

/// The reason an entity could not be read or created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntityError {
    /// XML that cannot be read.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// Another entity.
    #[error("a {found:?} was found instead of a {expected}")]
    WrongEntity {
        /// The expected entity.
        expected: &'static str,
        /// The entity found.
        found: String,
    },
    /// A missing property.
    #[error("the {entity} lacks the required property {property}")]
    Missing {
        /// The entity.
        entity: &'static str,
        /// The property.
        property: &'static str,
    },
    /// A property with an invalid value.
    #[error("the {entity}'s {property} is wrong: {reason}")]
    BadValue {
        /// The entity.
        entity: &'static str,
        /// The property.
        property: &'static str,
        /// The problem.
        reason: String,
    },
    /// The envelope's sender is not the entity's author.
    #[error("{sender} sent an entity of {author}; only the author may send it")]
    NotTheAuthor {
        /// The signer of the envelope.
        sender: DiasporaId,
        /// The author named inside.
        author: DiasporaId,
    },
    /// The signature could not be created.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// An entity with an XML form.
pub trait FederationEntity: EntityType + Sized {
    /// Returns the element with its properties, in diaspora*'s order; empty optional ones are absent.
    fn to_element(&self) -> Element;

    /// Reads the properties. Ignores unknown ones, as the protocol requires.
    ///
    /// # Errors
    /// [`EntityError`] names the property that is missing or wrong.
    fn from_element(element: &Element) -> Result<Self, EntityError>;

    /// Returns the entity's XML, the payload of a magic envelope.
    fn to_xml(&self) -> String {
        self.to_element().to_xml()
    }

    /// Reads an entity's XML of at most a mebibyte.
    ///
    /// # Errors
    /// [`EntityError`] states the problem.
    fn from_xml(payload: &[u8]) -> Result<Self, EntityError> {
        let element = Element::parse(payload, MAX_PAYLOAD_BYTES)?;
        if element.name != Self::NAME {
            let found = element.name.chars().take(40).collect();
            return Err(EntityError::WrongEntity { expected: Self::NAME, found });
        }
        Self::from_element(&element)
    }
}

/// An entity of unknown kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceivedEntity {
    /// A person has moved.
    AccountMigration(Box<AccountMigration>),
    /// A person shares with another, or no longer does.
    Contact(Contact),
    /// A person's profile.
    Profile(Box<Profile>),
    /// A post or reshare.
    Post(Box<Post>),
    /// Any entity that Pappus does not use: its name, such as `retraction`, and its author if it has one.
    Other {
        /// The root element's name.
        name: String,
        /// The property `author`.
        author: Option<DiasporaId>,
    },
}

impl ReceivedEntity {
    /// Reads an entity's XML of at most a mebibyte.
    ///
    /// # Errors
    /// [`EntityError`] states the problem.
    pub fn from_xml(payload: &[u8]) -> Result<Self, EntityError> {
        let element = Element::parse(payload, MAX_PAYLOAD_BYTES)?;
        Ok(match element.name.as_str() {
            AccountMigration::NAME => {
                Self::AccountMigration(Box::new(AccountMigration::from_element(&element)?))
            }
            Contact::NAME => Self::Contact(Contact::from_element(&element)?),
            Profile::NAME => Self::Profile(Box::new(Profile::from_element(&element)?)),
            _ => {
                if let Some(post) = Post::from_element(&element)? {
                    Self::Post(Box::new(post))
                } else {
                    let author =
                        Properties::<Contact>::of(&element).text("author").and_then(|id| id.parse().ok());
                    Self::Other { name: element.name, author }
                }
            }
        })
    }

    /// Returns the stated author.
    pub fn author(&self) -> Option<&DiasporaId> {
        match self {
            Self::AccountMigration(migration) => Some(&migration.author),
            Self::Contact(contact) => Some(&contact.author),
            Self::Profile(profile) => Some(&profile.author),
            Self::Post(post) => Some(post.author()),
            Self::Other { author, .. } => author.as_ref(),
        }
    }
}

/// The properties of an entity `T`.
struct Properties<'a, T> {
    element: &'a Element,
    kind: std::marker::PhantomData<T>,
}

impl<'a, T: EntityType> Properties<'a, T> {
    fn of(element: &'a Element) -> Self {
        Self { element, kind: std::marker::PhantomData }
    }

    fn missing(property: &'static str) -> EntityError {
        EntityError::Missing { entity: T::NAME, property }
    }

    fn bad(property: &'static str, reason: &str) -> EntityError {
        EntityError::BadValue { entity: T::NAME, property, reason: reason.to_string() }
    }

    /// Returns a text unchanged; `None` if it is empty.
    fn raw(&self, property: &str) -> Option<String> {
        self.element.child(property).map(|child| child.text.clone()).filter(|text| !text.is_empty())
    }

    /// Returns a text without surrounding white space; `None` if nothing remains.
    fn text(&self, property: &str) -> Option<&'a str> {
        self.element.child(property).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    /// Parses a typed value.
    fn parsed<V: std::str::FromStr<Err: ToString>>(
        &self,
        property: &'static str,
    ) -> Result<Option<V>, EntityError> {
        let parse =
            |text: &str| text.parse().map_err(|error: V::Err| Self::bad(property, &error.to_string()));
        self.text(property).map(parse).transpose()
    }

    fn required<V: std::str::FromStr<Err: ToString>>(
        &self,
        property: &'static str,
    ) -> Result<V, EntityError> {
        self.parsed(property)?.ok_or_else(|| Self::missing(property))
    }

    /// Parses `true` or `false`, or another spelling that diaspora* accepts.
    fn boolean(&self, property: &'static str) -> Result<Option<bool>, EntityError> {
        let Some(text) = self.text(property) else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" => Ok(Some(true)),
            "false" | "f" | "no" | "n" | "0" => Ok(Some(false)),
            _ => Err(Self::bad(property, "it is neither true nor false")),
        }
    }
}
