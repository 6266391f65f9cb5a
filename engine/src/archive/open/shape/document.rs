//! Validation of the archive document and of `extras.json`.

use serde_json::value::RawValue;

use super::Tally;
use crate::archive::document::{DocumentError, DocumentVisitor, Next, Place, Section, shortened};
use crate::archive::open::VerifyError;
use crate::domain::{Entity, ExtraSettings, PrivateKey, Profile};

/// The version of the document's format, which diaspora* writes since 0.7.
const VERSION: &str = "2.0";

/// Validates every record of both documents, and stores the fields that identify the account.
pub(in crate::archive::open) struct DocumentShape {
    pub(in crate::archive::open) tally: Tally,
    pub(in crate::archive::open) version: Option<String>,
    pub(in crate::archive::open) username: Option<String>,
    pub(in crate::archive::open) has_email: bool,
    pub(in crate::archive::open) has_key: bool,
    pub(in crate::archive::open) profile: Option<Profile>,
    /// The format of `extras.json`.
    pub(in crate::archive::open) format: Option<String>,
    /// Other people's posts, which diaspora* 0.7.0.0 wrote and no version imports.
    pub(in crate::archive::open) others_posts: u64,
    family: Family,
}

/// The kind of document, by its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Unknown,
    /// It has a `user` with fields.
    Diaspora,
    /// It has a context of JSON-LD.
    ActivityPub,
    /// It lists the versions that it is compatible with.
    Hubzilla,
}

impl DocumentShape {
    pub(in crate::archive::open) fn new(tally: Tally) -> Self {
        let (version, username, profile, format) = (None, None, None, None);
        let (has_email, has_key) = (false, false);
        let (others_posts, family) = (0, Family::Unknown);
        Self { tally, version, username, has_email, has_key, profile, format, others_posts, family }
    }

    /// Returns the error for a document without a version.
    pub(in crate::archive::open) fn without_version(&self) -> VerifyError {
        match self.family {
            Family::Diaspora => VerifyError::VersionMissing,
            Family::ActivityPub => {
                VerifyError::OtherSoftware("an ActivityPub export, such as Mastodon writes,")
            }
            Family::Hubzilla => VerifyError::OtherSoftware("an export of Hubzilla"),
            Family::Unknown => VerifyError::NotDiaspora,
        }
    }

    /// Returns the error for a document of another version. Versions of Friendica consist of year and month.
    pub(in crate::archive::open) fn of_version(version: &str) -> VerifyError {
        let year = version.split_once('.').map_or("", |(year, _)| year);
        if year.len() == 4 && year.bytes().all(|digit| digit.is_ascii_digit()) {
            VerifyError::OtherSoftware("an export of Friendica")
        } else {
            VerifyError::DocumentVersion { found: shortened(version) }
        }
    }

    /// Detects the kind of document by this field.
    fn detect_family(&mut self, place: &Place<'_>) {
        match (place.section, place.name) {
            (Section::User, _) => self.family = Family::Diaspora,
            (Section::Root, "@context") if self.family == Family::Unknown => {
                self.family = Family::ActivityPub;
            }
            (Section::Root, "compatibility") if self.family == Family::Unknown => {
                self.family = Family::Hubzilla;
            }
            _ => {}
        }
    }

    fn user_field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<(), DocumentError> {
        match place.name {
            "username" => self.username = self.tally.parse(place, value)?,
            "email" => self.has_email = self.tally.parse::<String>(place, value)?.is_some(),
            "private_key" => self.has_key = self.tally.parse::<PrivateKey>(place, value)?.is_some(),
            "profile" => {
                self.profile = self.tally.parse::<Entity<Profile>>(place, value)?.map(|entity| entity.0);
            }
            "language" | "auto_follow_back_aspect" => _ = self.tally.parse::<Option<String>>(place, value)?,
            "disable_mail" | "show_community_spotlight_in_stream" | "auto_follow_back" => {
                _ = self.tally.parse::<bool>(place, value)?;
            }
            // Newer software may write further fields.
            _ => self.tally.refuse_list(place)?,
        }
        Ok(())
    }
}

impl DocumentVisitor for DocumentShape {
    fn is_lenient(&self) -> bool {
        self.tally.is_lenient()
    }

    fn array(&mut self, place: &Place<'_>) {
        self.detect_family(place);
    }

    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        self.detect_family(place);
        match (place.section, place.name) {
            // Programs that rewrite JSON may shorten the number.
            (Section::Root, "version")
                if self.tally.is_lenient() && matches!(value.get(), "2" | "2.0" | "\"2\"") =>
            {
                self.version = Some(VERSION.to_owned());
            }
            (Section::Root, "version") => {
                let version: Option<String> = self.tally.parse(place, value)?;
                let is_known = version.as_deref() == Some(VERSION);
                self.version = Some(version.unwrap_or_else(|| value.get().to_owned()));
                // The fields of other versions may have a different meaning.
                return Ok(if is_known { Next::Continue } else { Next::Stop });
            }
            (Section::Root, "user" | "others_data") => {
                self.tally.refuse(place, "this should be an object")?;
            }
            (Section::User, _) => self.user_field(place, value)?,
            (Section::Extras, "format") => self.format = self.tally.parse(place, value)?,
            (Section::Extras, "settings") => _ = self.tally.parse::<ExtraSettings>(place, value)?,
            (Section::Extras, _) if place.list().is_none() => {
                self.tally.refuse(place, "this field is unknown")?;
            }
            _ => self.tally.refuse_list(place)?,
        }
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        match place.list() {
            Some(list) => self.tally.record(list, place, value)?,
            None if place.section == Section::Extras => {
                self.tally.refuse(place, "this list is unknown")?;
            }
            None if place.section == Section::OthersData && place.name == "posts" => self.others_posts += 1,
            // Newer software may write further lists.
            None => {}
        }
        Ok(Next::Continue)
    }
}
