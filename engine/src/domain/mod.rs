//! Plain data: a diaspora* account's contents, in the protocol's terms.
//!
//! All values are parsed once, when they are read, and are valid afterwards. This module does not access databases,
//! files or the network. The types follow the diaspora* archive document, version 2.0, and `extras.json`, Pappus's
//! addition to it (see `docs/archive-format.md`).

mod account;
mod count_kind;
mod diaspora_id;
mod entity;
mod extras;
mod guid;
mod key;
mod omission;
mod post;
mod post_remainder;
mod profile;
mod relayable;
mod secret;
mod timestamp;
mod web_address;

pub use account::{Account, Aspect, Contact, NonContactAuthor, OthersData, Settings};
pub use count_kind::CountKind;
pub use diaspora_id::{DiasporaId, DiasporaIdError};
pub use entity::{Entity, EntityType};
pub use extras::{
    AspectAudience, AspectSetting, CommentedPost, Conversation, ConversationState, ExtraSettings, Extras,
    LoosePhoto, Message, SignedAs,
};
pub use guid::{Guid, GuidError};
pub(crate) use key::decode_base64;
pub use key::{
    DecryptingKey, KeyError, KeyFingerprint, NEW_KEY_BITS, PrivateKey, PublicKey, SigningKey, VerifyingKey,
};
pub use omission::{Omission, OmissionCode, Omissions, RecordKind, RecordRef};
pub use post::{Location, OwnPost, Photo, PodAddress, Poll, PollAnswer, Post, Reshare, StatusMessage};
pub use post_remainder::PostRemainder;
pub use profile::Profile;
pub use relayable::{
    Comment, Like, PollParticipation, Relayable, RelayableEntity, SignedText, property_name,
};
pub use secret::SecretText;
pub use timestamp::{Timestamp, TimestampError};
pub use web_address::web_address;
