//! The account itself: user, person, profile, aspects, settings.

use std::collections::HashMap;

use chrono::NaiveDate;

use crate::domain::{DiasporaId, Guid, PrivateKey, Profile, SecretText};
use crate::import::ImportError;
use crate::import::journal::notes::{Intent, Journal, kinds};
use crate::import::scan::choices;
use crate::import::scan::survey::Survey;
use crate::import::target::Target;
use crate::pod::database::{DatabaseError, OnConflict};
use crate::sql::Value;

/// Types of e-mail notifications that a user can disable; diaspora* has no others.
const MAIL_TYPES: &[&str] = &[
    "someone_reported",
    "mentioned",
    "mentioned_in_comment",
    "comment_on_post",
    "private_message",
    "started_sharing",
    "also_commented",
    "liked",
    "liked_comment",
    "reshared",
    "contacts_birthday",
];

/// The new user's credentials.
pub(in crate::import) struct Credentials<'a> {
    pub(in crate::import) email: &'a str,
    /// The password's hash; without one, the user must request a new password.
    pub(in crate::import) password: Option<&'a SecretText>,
}

/// The rows of an account that an import has created.
#[derive(Debug, Clone, Copy)]
pub(in crate::import) struct AccountRows {
    /// `users.id`.
    pub(in crate::import) user: i64,
    /// `people.id`.
    pub(in crate::import) person: i64,
    /// True if it has its key: the import has opened it.
    pub(in crate::import) is_open: bool,
    /// True if it is closed.
    pub(in crate::import) is_closed: bool,
}

impl Target {
    /// Returns the account, if an import has created it already.
    pub(in crate::import) async fn find_account(
        &mut self,
        id: &DiasporaId,
        guid: &Guid,
    ) -> Result<Option<AccountRows>, DatabaseError> {
        let sql = "SELECT owner_id, id, diaspora_handle, serialized_public_key, closed_account FROM people \
                   WHERE guid IN ({})";
        let rows = self.pod.rows_in("the new account", sql, &[guid.as_str()]).await?;
        let row = rows.first().filter(|row| row.text("diaspora_handle").as_deref() == Some(id.as_str()));
        Ok(row.and_then(|row| {
            let is_open = row.text("serialized_public_key").is_some_and(|key| !key.is_empty());
            let is_closed = row.boolean("closed_account").unwrap_or(false);
            let (user, person) = (row.integer("owner_id")?, row.integer("id")?);
            Some(AccountRows { user, person, is_open, is_closed })
        }))
    }

    /// Creates user, person, profile and aspects together. The account has no key yet and is closed: the user cannot
    /// sign in, and others do not see the account (`config/initializers/diaspora_federation.rb` finds open people
    /// only).
    pub(in crate::import) async fn create_account(
        &mut self,
        survey: &Survey,
        id: &DiasporaId,
        guid: &Guid,
        credentials: &Credentials<'_>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let aspects = survey.aspects.iter().map(|name| Intent::write(kinds::ASPECTS, name));
        journal.note(aspects.collect()).await?;
        self.pod.begin().await?;
        let user = self.insert_user(survey, id, credentials).await?;
        self.cancel_unconfirmed_changes(credentials.email).await?;
        let now = self.now;
        let columns = [
            "guid",
            "diaspora_handle",
            "serialized_public_key",
            "owner_id",
            "closed_account",
            "created_at",
            "updated_at",
        ];
        let row = vec![
            guid.as_str().into(),
            id.as_str().into(),
            "".into(),
            user.into(),
            true.into(),
            now.into(),
            now.into(),
        ];
        self.pod.insert("people", &columns, vec![row], OnConflict::Fail).await?;
        let person = self.ids("people", &[guid.as_str()]).await?.remove(guid.as_str());
        let person = person.ok_or(ImportError::RowMissing("the new person"))?;
        self.insert_profile(person, survey.profile.as_ref()).await?;
        self.insert_aspects(user, survey).await?;
        let rows = survey
            .settings
            .unwanted_mail
            .iter()
            .filter(|mail| MAIL_TYPES.contains(&mail.as_str()))
            .map(|mail| vec![mail.as_str().into(), user.into(), now.into(), now.into()])
            .collect();
        let columns = ["email_type", "user_id", "created_at", "updated_at"];
        self.pod.insert("user_preferences", &columns, rows, OnConflict::Ignore).await?;
        journal.person = Some(person);
        Ok(self.commit_batch(journal).await?)
    }

    /// Gives a complete account its key, and opens it.
    pub(in crate::import) async fn open_account(
        &mut self,
        account: AccountRows,
        key: &PrivateKey,
    ) -> Result<(), ImportError> {
        let public_key = key.signing_key()?.public_key()?;
        let AccountRows { user, person, .. } = account;
        self.pod.begin().await?;
        let sql = format!("UPDATE users SET serialized_private_key = ? WHERE id = {user}");
        self.pod.run("the new user", sql, &[key.expose_pem().into()]).await?;
        let sql = format!(
            "UPDATE people SET serialized_public_key = ?, closed_account = (1 = 0) WHERE id = {person}"
        );
        self.pod.run("the new person", sql, &[public_key.as_pem().into()]).await?;
        Ok(self.pod.commit().await?)
    }

    async fn insert_user(
        &mut self,
        survey: &Survey,
        id: &DiasporaId,
        credentials: &Credentials<'_>,
    ) -> Result<i64, ImportError> {
        let now = self.now;
        let columns = [
            "username",
            "email",
            "language",
            "encrypted_password",
            "getting_started",
            "disable_mail",
            "show_community_spotlight_in_stream",
            "auto_follow_back",
            "post_default_public",
            "color_theme",
            "created_at",
            "updated_at",
        ];
        let row: Vec<Value<'_>> = vec![
            id.username().into(),
            credentials.email.into(),
            choices::language(survey.language.as_deref()).into(),
            // No password matches an empty hash: the user sets one by "forgot your password?".
            credentials.password.map_or("", SecretText::expose).into(),
            false.into(),
            survey.disable_mail.into(),
            survey.show_community_spotlight.into(),
            survey.auto_follow_back.into(),
            survey.settings.post_default_public.into(),
            choices::theme(survey.settings.color_theme.as_deref()).into(),
            now.into(),
            now.into(),
        ];
        self.pod.insert("users", &columns, vec![row], OnConflict::Fail).await?;
        let sql = "SELECT id FROM users WHERE username IN ({})";
        let rows = self.pod.rows_in("the new user", sql, &[id.username()]).await?;
        rows.first().and_then(|row| row.integer("id")).ok_or(ImportError::RowMissing("the new user"))
    }

    async fn insert_profile(&mut self, person: i64, profile: Option<&Profile>) -> Result<(), ImportError> {
        let Some(profile) = profile else { return self.insert_empty_profile(person).await };
        // The time of the last change is federated with the profile.
        let changed_at = profile.edited_at.map_or(self.now, |at| at.min(self.now));
        let fitted = |target: &mut Self, column, text: &Option<String>, max_chars| {
            let text = text.as_deref().filter(|text| !text.is_empty())?;
            Some(target.fit_profile_text(column, text, max_chars))
        };
        // Names may not contain a semicolon, and the search uses full_name.
        let name = |text: &Option<String>| text.as_ref().map(|text| text.replace(';', ","));
        let first =
            fitted(self, "first_name", &name(&profile.first_name.clone().or(profile.full_name.clone())), 32);
        let last = fitted(self, "last_name", &name(&profile.last_name), 32);
        let full = full_name(first.as_deref(), last.as_deref());
        let birthday =
            profile.birthday.as_deref().and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
        let columns = [
            "person_id",
            "first_name",
            "last_name",
            "full_name",
            "image_url",
            "image_url_medium",
            "image_url_small",
            "bio",
            "birthday",
            "gender",
            "location",
            "searchable",
            "nsfw",
            "public_details",
            "created_at",
            "updated_at",
        ];
        let gender = fitted(self, "gender", &profile.gender, 255);
        let location = fitted(self, "location", &profile.location, 255);
        let bio = fitted(self, "bio", &profile.bio, 65_535);
        let row: Vec<Value<'_>> = vec![
            person.into(),
            first.into(),
            last.into(),
            full.into(),
            profile.image_url.clone().into(),
            profile.image_url_medium.clone().into(),
            profile.image_url_small.clone().into(),
            bio.into(),
            birthday.into(),
            gender.into(),
            location.into(),
            profile.searchable.unwrap_or(true).into(),
            profile.nsfw.unwrap_or(false).into(),
            profile.public.unwrap_or(false).into(),
            changed_at.into(),
            changed_at.into(),
        ];
        self.pod.insert("profiles", &columns, vec![row], OnConflict::Fail).await?;
        self.write_profile_tags(person, profile.tag_string.as_deref().unwrap_or_default()).await
    }

    async fn write_profile_tags(&mut self, person: i64, tag_string: &str) -> Result<(), ImportError> {
        let sql = format!("SELECT id FROM profiles WHERE person_id = {person}");
        let rows = self.pod.rows("the new profile", sql, &[]).await?;
        let tags = crate::import::scan::text::tags(tag_string);
        if let Some(id) = rows.first().and_then(|row| row.integer("id")) {
            self.write_tags("Profile", &[(id, tags.into_iter().take(5).collect())]).await?;
        }
        Ok(())
    }

    /// Repeats the findings on a profile that an interrupted run wrote.
    pub(in crate::import) fn repeat_profile_findings(&mut self, profile: Option<&Profile>) {
        let Some(profile) = profile else { return };
        let first = profile.first_name.as_ref().or(profile.full_name.as_ref());
        for (column, text, max_chars) in [
            ("first_name", first, 32),
            ("last_name", profile.last_name.as_ref(), 32),
            ("gender", profile.gender.as_ref(), 255),
            ("location", profile.location.as_ref(), 255),
            ("bio", profile.bio.as_ref(), 65_535),
        ] {
            if let Some(text) = text {
                self.fit_profile_text(column, text, max_chars);
            }
        }
    }

    /// Inserts an empty profile: every person needs one.
    async fn insert_empty_profile(&mut self, person: i64) -> Result<(), ImportError> {
        let columns = ["person_id", "full_name", "created_at", "updated_at"];
        let row = vec![person.into(), "".into(), self.now.into(), self.now.into()];
        Ok(self.pod.insert("profiles", &columns, vec![row], OnConflict::Fail).await.map(drop)?)
    }

    async fn insert_aspects(&mut self, user: i64, survey: &Survey) -> Result<(), ImportError> {
        let names: Vec<&String> = survey.aspects.iter().collect();
        self.add_aspects(user, &survey.settings, &names).await?;
        if let Some(name) = &survey.auto_follow_back_aspect
            && let Some(aspect) = self.aspects(user).await?.get(name)
        {
            let sql = format!("UPDATE users SET auto_follow_back_aspect_id = {aspect} WHERE id = {user}");
            self.pod.run("the new user", sql, &[]).await?;
        }
        Ok(())
    }

    /// Returns the account's aspects by name.
    pub(in crate::import) async fn aspects(
        &mut self,
        user: i64,
    ) -> Result<HashMap<String, i64>, DatabaseError> {
        let sql = format!("SELECT name, id FROM aspects WHERE user_id = {user}");
        let rows = self.pod.rows("the aspects", sql, &[]).await?;
        Ok(rows.iter().filter_map(|row| Some((row.text("name")?, row.integer("id")?))).collect())
    }
}

/// Returns the name that the search uses (`Profile#construct_full_name`): both names in lowercase, character by
/// character, as Ruby does, without a final sigma; at most 70 characters.
fn full_name(first: Option<&str>, last: Option<&str>) -> String {
    let names: Vec<&str> = [first, last].into_iter().flatten().collect();
    names.join(" ").trim().chars().flat_map(char::to_lowercase).take(70).collect()
}
