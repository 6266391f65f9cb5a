//! The account itself, the people around it, and what it has with them.

use super::writing::{BEGIN, HOSTS, Known, Writing, images, keys, optional, own_handle};
use super::{NAME, Tie};
use crate::sample::sheet::{Cell, Value, text};
use crate::sample::{SampleError, guid, sign};

impl Writing<'_> {
    pub(super) fn add_people(&mut self) -> Result<(), SampleError> {
        for host in HOSTS.iter().skip(1) {
            let (host, port) =
                host.split_once(':').map_or((*host, -1), |(host, port)| (host, port.parse().unwrap_or(-1)));
            let cells = [("host", text(host)), ("port", Value::Number(port)), ("ssl", Value::Flag(true))];
            self.sheet.add("pods", BEGIN, cells)?;
        }
        let own = self.add_person(0, 0, own_handle(), "people life own")?;
        self.people.push(own);
        let profile = &self.life.profile;
        let names = profile.names.each_ref().map(|name| optional(name.as_deref()));
        let [first, last] = names;
        let [bio, gender, location] = profile.words.each_ref().map(|word| optional(word.as_deref()));
        let [searchable, public, nsfw] = profile.flags.map(Value::Flag);
        let birthday = profile.birthday.map_or(Value::Null, Value::Day);
        let cells = [
            ("person_id", Value::Number(1)),
            ("first_name", first),
            ("last_name", last),
            ("bio", bio),
            ("gender", gender),
            ("location", location),
            ("birthday", birthday),
            ("searchable", searchable),
            ("public_details", public),
            ("nsfw", nsfw),
        ];
        self.sheet.add("profiles", BEGIN, cells)?;
        for (number, person) in self.life.people.iter().enumerate() {
            let home = person.home % HOSTS.len();
            let handle = format!("p{number}@{}", HOSTS[home]);
            let mut known = self.add_person(number + 1, home, handle, &format!("people life {number}"))?;
            self.add_name(known.id, person.names.clone())?;
            if let Some(before) = person.before.filter(|_| home != 0) {
                known.before = Some(Box::new(self.add_move(number, before, &known)?));
            }
            self.people.push(known);
        }
        Ok(())
    }

    fn add_name(&mut self, person: i64, [first, last]: [Option<String>; 2]) -> Result<(), SampleError> {
        let cells =
            [("person_id", Value::Number(person)), ("first_name", first.into()), ("last_name", last.into())];
        self.sheet.add("profiles", BEGIN, cells).map(drop)
    }

    /// Who somebody was, with the move.
    fn add_move(&mut self, number: usize, before: usize, new: &Known) -> Result<Known, SampleError> {
        let home = 1 + before % (HOSTS.len() - 1);
        let handle = format!("old{number}@{}", HOSTS[home]);
        let old = self.add_person(number + 13, home, handle, &format!("people life old {number}"))?;
        self.add_name(old.id, [None, None])?;
        self.sheet.set("people", old.id, "closed_account", Value::Flag(true))?;
        let statement = format!("AccountMigration:{}:{}", old.handle, new.handle);
        let cells = [
            ("old_person_id", Value::Number(old.id)),
            ("new_person_id", Value::Number(new.id)),
            ("completed_at", Value::Time(BEGIN)),
            ("signature", sign(new.keys.private, &statement)?.into()),
        ];
        self.sheet.add("account_migrations", BEGIN, cells)?;
        Ok(old)
    }

    fn add_person(
        &mut self,
        key: usize,
        home: usize,
        handle: String,
        name: &str,
    ) -> Result<Known, SampleError> {
        let (keys, local) = (keys(key), home == 0);
        let owner = if local {
            let username = handle.split('@').next().unwrap_or(NAME).to_owned();
            let cells = [
                ("email", format!("{username}@mail.example").into()),
                ("username", username.into()),
                ("serialized_private_key", keys.private.into()),
                ("language", text("en")),
            ];
            Value::Number(self.sheet.add("users", BEGIN, cells)?)
        } else {
            Value::Null
        };
        let pod: Value = i64::try_from(home).ok().filter(|_| !local).into();
        let cells: [Cell; 5] = [
            ("guid", guid("person", name).into()),
            ("diaspora_handle", handle.clone().into()),
            ("serialized_public_key", keys.public.into()),
            ("owner_id", owner),
            ("pod_id", pod),
        ];
        let id = self.sheet.add("people", BEGIN, cells)?;
        Ok(Known { id, handle, keys, local, before: None })
    }

    pub(super) fn add_account(&mut self) -> Result<(), SampleError> {
        let settings = &self.life.settings;
        let [mail, spotlight, back, public] = settings.flags.map(Value::Flag);
        let mut cells: Vec<Cell> = vec![
            ("language", settings.language.into()),
            ("color_theme", settings.theme.into()),
            ("disable_mail", mail),
            ("show_community_spotlight_in_stream", spotlight),
            ("auto_follow_back", back),
            ("post_default_public", public),
        ];
        let mut aspects = 0_usize;
        for aspect in &self.life.aspects {
            let row = [
                ("user_id", Value::Number(1)),
                ("name", aspect.name.clone().into()),
                ("order_id", aspect.order.into()),
                ("post_default", Value::Flag(aspect.chosen)),
            ];
            self.sheet.add("aspects", BEGIN, row)?;
            aspects += 1;
        }
        if let Some(aspect) = settings.back.filter(|_| aspects > 0) {
            let id = i64::try_from(aspect % aspects + 1).ok();
            cells.push(("auto_follow_back_aspect_id", id.into()));
        }
        for (column, value) in cells {
            self.sheet.set("users", 1, column, value)?;
        }
        for mail in &settings.mail {
            let cells = [("user_id", Value::Number(1)), ("email_type", text(mail))];
            self.sheet.add("user_preferences", BEGIN, cells)?;
        }
        for name in self.life.tags.clone() {
            let cells = [("user_id", Value::Number(1)), ("tag_id", Value::Number(self.tag(&name)?))];
            self.sheet.add("tag_followings", BEGIN, cells)?;
        }
        for name in self.life.profile.tags.clone() {
            let cells = [
                ("tag_id", Value::Number(self.tag(&name)?)),
                ("taggable_id", Value::Number(1)),
                ("taggable_type", text("Profile")),
                ("context", text("tags")),
            ];
            self.sheet.add("taggings", BEGIN, cells)?;
        }
        if let Some(Err(address)) = &self.life.profile.picture {
            self.show_picture(|size| format!("{address}{size}.png"))?;
        }
        Ok(())
    }

    /// Sets the picture of the profile; `address` gives the one of each size.
    pub(super) fn show_picture(&mut self, address: impl Fn(&str) -> String) -> Result<(), SampleError> {
        for (column, size) in [
            ("image_url", "thumb_large_"),
            ("image_url_medium", "thumb_medium_"),
            ("image_url_small", "thumb_small_"),
        ] {
            self.sheet.set("profiles", 1, column, address(size).into())?;
        }
        Ok(())
    }

    pub(super) fn add_ties(&mut self) -> Result<(), SampleError> {
        for (number, person) in self.life.people.iter().enumerate() {
            let Some(id) = self.person(number).map(|known| known.id) else { continue };
            let pair = [("user_id", Value::Number(1)), ("person_id", Value::Number(id))];
            match person.tie {
                Tie::None => {}
                Tie::Blocked => _ = self.sheet.add("blocks", BEGIN, pair)?,
                Tie::Contact(sharing, receiving, aspects) => {
                    let more = [("sharing", Value::Flag(sharing)), ("receiving", Value::Flag(receiving))];
                    let contact = self.sheet.add("contacts", BEGIN, pair.into_iter().chain(more))?;
                    for aspect in self.chosen(aspects) {
                        let cells =
                            [("aspect_id", Value::Number(aspect)), ("contact_id", Value::Number(contact))];
                        self.sheet.add("aspect_memberships", BEGIN, cells)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The aspects that have their bit set.
    pub(super) fn chosen(&self, bits: u8) -> Vec<i64> {
        let numbers = (1_i64..).take(self.life.aspects.len()).zip(0_u32..);
        numbers.filter(|(_, bit)| bits.checked_shr(*bit).unwrap_or(0) & 1 == 1).map(|(id, _)| id).collect()
    }

    /// The picture of the profile is a photo of this pod.
    pub(super) fn show_photo(&mut self, name: &str) -> Result<(), SampleError> {
        self.show_picture(|size| format!("{}{size}{name}", images()))
    }
}
