//! Rows of aspects, contacts, blocks, followed tags, preferences, roles.

use super::SampleError;
use super::circles::{ASPECTS, BLOCKS, CIRCLES, FOLLOW_BACK, FOLLOWED, PREFERENCES, ROLES};
use super::people::{OPENING, day};
use super::sheet::{Value, text};
use super::story::Story;
use super::words::guid;

impl Story {
    pub(super) fn add_circles(&mut self) -> Result<(), SampleError> {
        self.add_aspects()?;
        self.add_contacts()?;
        for &(owner, person) in BLOCKS {
            let cells = [
                ("user_id", Value::Number(self.user(owner)?)),
                ("person_id", Value::Number(self.person(person)?)),
            ];
            self.sheet.add("blocks", OPENING, cells)?;
        }
        for &(owner, tag) in FOLLOWED {
            let cells =
                [("user_id", Value::Number(self.user(owner)?)), ("tag_id", Value::Number(self.tag_id(tag)?))];
            self.sheet.add("tag_followings", day(5), cells)?;
        }
        for &(owner, mail) in PREFERENCES {
            let cells = [("user_id", Value::Number(self.user(owner)?)), ("email_type", text(mail))];
            self.sheet.add("user_preferences", day(5), cells)?;
        }
        for &(person, role) in ROLES {
            let cells = [("person_id", Value::Number(self.person(person)?)), ("name", text(role))];
            self.sheet.add("roles", OPENING, cells)?;
        }
        self.add_podmin_things()
    }

    fn add_aspects(&mut self) -> Result<(), SampleError> {
        for (index, aspect) in ASPECTS.iter().enumerate() {
            // Order counts within one person; diaspora* numbers from 1.
            let place = ASPECTS.iter().take(index + 1).filter(|other| other.owner == aspect.owner).count();
            let cells = [
                ("user_id", Value::Number(self.user(aspect.owner)?)),
                ("name", text(aspect.name)),
                ("order_id", i64::try_from(place).ok().into()),
                ("post_default", Value::Flag(aspect.post_default)),
            ];
            let id = self.sheet.add("aspects", day(1), cells)?;
            self.aspects.insert((aspect.owner, aspect.name), id);
        }
        let (owner, name) = FOLLOW_BACK;
        let aspect = self.aspect(owner, name)?;
        self.set_user(owner, "auto_follow_back_aspect_id", Value::Number(aspect))
    }

    fn add_contacts(&mut self) -> Result<(), SampleError> {
        for (contact, at) in CIRCLES.iter().zip((day(4)..).step_by(7919)) {
            let cells = [
                ("user_id", Value::Number(self.user(contact.owner)?)),
                ("person_id", Value::Number(self.person(contact.person)?)),
                ("sharing", Value::Flag(contact.sharing)),
                ("receiving", Value::Flag(contact.receiving)),
            ];
            let id = self.sheet.add("contacts", at, cells)?;
            for name in contact.aspects {
                let cells = [
                    ("aspect_id", Value::Number(self.aspect(contact.owner, name)?)),
                    ("contact_id", Value::Number(id)),
                ];
                self.sheet.add("aspect_memberships", at, cells)?;
            }
            if contact.sharing {
                let person = self.person(contact.person)?;
                let key = format!("{} shares with {}", contact.person, contact.owner);
                let kind = "Notifications::StartedSharing";
                self.notify(contact.owner, (kind, "Person", person), &key, at, &[person])?;
            }
        }
        Ok(())
    }

    fn add_podmin_things(&mut self) -> Result<(), SampleError> {
        let greta = Value::Number(self.user("greta")?);
        let service = [
            ("type", text("Services::Wordpress")),
            ("user_id", greta.clone()),
            ("uid", text("greta.example")),
            ("access_token", text("invented-token")),
            ("access_secret", text("invented-secret")),
            ("nickname", text("greta")),
        ];
        self.sheet.add("services", day(6), service)?;
        let invitation = [("token", text("0123456789ab")), ("user_id", greta), ("count", Value::Number(24))];
        self.sheet.add("invitation_codes", day(6), invitation)?;
        Ok(())
    }

    /// Tells somebody here of something: type of notification, kind and id of its target.
    pub(super) fn notify(
        &mut self,
        recipient: &str,
        (kind, target_type, target_id): (&'static str, &'static str, i64),
        key: &str,
        at: i64,
        actors: &[i64],
    ) -> Result<(), SampleError> {
        let cells = [
            ("type", text(kind)),
            ("target_type", text(target_type)),
            ("target_id", Value::Number(target_id)),
            ("recipient_id", Value::Number(self.user(recipient)?)),
            ("unread", Value::Flag(at % 2 == 0)),
            ("guid", guid("notification", key).into()),
        ];
        let id = self.sheet.add("notifications", at, cells)?;
        for actor in actors {
            let cells = [("notification_id", Value::Number(id)), ("person_id", Value::Number(*actor))];
            self.sheet.add("notification_actors", at, cells)?;
        }
        Ok(())
    }
}
