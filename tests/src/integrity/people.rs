//! Users, people, profiles, pods, aspects, contacts, moves.

use std::collections::{BTreeMap, HashMap, HashSet};

use rsa::RsaPublicKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePublicKey;
use rsa::traits::PublicKeyParts;

use super::{Check, is_web, stripped, texts};
use crate::rows::{Record, flag, number, text};
use crate::schema::facts::LANGUAGES;

impl Check<'_> {
    pub(super) fn people(&mut self) {
        self.pods();
        for person in self.rows.of("people") {
            self.person(person);
        }
        for user in self.rows.of("users") {
            self.user(user);
        }
        self.keys();
        for profile in self.rows.of("profiles") {
            self.profile(profile);
        }
        self.contacts();
        self.moves();
    }

    fn pods(&mut self) {
        let own = self.place.host().to_owned();
        for pod in self.rows.of("pods") {
            let (host, port) = (text(pod, "host"), number(pod, "port"));
            self.must(host == host.to_lowercase(), "pods", pod, "its host is not in lower case");
            // Ports that go without saying are stored as -1.
            let fits = port == -1 || (1..=65_535).contains(&port) && port != 80 && port != 443;
            self.must(fits, "pods", pod, "its port cannot be");
            self.must(host != own, "pods", pod, "it is this pod");
        }
    }

    fn person(&mut self, person: &Record) {
        let handle = text(person, "diaspora_handle");
        let (name, host) = handle.split_once('@').unwrap_or_default();
        self.must(
            !name.is_empty() && handle == handle.to_lowercase(),
            "people",
            person,
            "its diaspora* ID is none",
        );
        let local = person.contains_key("owner_id");
        self.must(
            local != person.contains_key("pod_id"),
            "people",
            person,
            "it has a pod and an owner, or neither",
        );
        if local {
            let users = self.by_id("users");
            let user = users.get(&number(person, "owner_id")).copied();
            let fits = user.is_some_and(|user| text(user, "username") == name) && host == self.place.host();
            self.must(fits, "people", person, "its diaspora* ID is not that of its user");
        } else {
            let pods = self.by_id("pods");
            let home = pods.get(&number(person, "pod_id")).map(|pod| match number(pod, "port") {
                -1 => text(pod, "host").to_owned(),
                port => format!("{}:{port}", text(pod, "host")),
            });
            self.must(home.as_deref() == Some(host), "people", person, "its diaspora* ID is of another pod");
        }
        let id = text(person, "id");
        let profiles = self.rows.of("profiles").iter().filter(|profile| text(profile, "person_id") == id);
        let profiles = profiles.count();
        self.must(profiles == 1, "people", person, "it has not one profile");
    }

    fn user(&mut self, user: &Record) {
        let name = text(user, "username");
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.');
        self.must(name.chars().all(plain), "users", user, "its name holds what diaspora* does not take");
        let email = text(user, "email");
        let (before, after) = email.split_once('@').unwrap_or_default();
        let fits = !before.is_empty()
            && !after.is_empty()
            && !after.contains('@')
            && !email.contains(char::is_whitespace)
            && email == email.to_lowercase();
        self.must(fits, "users", user, "its e-mail address is none, or not in lower case");
        self.must(LANGUAGES.contains(&text(user, "language")), "users", user, "its language is unknown");
        let password = text(user, "encrypted_password");
        self.must(
            password.is_empty() || password.starts_with("$2"),
            "users",
            user,
            "its password is no hash",
        );
        let persons = self.rows.of("people").iter().filter(|one| text(one, "owner_id") == text(user, "id"));
        let persons = persons.count();
        self.must(persons == 1, "users", user, "it is not one person");
        if let Some(hidden) = user.get("hidden_shareables") {
            let posts = self.by_id("posts");
            let fits = texts::lists(hidden).is_some_and(|lists| {
                lists.keys().all(|class| class == "Post")
                    && lists
                        .values()
                        .flatten()
                        .all(|id| id.parse().is_ok_and(|id: i64| posts.contains_key(&id)))
            });
            self.must(fits, "users", user, "hidden_shareables is no hash of lists of posts");
        }
        if let Some(codes) = user.get("otp_backup_codes") {
            self.must(texts::list(codes).is_some(), "users", user, "otp_backup_codes is no list");
        }
        for column in ["exporting", "exporting_photos"] {
            self.must(!flag(user, column), "users", user, "it waits for an export for ever");
        }
        if let Some(aspect) = user.get("auto_follow_back_aspect_id").and_then(|id| id.parse().ok()) {
            let aspects = self.by_id("aspects");
            let own = aspects.get(&aspect).is_some_and(|aspect| text(aspect, "user_id") == text(user, "id"));
            self.must(own, "users", user, "it follows back into somebody else's aspect");
        }
    }

    /// Every key can be read; those of this pod's people are large enough and fit together.
    fn keys(&mut self) {
        let users = self.by_id("users");
        for person in self.rows.of("people") {
            let pem = text(person, "serialized_public_key");
            let public = RsaPublicKey::from_public_key_pem(pem).ok();
            self.must(public.is_some(), "people", person, "its public key cannot be read");
            let Some(user) = users.get(&number(person, "owner_id")) else { continue };
            let private = rsa::RsaPrivateKey::from_pkcs1_pem(text(user, "serialized_private_key")).ok();
            let own = private.map(|key| key.to_public_key());
            self.must(own.is_some() && own == public, "users", user, "its keys do not fit together");
            let bits = own.map_or(0, |key| key.n().bits());
            let fits = bits == self.place.bits || flag(person, "closed_account");
            self.must(fits, "users", user, &format!("its key has {bits} bits"));
        }
    }

    fn profile(&mut self, profile: &Record) {
        let names = ["first_name", "last_name"].map(|column| text(profile, column));
        for name in names {
            self.must(!name.contains(';'), "profiles", profile, "a name holds a semicolon");
            self.must(name == stripped(name), "profiles", profile, "a name begins or ends with white space");
        }
        if let Some(full) = profile.get("full_name") {
            // Ruby makes each letter small by itself, without a final sigma.
            let wanted: String = names.join(" ").chars().flat_map(char::to_lowercase).collect();
            let wanted: String = wanted.trim().chars().take(70).collect();
            self.must(*full == wanted, "profiles", profile, &format!("full_name is not {wanted:?}"));
        }
        for column in ["image_url", "image_url_medium", "image_url_small"] {
            let fits = profile.get(column).is_none_or(|url| is_web(url) && !url.contains("user/default"));
            self.must(fits, "profiles", profile, &format!("{column} is no address of a picture"));
        }
        let id = text(profile, "id");
        let tags = self.rows.of("taggings").iter().filter(|tagging| {
            text(tagging, "taggable_type") == "Profile" && text(tagging, "taggable_id") == id
        });
        let tags = tags.count();
        self.must(tags <= 5, "profiles", profile, "it has more than five tags");
    }

    fn contacts(&mut self) {
        let people = self.by_id("people");
        let blocks: HashSet<(&str, &str)> =
            self.rows.of("blocks").iter().map(|one| (text(one, "user_id"), text(one, "person_id"))).collect();
        let own = |record: &Record| {
            people.get(&number(record, "person_id")).is_some_and(|person| {
                person.contains_key("owner_id") && text(person, "owner_id") == text(record, "user_id")
            })
        };
        for contact in self.rows.of("contacts") {
            self.must(!own(contact), "contacts", contact, "it is a contact of itself");
            let closed = people
                .get(&number(contact, "person_id"))
                .is_some_and(|person| flag(person, "closed_account"));
            self.must(!closed, "contacts", contact, "the person has closed the account");
            let blocked = blocks.contains(&(text(contact, "user_id"), text(contact, "person_id")));
            let blocked = blocked && flag(contact, "receiving");
            self.must(!blocked, "contacts", contact, "the person is blocked");
        }
        for block in self.rows.of("blocks") {
            self.must(!own(block), "blocks", block, "it blocks itself");
        }
        let (aspects, contacts) = (self.by_id("aspects"), self.by_id("contacts"));
        for membership in self.rows.of("aspect_memberships") {
            let user = |of: &BTreeMap<i64, &Record>, column| {
                of.get(&number(membership, column)).map(|record| number(record, "user_id"))
            };
            let fits = user(&aspects, "aspect_id") == user(&contacts, "contact_id");
            self.must(fits, "aspect_memberships", membership, "the aspect is somebody else's");
        }
        for aspect in self.rows.of("aspects") {
            let name = text(aspect, "name");
            self.must(name == stripped(name), "aspects", aspect, "its name begins or ends with white space");
            self.must(number(aspect, "order_id") >= 1, "aspects", aspect, "its place is before the first");
        }
    }

    fn moves(&mut self) {
        let people = self.by_id("people");
        let closed = |id| people.get(&id).is_some_and(|person| flag(person, "closed_account"));
        let mut next: HashMap<i64, i64> = HashMap::new();
        for step in self.rows.of("account_migrations") {
            let (old, new) = (number(step, "old_person_id"), number(step, "new_person_id"));
            self.must(old != new, "account_migrations", step, "it leads nowhere");
            let done = step.contains_key("completed_at");
            self.must(!done || closed(old), "account_migrations", step, "who has left has not closed");
            next.insert(old, new);
        }
        for deletion in self.rows.of("account_deletions") {
            let done = deletion.contains_key("completed_at");
            let fits = !done || closed(number(deletion, "person_id"));
            self.must(fits, "account_deletions", deletion, "the person has not closed");
        }
    }
}
