//! The account itself: settings, aspects, contacts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DiasporaId, Entity, Guid, OwnPost, PrivateKey, Profile, Relayable};

/// What the user chose; the first fields of `user` in the archive document.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// Name to sign in with; the user part of the diaspora* ID.
    pub username: String,
    /// Address for mail.
    pub email: String,
    /// Language code such as `en` or `pt-BR`; absent when the pod has none stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// PEM. Empty when the pod had no readable key for the account.
    pub private_key: PrivateKey,
    /// Whether the user wants no mail at all.
    #[serde(default)]
    pub disable_mail: bool,
    /// Whether the stream shows the community spotlight.
    #[serde(default)]
    pub show_community_spotlight_in_stream: bool,
    /// Whether whoever starts sharing is shared with in return.
    #[serde(default)]
    pub auto_follow_back: bool,
    /// Name of the aspect they are put in.
    #[serde(default)]
    pub auto_follow_back_aspect: Option<String>,
    /// People the user ignores.
    #[serde(default)]
    pub blocks: Vec<DiasporaId>,
    /// What the user says about themselves.
    pub profile: Entity<Profile>,
}

/// A group the user sorts contacts into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Aspect {
    /// Its name, as the user wrote it.
    pub name: String,
}

/// Somebody the user shares with, or who shares with the user.
#[expect(clippy::struct_excessive_bools, reason = "the document has them so")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contact {
    /// That person shares with the account.
    pub sharing: bool,
    /// The account shares with that person.
    pub receiving: bool,
    /// A copy of `sharing`: diaspora*'s exporter names it so.
    pub following: bool,
    /// A copy of `receiving`.
    pub followed: bool,
    /// The person's name in the network. Pappus and diaspora* write it, other software need not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_guid: Option<Guid>,
    /// Display name; empty where it is not said.
    #[serde(default)]
    pub person_name: String,
    /// The person's diaspora* ID.
    pub account_id: DiasporaId,
    /// The person's public key, PEM; absent when the pod's copy cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// Names of the aspects the person is in.
    pub contact_groups_membership: Vec<String>,
}

/// Somebody who is no contact and whose relayables are in the archive, with the key to check them.
///
/// diaspora*'s schema has a place for these and its exporter leaves it empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NonContactAuthor {
    /// diaspora* ID.
    pub account_id: DiasporaId,
    /// The person's name in the network. Pappus writes it, other software need not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<Guid>,
    /// Public key, PEM.
    pub public_key: String,
}

/// `user` of the archive document, whole. For schemas and small documents: exports are written, and large
/// archives read, one record at a time.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// What the user chose.
    #[serde(flatten)]
    pub settings: Settings,
    /// Aspects in the user's order.
    #[serde(default)]
    pub contact_groups: Vec<Aspect>,
    /// Contacts, oldest first.
    #[serde(default)]
    pub contacts: Vec<Contact>,
    /// Posts, oldest first.
    #[serde(default)]
    pub posts: Vec<OwnPost>,
    /// Followed tags by name.
    #[serde(default)]
    pub followed_tags: Vec<String>,
    /// Posts the user wants to hear about.
    #[serde(default)]
    pub post_subscriptions: Vec<Guid>,
    /// The account's own comments, likes and votes, in this order.
    #[serde(default)]
    pub relayables: Vec<Relayable>,
}

/// `others_data` of the archive document.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct OthersData {
    /// Other people's comments, likes and votes on the account's posts.
    #[serde(default)]
    pub relayables: Vec<Relayable>,
    /// Keys of their authors, as far as they are no contacts.
    #[serde(default)]
    pub non_contact_authors: Vec<NonContactAuthor>,
}
