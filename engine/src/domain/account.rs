//! An account: settings, aspects, contacts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DiasporaId, Entity, Guid, OwnPost, PrivateKey, Profile, Relayable};

/// The user's settings; the first fields of `user` in the archive document.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// Name to sign in with; the user part of the diaspora* ID.
    pub username: String,
    /// E-mail address.
    pub email: String,
    /// Language code such as `en` or `pt-BR`; absent when the pod stores none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Private key, PEM. Empty when the pod had no readable key for the account.
    pub private_key: PrivateKey,
    /// True when the user wants no e-mail at all.
    #[serde(default)]
    pub disable_mail: bool,
    /// True when the stream shows the community spotlight.
    #[serde(default)]
    pub show_community_spotlight_in_stream: bool,
    /// True when the account shares back with everyone who starts sharing with it.
    #[serde(default)]
    pub auto_follow_back: bool,
    /// Name of the aspect that such contacts are added to.
    #[serde(default)]
    pub auto_follow_back_aspect: Option<String>,
    /// People the user ignores.
    #[serde(default)]
    pub blocks: Vec<DiasporaId>,
    /// The user's profile.
    pub profile: Entity<Profile>,
}

/// An aspect: a group of the user's contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Aspect {
    /// Name of the aspect, chosen by the user.
    pub name: String,
}

/// A person the user shares with, or who shares with the user.
#[expect(clippy::struct_excessive_bools, reason = "the archive document defines these fields")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contact {
    /// True when the person shares with the account.
    pub sharing: bool,
    /// True when the account shares with the person.
    pub receiving: bool,
    /// A copy of `sharing`, under the name that diaspora*'s exporter uses.
    pub following: bool,
    /// A copy of `receiving`.
    pub followed: bool,
    /// The person's GUID. Pappus and diaspora* write it; other software may omit it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_guid: Option<Guid>,
    /// Display name; empty when unknown.
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

/// An author of relayables in the archive who is not a contact, with the key to verify them.
///
/// diaspora*'s schema defines this list; its exporter leaves it empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NonContactAuthor {
    /// diaspora* ID.
    pub account_id: DiasporaId,
    /// The person's GUID. Pappus writes it; other software may omit it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<Guid>,
    /// Public key, PEM.
    pub public_key: String,
}

/// The archive document's whole `user`. Only for schemas and small documents: exports are written one record at a
/// time, and large archives are read in the same way.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// The user's settings.
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
    /// Posts the user is subscribed to.
    #[serde(default)]
    pub post_subscriptions: Vec<Guid>,
    /// The account's own comments, likes and votes, in this order.
    #[serde(default)]
    pub relayables: Vec<Relayable>,
}

/// The archive document's `others_data`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct OthersData {
    /// Other people's comments, likes and votes on the account's posts.
    #[serde(default)]
    pub relayables: Vec<Relayable>,
    /// Keys of their authors who are not contacts.
    #[serde(default)]
    pub non_contact_authors: Vec<NonContactAuthor>,
}
