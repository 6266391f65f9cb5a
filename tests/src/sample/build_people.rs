//! Rows of users, people, profiles and what ends an account.

use super::people::{CLOSED, Home, Human, MOVES, OPENING, PEOPLE, PODS, day};
use super::sheet::{Cell, Value};
use super::story::{KnownPerson, Story, host, missing};
use super::{SampleError, sign, words};

impl Story {
    pub(super) fn add_people(&mut self) -> Result<(), SampleError> {
        for pod in &PODS {
            let own = [("host", pod.host.into()), ("port", Value::Number(443)), ("ssl", Value::Flag(true))];
            self.sheet.add("pods", OPENING, own.into_iter().chain(pod.cells.iter().cloned()))?;
        }
        for (human, at) in PEOPLE.iter().zip((OPENING..).step_by(3607)) {
            self.add_human(human, at)?;
        }
        for name in CLOSED {
            let cells = [
                ("person_id", Value::Number(self.known_person(name)?.person_id)),
                ("completed_at", Value::Time(day(4200))),
            ];
            self.sheet.add("account_deletions", day(4200), cells)?;
        }
        self.add_moves()
    }

    fn add_human(&mut self, human: &'static Human, at: i64) -> Result<(), SampleError> {
        let keys = human.key.pair(self.size)?;
        let handle = format!("{}@{}", human.handle, host(human.home)?);
        let (user_id, pod_id) = match human.home {
            Home::Here => (Some(self.add_user(human, at, keys.private)?), None),
            Home::Pod(index) => (None, i64::try_from(index + 1).ok()),
        };
        let person: [Cell; 5] = [
            ("guid", words::guid("person", human.name).into()),
            ("diaspora_handle", handle.clone().into()),
            ("serialized_public_key", keys.public.into()),
            ("owner_id", user_id.into()),
            ("pod_id", pod_id.into()),
        ];
        let person_id =
            self.sheet.add("people", at, person.into_iter().chain(human.person.iter().cloned()))?;
        let full_name = format!("{} {}", human.first.unwrap_or_default(), human.last.unwrap_or_default());
        let full_name: String = full_name.trim().to_lowercase().chars().take(70).collect();
        let closed = !human.person.is_empty();
        let profile: [Cell; 4] = [
            ("person_id", Value::Number(person_id)),
            ("first_name", human.first.into()),
            ("last_name", human.last.into()),
            ("full_name", (!closed).then_some(full_name).into()),
        ];
        let profile_id =
            self.sheet.add("profiles", at, profile.into_iter().chain(human.profile.iter().cloned()))?;
        let tags: Vec<String> = human.tags.iter().map(|&tag| tag.to_owned()).collect();
        self.tag("Profile", profile_id, at, &tags)?;
        self.people.insert(human.name, KnownPerson { person_id, user_id, handle, keys });
        Ok(())
    }

    fn add_user(&mut self, human: &'static Human, at: i64, key: &'static str) -> Result<i64, SampleError> {
        let closed = !human.person.is_empty();
        let cells: [Cell; 8] = [
            ("username", human.handle.into()),
            ("email", format!("{}@mail.example", human.name).into()),
            ("serialized_private_key", key.into()),
            ("encrypted_password", words::usual_password(human.name)?.into()),
            ("getting_started", Value::Flag(false)),
            ("language", "en".into()),
            ("color_theme", "original".into()),
            ("last_seen", Value::Time(day(4650))),
        ];
        let user_id = self.sheet.add("users", at, cells.into_iter().chain(human.user.iter().cloned()))?;
        if closed {
            let email = format!("deletedaccount_{user_id}@example.org");
            self.sheet.set("users", user_id, "email", email.into())?;
            let password = words::password_hash(human.name, "nobody knows this one")?;
            self.sheet.set("users", user_id, "encrypted_password", password.into())?;
        }
        if human.name == "jonas" {
            self.sheet.set("users", user_id, "otp_backup_codes", words::backup_hashes()?.into())?;
        }
        Ok(user_id)
    }

    /// The identity that is not the author of the message signs: here the new one.
    fn add_moves(&mut self) -> Result<(), SampleError> {
        for step in &MOVES {
            let (old, new) = (self.known_person(step.old)?, self.known_person(step.new)?);
            let statement = format!("AccountMigration:{}:{}", old.handle, new.handle);
            let cells: [Cell; 5] = [
                ("old_person_id", Value::Number(old.person_id)),
                ("new_person_id", Value::Number(new.person_id)),
                ("completed_at", Value::Time(day(4100))),
                ("signature", sign(new.keys.private, &statement)?.into()),
                ("remote_photo_path", step.photos.into()),
            ];
            self.sheet.add("account_migrations", day(4100), cells)?;
        }
        Ok(())
    }

    /// Replaces one value in the row of somebody's account.
    pub(super) fn set_user(
        &mut self,
        name: &str,
        column: &'static str,
        value: Value,
    ) -> Result<(), SampleError> {
        let id = self.user(name)?;
        self.sheet.set("users", id, column, value)
    }

    /// Replaces one value in somebody's profile; profiles are numbered like people.
    pub(super) fn set_profile(
        &mut self,
        name: &str,
        column: &'static str,
        value: Value,
    ) -> Result<(), SampleError> {
        let id = self.people.get(name).ok_or_else(|| missing("person", name))?.person_id;
        self.sheet.set("profiles", id, column, value)
    }
}
