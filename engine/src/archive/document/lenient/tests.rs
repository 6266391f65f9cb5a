//! Malformed records keep their valid parts; equivalent forms are read alike.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::samples::{comment, contact, post, profile};
use super::*;
use crate::domain::{
    Aspect, Contact, Entity, Guid, NonContactAuthor, OwnPost, Post, Profile, Relayable, StatusMessage,
};

fn read_text<T: Record>(text: &str) -> Result<(T, Vec<String>), String> {
    let account = "wren@nest.example".parse().unwrap();
    let raw = RawValue::from_string(text.to_owned()).unwrap();
    read_record(&raw, Some(&account))
        .map(|(record, lost)| (record, lost.into_iter().map(|lost| lost.path).collect()))
        .map_err(|error| error.to_string())
}

fn read<T: Record>(value: &Value) -> Result<(T, Vec<String>), String> {
    read_text(&value.to_string())
}

/// Replaces the value at a JSON pointer; `None` removes it.
fn replaced(value: &Value, pointer: &str, new: Option<Value>) -> Value {
    let mut value = value.clone();
    let (parent_pointer, last) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent_pointer).unwrap();
    match (parent, new) {
        (Value::Array(values), Some(new)) => values[last.parse::<usize>().unwrap()] = new,
        (Value::Object(fields), Some(new)) => _ = fields.insert(last.to_owned(), new),
        (Value::Object(fields), None) => _ = fields.remove(last),
        (parent, _) => panic!("{parent} at {pointer}"),
    }
    value
}

/// Checks that a record with another form of one value is read as the same record.
fn assert_same_record<T: Record + PartialEq + std::fmt::Debug>(record: &Value, pointer: &str, new: &Value) {
    let (expected, _) = read::<T>(record).unwrap();
    let changed = replaced(record, pointer, Some(new.clone()));
    assert_eq!(read::<T>(&changed), Ok((expected, vec![])), "{pointer} {new}");
}

#[test]
fn equivalent_forms_of_posts_are_read_alike() {
    let same = |pointer: &str, new: Value| assert_same_record::<OwnPost>(&post(), pointer, &new);
    let photo = "/entity_data/photos/0/entity_data";
    for height in [json!(60.0), json!(6e1), json!("60"), json!(" 60 "), json!(60.4)] {
        same(&format!("{photo}/height"), height);
    }
    same(&format!("{photo}/author"), json!(" Wren@Nest.Example\n"));
    same(&format!("{photo}/created_at"), json!("2014-03-02 10:11:12 UTC"));
    same(&format!("{photo}/public"), json!("true"));
    same(&format!("{photo}/guid"), json!(" fedcba9876543210 "));
    same("/entity_data/author", json!("WREN@NEST.EXAMPLE"));
    same("/entity_data/author", json!(null));
    same("/entity_data/created_at", json!("2014-03-02T11:11:12.5+01:00"));
    same("/entity_data/created_at", json!("Sun, 02 Mar 2014 10:11:12 GMT"));
    same("/entity_data/created_at", json!(1_393_755_072));
    same("/entity_data/public", json!(1));
    same("/entity_data/location/entity_data/lat", json!(52.5));
    same("/entity_data/location/entity_type", json!(null));
    same("/entity_data/poll/entity_type", json!(" Poll "));
    same("/entity_type", json!("Status_Message"));
    same("/entity_type", json!("StatusMessage"));
    same("/entity_type", json!(null));
}

#[test]
fn equivalent_forms_of_other_records_are_read_alike() {
    for (pointer, new) in [
        ("/account_id", json!("Oak@Oak.example ")),
        ("/sharing", json!("true")),
        ("/sharing", json!(null)),
        ("/following", json!(null)),
        ("/receiving", json!(0)),
        ("/contact_groups_membership", json!([{"name": "Family"}])),
    ] {
        assert_same_record::<Contact>(&contact(), pointer, &new);
    }
    for (pointer, new) in [
        ("/entity_data/author", json!("Oak@oak.EXAMPLE")),
        ("/entity_data/created_at", json!("2014-03-02 10:11:12 +0000")),
        ("/entity_type", json!("Comment")),
    ] {
        assert_same_record::<Relayable>(&comment(), pointer, &new);
    }
    for (pointer, new) in [
        ("/entity_data/author", json!("Wren@nest.example")),
        ("/entity_data/edited_at", json!("2020-01-01 00:00:00 UTC")),
        ("/entity_data/searchable", json!("t")),
        ("/entity_data/birthday", json!("2000-02-29 00:00:00 UTC")),
        ("/entity_data/birthday", json!("29.02.2000")),
        ("/entity_type", json!(null)),
    ] {
        assert_same_record::<Entity<Profile>>(&profile(), pointer, &new);
    }
    assert_eq!(read(&json!("Oak@Oak.example ")), read::<DiasporaId>(&json!("oak@oak.example")));
    assert_eq!(read(&json!("Family")), read::<Aspect>(&json!({"name": "Family"})));
    assert_eq!(read(&json!({"name": "garden"})), read::<String>(&json!("garden")));
    assert_eq!(read(&json!(" 0123456789abcdef")), read::<Guid>(&json!("0123456789abcdef")));
}

fn message(post: OwnPost) -> StatusMessage {
    match post.post {
        Post::StatusMessage(message) => message,
        Post::Reshare(_) => panic!("a reshare"),
    }
}

/// Reads the post with a malformed value, and checks that exactly the values at these paths are lost.
fn with_malformed(pointer: &str, new: Value, lost: &[&str]) -> StatusMessage {
    let change = format!("{pointer} {new}");
    let (post, found) = read::<OwnPost>(&replaced(&post(), pointer, Some(new))).unwrap();
    assert_eq!(found, lost, "{change}");
    message(post)
}

#[test]
fn a_missing_property_order_is_the_default_one() {
    for order in [None, Some(json!(null))] {
        let order = replaced(&comment(), "/property_order", order);
        let (unordered, lost) = read::<Relayable>(&order).unwrap();
        assert_eq!((unordered.property_order.len(), lost.len()), (5, 0));
    }
    let order = replaced(&comment(), "/property_order", Some(json!("author")));
    let (unordered, lost) = read::<Relayable>(&order).unwrap();
    assert_eq!((unordered.property_order.len(), lost), (5, vec!["property_order".to_owned()]));
}

#[test]
fn an_unknown_kind_is_dropped_alone() {
    // Only one kind is possible there, or the fields show which one it is.
    assert!(
        with_malformed("/entity_data/poll/entity_type", json!("survey"), &["poll.entity_type"])
            .poll
            .is_some()
    );
    let message =
        with_malformed("/entity_data/photos/0/entity_type", json!("image"), &["photos[0].entity_type"]);
    assert!(!message.photos.is_empty());
    with_malformed("/entity_data/location/entity_type", json!("Place"), &["location.entity_type"]);
    with_malformed("/entity_type", json!("event"), &["entity_type"]);
    let person = replaced(&profile(), "/entity_type", Some(json!("person")));
    let (person, lost) = read::<Entity<Profile>>(&person).unwrap();
    assert_eq!((person, lost), (read(&profile()).unwrap().0, vec!["entity_type".to_owned()]));
}

#[test]
fn a_malformed_value_of_a_post_is_dropped_alone() {
    let photo = "/entity_data/photos/0/entity_data";
    for height in [json!("tall"), json!([60]), json!({}), json!(1e300)] {
        let message = with_malformed(&format!("{photo}/height"), height, &["photos[0].height"]);
        assert_eq!((message.photos[0].0.height, message.photos[0].0.width), (None, Some(80)));
    }
    let message = with_malformed(&format!("{photo}/guid"), json!("short"), &["photos[0].guid", "photos[0]"]);
    assert!(message.photos.is_empty() && message.poll.is_some() && message.location.is_some());
    with_malformed("/entity_data/photos/0", json!("a.jpg"), &["photos[0]"]);
    with_malformed("/entity_data/photos", json!("a.jpg"), &["photos"]);
    with_malformed("/entity_data/photos", json!(null), &[]);
    assert_eq!(with_malformed("/entity_data/location", json!("Yard"), &["location"]).location, None);
    assert_eq!(with_malformed("/entity_data/location", json!(null), &[]).location, None);
    assert_eq!(
        with_malformed("/entity_data/poll/entity_data/guid", json!(7), &["poll.guid", "poll"]).poll,
        None
    );
    let answers = "/entity_data/poll/entity_data/poll_answers/0";
    let message = with_malformed(answers, json!(null), &["poll.poll_answers[0]"]);
    assert_eq!(message.poll.unwrap().0.poll_answers.len(), 1);
    let message = with_malformed("/entity_data/created_at", json!("once"), &["created_at"]);
    assert_eq!(message.created_at.to_string(), "1970-01-01T00:00:00Z");
    assert_eq!(
        with_malformed("/entity_data/created_at", json!(null), &["created_at"]).text,
        "A day in the garden"
    );
    // A post without a readable audience is not public.
    assert!(!with_malformed("/entity_data/public", json!("perhaps"), &["public", "public"]).public);
    assert_eq!(with_malformed("/entity_data/text", json!(["x"]), &["text"]).text, "");
    assert_eq!(with_malformed("/entity_data/text", json!(null), &[]).text, "");
    with_malformed("/entity_data/provider_display_name", json!({}), &["provider_display_name"]);
    with_malformed("/subscribed_pods_uris/0", json!(null), &["subscribed_pods_uris[0]"]);
}

#[test]
fn a_malformed_value_of_a_contact_is_dropped_alone() {
    for (pointer, new, lost) in [
        ("/person_guid", json!("short"), vec!["person_guid"]),
        ("/person_name", json!(null), vec![]),
        ("/public_key", json!([1]), vec!["public_key"]),
        ("/contact_groups_membership", json!(["Family", null, 7]), vec!["contact_groups_membership[1]"]),
        ("/contact_groups_membership", json!(null), vec![]),
        ("/receiving", json!("maybe"), vec!["receiving"]),
    ] {
        let (contact, found) = read::<Contact>(&replaced(&contact(), pointer, Some(new.clone()))).unwrap();
        assert_eq!(
            (contact.account_id.as_str(), found),
            ("oak@oak.example", lost.into_iter().map(str::to_owned).collect()),
            "{pointer} {new}"
        );
    }
    let minimal = json!({"sharing": true, "following": true, "receiving": true, "followed": true, "account_id": "oak@oak.example", "contact_groups_membership": []});
    let (minimal, lost) = read::<Contact>(&minimal).unwrap();
    assert_eq!((minimal.person_guid, minimal.person_name.as_str(), lost.len()), (None, "", 0));
}

#[test]
fn a_malformed_value_of_another_record_is_dropped_alone() {
    let (profile, lost) = read::<Entity<Profile>>(&json!({"entity_type": "profile", "entity_data": {
        "author": "wren@nest.example", "edited_at": "once", "first_name": 7, "bio": null, "birthday": "in spring",
        "gender": ["x"], "searchable": "no", "nsfw": {}, "more": [],
    }}))
    .unwrap();
    assert_eq!(lost, ["edited_at", "gender", "nsfw", "birthday"]);
    assert_eq!((profile.0.first_name.as_deref(), profile.0.searchable), (Some("7"), Some(false)));

    let like = json!({"entity_type": "like", "entity_data": {"author": "wren@nest.example", "guid": "0123456789abcdef", "parent_guid": "fedcba9876543210"}});
    let (like, lost) = read::<Relayable>(&like).unwrap();
    assert_eq!(
        (like.signed_text().as_str(), lost.len()),
        ("wren@nest.example;0123456789abcdef;fedcba9876543210;Post;true", 0)
    );
    let malformed_signature = replaced(&comment(), "/entity_data/author_signature", Some(json!({})));
    let (record, lost) = read::<Relayable>(&malformed_signature).unwrap();
    assert_eq!((record.entity.author_signature(), lost), (None, vec!["author_signature".to_owned()]));

    let author = json!({"account_id": "Oak@oak.example", "guid": "", "public_key": "x"});
    let (author, lost) = read::<NonContactAuthor>(&author).unwrap();
    assert_eq!((author.guid, author.public_key.as_str(), lost), (None, "x", vec!["guid".to_owned()]));
}

#[test]
fn unusable_records_are_rejected() {
    for pointer in ["/entity_data/guid", "/entity_data"] {
        assert!(read::<OwnPost>(&replaced(&post(), pointer, Some(json!("x")))).is_err(), "{pointer}");
    }
    for (name, guid) in [("parent_guid", "fedcba9876543210"), ("remote_photo_name", "a.jpg")] {
        let other = replaced(&post(), "/entity_type", Some(json!("event")));
        let other = replaced(&other, &format!("/entity_data/{name}"), Some(json!(guid)));
        assert!(read::<OwnPost>(&other).is_err(), "{name}");
    }
    assert!(read::<Contact>(&replaced(&contact(), "/account_id", Some(json!("nobody")))).is_err());
    assert!(read::<Relayable>(&replaced(&comment(), "/entity_data/parent_guid", None)).is_err());
    assert!(read::<Entity<Profile>>(&replaced(&profile(), "/entity_data/author", None)).is_err());
    for value in [json!(null), json!([]), json!({"name": null}), json!({})] {
        assert!(read::<Aspect>(&value).is_err(), "{value}");
        assert!(read::<String>(&value).is_err(), "{value}");
        assert!(read::<DiasporaId>(&value).is_err(), "{value}");
        assert!(read::<Guid>(&value).is_err(), "{value}");
    }
}

/// Writes JSON equivalent to the value: other order of fields, white space, other forms of numbers and characters,
/// unknown fields, and nulls for absent fields.
struct Writer<'a> {
    choices: std::iter::Cycle<std::slice::Iter<'a, u8>>,
    out: String,
}

impl Writer<'_> {
    fn choose(&mut self, count: u8) -> u8 {
        self.choices.next().copied().unwrap_or_default() % count
    }

    fn space(&mut self) {
        let space = ["", " ", "\n", "\t \r\n"][usize::from(self.choose(4))];
        self.out.push_str(space);
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => self.out.extend(['\\', c]),
                '/' if self.choose(2) == 0 => self.out.push_str("\\/"),
                c if c.is_control() || self.choose(9) == 0 => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        write!(self.out, "\\u{unit:04x}").unwrap();
                    }
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    /// `signed` objects contain signed fields: an unknown field there would count as signed too.
    fn write(&mut self, value: &Value, signed: bool) {
        self.space();
        match value {
            Value::String(text) => self.text(text),
            Value::Number(number) => {
                let number = number.as_i64().unwrap();
                let form = [
                    format!("{number}"),
                    format!("{number}.0"),
                    format!("{number}e0"),
                    format!("{number}0E-1"),
                ];
                let form = &form[usize::from(self.choose(4))];
                self.out.push_str(form);
            }
            Value::Array(list) => {
                self.out.push('[');
                for (index, element) in list.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.write(element, signed);
                }
                self.space();
                self.out.push(']');
            }
            Value::Object(fields) => self.object(fields, signed),
            other => self.out.push_str(&other.to_string()),
        }
        self.space();
    }

    fn object(&mut self, fields: &serde_json::Map<String, Value>, signed: bool) {
        let mut fields: Vec<(String, Value)> = fields.clone().into_iter().collect();
        let relayable = fields.iter().any(|(name, _)| name == "property_order");
        if !signed {
            if self.choose(2) == 0 {
                fields.push((
                    "x_unknown".to_owned(),
                    json!({"entity_type": "photo", "guid": 7, "deep": [[{}]]}),
                ));
            }
            for name in ["gender", "full_name", "image_url"] {
                if fields.iter().any(|(known, _)| known == "birthday") && self.choose(2) == 0 {
                    fields.push((name.to_owned(), Value::Null));
                }
            }
        }
        for last in (1..fields.len()).rev() {
            let other = usize::from(self.choose(u8::try_from(last + 1).unwrap()));
            fields.swap(last, other);
        }
        self.out.push('{');
        for (index, (name, value)) in fields.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.space();
            self.text(name);
            self.space();
            self.out.push(':');
            let id = matches!(name.as_str(), "author" | "account_id" | "root_author");
            if let Some(text) = value.as_str().filter(|_| id) {
                let id: String = text
                    .chars()
                    .map(|c| if self.choose(3) == 0 { c.to_ascii_uppercase() } else { c })
                    .collect();
                self.write(&id.into(), signed);
            } else {
                // Unknown fields within unknown fields would recurse endlessly.
                let has_signed_fields = signed || name == "x_unknown" || (relayable && name == "entity_data");
                self.write(value, has_signed_fields);
            }
        }
        self.space();
        self.out.push('}');
    }
}

fn assert_equivalent<T: Record + PartialEq + std::fmt::Debug>(
    value: &Value,
    choices: &[u8],
) -> Result<(), TestCaseError> {
    let mut writer = Writer { choices: choices.iter().cycle(), out: String::new() };
    writer.write(value, false);
    let (expected, _) = read::<T>(value).unwrap();
    prop_assert_eq!(read_text::<T>(&writer.out), Ok((expected, vec![])), "{}", writer.out);
    Ok(())
}

proptest! {
    #[test]
    fn equivalent_json_is_read_alike(choices in proptest::collection::vec(any::<u8>(), 50..400)) {
        assert_equivalent::<OwnPost>(&post(), &choices)?;
        assert_equivalent::<Contact>(&contact(), &choices)?;
        assert_equivalent::<Relayable>(&comment(), &choices)?;
        assert_equivalent::<Entity<Profile>>(&profile(), &choices)?;
        let null = json!(null);
        let empty = replaced(&replaced(&post(), "/entity_data/location", Some(null.clone())), "/entity_data/photos", Some(null));
        assert_equivalent::<OwnPost>(&empty, &choices)?;
    }

    #[test]
    fn arbitrary_values_do_not_panic(text in "[\\[\\]{}\",:0-9a-z_ ]{0,60}") {
        if let Ok(raw) = RawValue::from_string(text) {
            _ = read_record::<OwnPost>(&raw, None);
            _ = read_record::<Contact>(&raw, None);
            _ = read_record::<Relayable>(&raw, None);
            _ = read_record::<Entity<Profile>>(&raw, None);
        }
    }
}
