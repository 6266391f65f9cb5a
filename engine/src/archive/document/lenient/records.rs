//! Repair rules for each kind of record.

use serde_json::Value;

use super::fields::{Fields, as_id, as_text, default, require};
use super::{Record, Repair, times};
use crate::domain::{
    Aspect, Contact, DiasporaId, Entity, ExtraSettings, Guid, NonContactAuthor, OwnPost, PrivateKey, Profile,
    Relayable,
};

/// The author of content without an author.
const UNKNOWN_AUTHOR: &str = "unknown@unknown.invalid";

// Only Pappus writes these, always in the same form.
impl Record for ExtraSettings {}
impl Record for PrivateKey {}

impl Record for bool {
    fn repair(value: &mut Value, repair: &mut Repair<'_>) {
        repair_bare_value(value, repair, Repair::flag);
    }
}

impl Record for String {
    fn repair(value: &mut Value, repair: &mut Repair<'_>) {
        unwrap_name(value);
        repair_bare_value(value, repair, Repair::text);
    }
}

impl Record for Option<String> {
    fn repair(value: &mut Value, repair: &mut Repair<'_>) {
        repair_bare_value(value, repair, Repair::text);
    }
}

impl Record for DiasporaId {
    fn repair(value: &mut Value, _: &mut Repair<'_>) {
        if let Ok(id) = as_id(value) {
            *value = id.into();
        }
    }
}

impl Record for Guid {
    fn repair(value: &mut Value, _: &mut Repair<'_>) {
        if let Some(text) = as_text(value) {
            *value = text.trim().into();
        }
    }
}

impl Record for Aspect {
    fn repair(value: &mut Value, repair: &mut Repair<'_>) {
        if let Some(name) = as_text(value) {
            *value = serde_json::json!({ "name": name });
        }
        if let Value::Object(fields) = value {
            repair.text(fields, "name");
        }
    }
}

impl Record for NonContactAuthor {
    fn repair(value: &mut Value, repair: &mut Repair<'_>) {
        if let Value::Object(fields) = value {
            repair.id(fields, "account_id");
            repair.guid(fields, "guid");
            repair.text(fields, "public_key");
        }
    }
}

impl Record for Contact {
    fn repair(value: &mut Value, repair: &mut Repair<'_>) {
        let Value::Object(fields) = value else { return };
        repair.id(fields, "account_id");
        repair.guid(fields, "person_guid");
        for name in ["person_name", "public_key"] {
            repair.text(fields, name);
        }
        // diaspora*'s exporter writes each pair under both names.
        for (name, copy) in [("sharing", "following"), ("receiving", "followed")] {
            repair.flag(fields, name);
            repair.flag(fields, copy);
            let flag = fields.get(name).or_else(|| fields.get(copy)).cloned().unwrap_or(false.into());
            default(fields, name, flag.clone());
            default(fields, copy, flag);
        }
        // Hubzilla writes objects with a name here.
        repair.list(fields, "contact_groups_membership", |_, group| {
            unwrap_name(group);
            *group = as_text(group).ok_or("it is not a name")?.into();
            Ok(())
        });
        default(fields, "contact_groups_membership", Vec::<Value>::new());
    }
}

impl Record for OwnPost {
    fn repair(value: &mut Value, repair: &mut Repair<'_>) {
        let Value::Object(fields) = value else { return };
        for (name, are_people) in [("subscribed_pods_uris", false), ("subscribed_users_ids", true)] {
            repair.list(fields, name, |_, element| {
                *element =
                    if are_people { as_id(element)? } else { as_text(element).ok_or("it is not a text")? }
                        .into();
                Ok(())
            });
        }
        let stated_kind = fields.get("entity_type").and_then(as_text);
        let Some(data) = fields.get_mut("entity_data").and_then(Value::as_object_mut) else { return };
        let Some(kind) = kind_of_post(stated_kind.as_deref(), data, repair) else { return };
        author(data, repair);
        repair.guid(data, "guid");
        repair.required_time(data, "created_at", None);
        if kind == "reshare" {
            repair.id(data, "root_author");
            repair.guid(data, "root_guid");
        } else {
            status_message(data, repair);
        }
        fields.insert("entity_type".to_owned(), kind.into());
    }
}

/// Returns the kind of a post, as stated or else derived from its fields; `None` if it is not a post.
fn kind_of_post(stated_kind: Option<&str>, data: &Fields, repair: &mut Repair<'_>) -> Option<&'static str> {
    let (message, reshare) = ("status_message", "reshare");
    if let Some(stated_kind) = stated_kind {
        match stated_kind.trim().to_lowercase().as_str() {
            // The second is the class's name.
            "status_message" | "statusmessage" => return Some(message),
            "reshare" => return Some(reshare),
            _ if ["parent_guid", "remote_photo_name"].iter().any(|name| data.contains_key(*name)) => {
                return None;
            }
            _ => repair.note_lost("entity_type", "it is not a kind of post"),
        }
    }
    let is_reshare = data.contains_key("root_guid") && !data.contains_key("text");
    Some(if is_reshare { reshare } else { message })
}

/// Sets the author of the account's own content.
fn author(data: &mut Fields, repair: &mut Repair<'_>) {
    repair.id(data, "author");
    default(data, "author", repair.account.map_or(UNKNOWN_AUTHOR, DiasporaId::as_str));
}

fn status_message(data: &mut Fields, repair: &mut Repair<'_>) {
    repair.flag(data, "public");
    if !data.contains_key("public") {
        repair.note_lost("public", "its audience cannot be read, so the post is not public");
        data.insert("public".to_owned(), false.into());
    }
    for name in ["text", "provider_display_name"] {
        repair.text(data, name);
    }
    default(data, "text", "");
    let post = ["author", "created_at", "public"].map(|name| (name, data.get(name).cloned()));
    repair.list(data, "photos", |repair, value| {
        repair.wrapped(value, "photo", |repair, photo| photo_data(photo, repair, &post))
    });
    repair.part(data, "location", "location", |repair, location| {
        for name in ["address", "lat", "lng"] {
            repair.text(location, name);
            default(location, name, "");
        }
        Ok(())
    });
    repair.part(data, "poll", "poll", |repair, poll| {
        repair.guid(poll, "guid");
        repair.text(poll, "question");
        default(poll, "question", "");
        repair.list(poll, "poll_answers", |repair, value| {
            repair.wrapped(value, "poll_answer", |repair, answer| {
                repair.guid(answer, "guid");
                repair.text(answer, "answer");
                default(answer, "answer", "");
                require(answer, "guid")
            })
        });
        default(poll, "poll_answers", Vec::<Value>::new());
        require(poll, "guid")
    });
}

/// Repairs a photo; missing fields come from its post.
fn photo_data(
    photo: &mut Fields,
    repair: &mut Repair<'_>,
    post: &[(&str, Option<Value>)],
) -> Result<(), String> {
    repair.guid(photo, "guid");
    repair.id(photo, "author");
    repair.flag(photo, "public");
    repair.time(photo, "created_at");
    for (name, value) in post {
        default(photo, name, value.clone().unwrap_or_default());
    }
    for name in ["remote_photo_path", "remote_photo_name", "text"] {
        repair.text(photo, name);
    }
    default(photo, "remote_photo_path", "");
    repair.guid(photo, "status_message_guid");
    repair.integer(photo, "height");
    repair.integer(photo, "width");
    require(photo, "guid")?;
    require(photo, "remote_photo_name")
}

impl Record for Relayable {
    fn repair(value: &mut Value, repair: &mut Repair<'_>) {
        let Value::Object(fields) = value else { return };
        let kind = fields.get("entity_type").and_then(as_text).map(|kind| kind.trim().to_lowercase());
        let kind = kind.unwrap_or_default();
        let Some(data) = fields.get_mut("entity_data").and_then(Value::as_object_mut) else { return };
        author(data, repair);
        for name in ["guid", "parent_guid", "poll_answer_guid"] {
            repair.guid(data, name);
        }
        repair.text(data, "author_signature");
        let order: &[&str] = match kind.as_str() {
            "comment" => {
                for name in ["text", "edited_at"] {
                    repair.text(data, name);
                }
                default(data, "text", "");
                repair.required_time(data, "created_at", None);
                &["author", "guid", "parent_guid", "text", "created_at"]
            }
            "like" => {
                repair.text(data, "parent_type");
                default(data, "parent_type", "Post");
                repair.flag(data, "positive");
                default(data, "positive", true);
                &["author", "guid", "parent_guid", "parent_type", "positive"]
            }
            _ => &["author", "guid", "parent_guid", "poll_answer_guid"],
        };
        fields.insert("entity_type".to_owned(), kind.into());
        // A missing order differs from an empty one.
        if let Some(order) = fields.remove("property_order").filter(|order| !order.is_null()) {
            if order.is_array() {
                fields.insert("property_order".to_owned(), order);
            } else {
                repair.note_lost("property_order", "it is not a list");
            }
        }
        repair.list(fields, "property_order", |_, name| {
            *name = as_text(name).ok_or("it is not a name")?.into();
            Ok(())
        });
        // diaspora*'s default order for signing.
        default(fields, "property_order", order.iter().map(|name| Value::from(*name)).collect::<Vec<_>>());
    }
}

impl Record for Entity<Profile> {
    fn repair(value: &mut Value, repair: &mut Repair<'_>) {
        // serde rejects a profile without its author.
        _ = repair.wrapped(value, "profile", |repair, profile| {
            repair.id(profile, "author");
            repair.time(profile, "edited_at");
            for name in [
                "full_name",
                "first_name",
                "last_name",
                "image_url",
                "image_url_medium",
                "image_url_small",
                "bio",
                "birthday",
                "gender",
                "location",
                "tag_string",
            ] {
                repair.text(profile, name);
            }
            for name in ["searchable", "public", "nsfw"] {
                repair.flag(profile, name);
            }
            Ok(())
        });
    }

    fn check(&mut self, repair: &mut Repair<'_>) {
        let birthday = &mut self.0.birthday;
        if let Some(text) = birthday.take().filter(|text| !text.trim().is_empty()) {
            match times::day(&text) {
                Some(day) => *birthday = Some(day.format("%Y-%m-%d").to_string()),
                None => repair.note_lost("birthday", format!("{text:?} is not a date")),
            }
        }
    }
}

/// Returns a username as pods store it.
pub(crate) fn username(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Applies a field's repair to a bare value.
fn repair_bare_value<'a>(
    value: &mut Value,
    repair: &mut Repair<'a>,
    read: fn(&mut Repair<'a>, &mut Fields, &str),
) {
    let mut fields = Fields::new();
    fields.insert(String::new(), value.take());
    read(repair, &mut fields, "");
    *value = fields.remove("").unwrap_or_default();
}

/// Replaces an object that has a name by that name.
fn unwrap_name(value: &mut Value) {
    if let Some(name) = value.as_object_mut().and_then(|fields| fields.remove("name")) {
        *value = name;
    }
}
