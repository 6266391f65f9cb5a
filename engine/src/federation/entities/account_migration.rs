//! [AccountMigration](https://diaspora.github.io/diaspora_federation/entities/account_migration.html).

use crate::domain::{DiasporaId, EntityType, Profile, SigningKey, VerifyingKey};

use super::{Element, EntityError, FederationEntity, Properties};

/// The announcement that a person has moved to another pod.
///
/// The documentation allows either identity as the author. Pappus always writes as the old one: diaspora* closes the
/// author's account and ignores `old_identity`. Pappus writes `old_identity`, too, since Hubzilla reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountMigration {
    /// The sender. The envelope is signed with this identity's key.
    pub author: DiasporaId,
    /// The profile at the new pod. Its author is the new identity.
    pub profile: Profile,
    /// Base64 signature by the identity that is not the author.
    pub signature: String,
    /// The identity that ends.
    pub old_identity: DiasporaId,
    /// The address of the folder that now serves the photos: `https://pod.example/uploads/images/`.
    pub remote_photo_path: Option<String>,
}

impl AccountMigration {
    /// Creates the announcement by `old_identity` that it has become the profile's author, signed with the new
    /// account's key. It must be sent in an envelope signed with the old key.
    ///
    /// # Errors
    /// [`EntityError::BadValue`] if both identities are the same, [`EntityError::Key`] if signing fails.
    pub fn sign(
        old_identity: DiasporaId,
        profile: Profile,
        remote_photo_path: Option<String>,
        new_key: &SigningKey,
    ) -> Result<Self, EntityError> {
        if old_identity == profile.author {
            return Err(Properties::<Self>::bad("profile", "the old and the new identity are the same"));
        }
        let signature = new_key.sign_base64(signed_text(&old_identity, &profile.author).as_bytes())?;
        Ok(Self { author: old_identity.clone(), profile, signature, old_identity, remote_photo_path })
    }

    /// Returns the identity that takes over.
    pub fn new_identity(&self) -> &DiasporaId {
        &self.profile.author
    }

    /// Returns the identity whose key made the signature: the one that is not the author.
    pub fn signer(&self) -> &DiasporaId {
        if self.author == self.old_identity { self.new_identity() } else { &self.old_identity }
    }

    /// Returns whether the [signer](Self::signer), who owns this key, agrees to the move. The author's consent is the
    /// envelope's signature; a migration needs both.
    pub fn verify(&self, signer_key: &VerifyingKey) -> bool {
        let text = signed_text(&self.old_identity, self.new_identity());
        signer_key.verifies_base64(text.as_bytes(), &self.signature)
    }
}

/// Returns the signed text ("Signature" on the entity's page).
fn signed_text(old: &DiasporaId, new: &DiasporaId) -> String {
    format!("AccountMigration:{old}:{new}")
}

impl EntityType for AccountMigration {
    const NAME: &'static str = "account_migration";
}

impl FederationEntity for AccountMigration {
    fn to_element(&self) -> Element {
        Element::new(Self::NAME)
            .with("author", self.author.as_str())
            .with_child(self.profile.to_element())
            .with("signature", self.signature.as_str())
            .with("old_identity", self.old_identity.as_str())
            .with_some("remote_photo_path", self.remote_photo_path.as_deref())
    }

    fn from_element(element: &Element) -> Result<Self, EntityError> {
        let properties = Properties::<Self>::of(element);
        let author: DiasporaId = properties.required("author")?;
        let profile = element.child(Profile::NAME).ok_or_else(|| Properties::<Self>::missing("profile"))?;
        let profile = Profile::from_element(profile)?;
        let stated_identity: Option<DiasporaId> = properties.parsed("old_identity")?;
        let old_identity = if author == profile.author {
            stated_identity.ok_or_else(|| Properties::<Self>::missing("old_identity"))?
        } else {
            author.clone()
        };
        if old_identity == profile.author {
            return Err(Properties::<Self>::bad("profile", "the old and the new identity are the same"));
        }
        let signature =
            properties.text("signature").ok_or_else(|| Properties::<Self>::missing("signature"))?;
        Ok(Self {
            author,
            profile,
            signature: signature.to_owned(),
            old_identity,
            remote_photo_path: properties.text("remote_photo_path").map(str::to_owned),
        })
    }
}
