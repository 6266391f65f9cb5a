//! Whether an archive says the same as another one.
//!
//! What may be different stands here with its reason; everything else must be equal, value by value.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

/// Everything an archive holds, after what may be different was made the same.
pub(crate) struct Contents {
    document: Value,
    extras: Value,
    files: BTreeMap<String, Vec<u8>>,
}

/// What the report of an import says of single records: kind, code, name.
pub(crate) struct Findings(BTreeSet<(String, String, String)>);

/// Codes that say something about a record that came in.
const NOTES: &[&str] = &["file_missing"];

/// What an import into a pod that knows nobody may leave out, and why. Anything else is a defect.
const REASONS: &[(&str, &str)] = &[
    // What the account said elsewhere has nowhere to go.
    ("own_comments", "parent_missing"),
    ("own_likes", "parent_missing"),
    ("likes_on_comments", "parent_missing"),
    ("subscriptions", "parent_missing"),
    // Posts of others that the user had hidden.
    ("status_messages", "parent_missing"),
    // Nothing in an archive says who the blocked and the silent are.
    ("blocks", "person_unknown"),
    ("conversations", "person_unknown"),
    ("messages", "parent_missing"),
    ("messages", "person_unknown"),
    // The pod of a comment's post has the signatures of its likes; the pod of the account has none.
    ("unsigned_relayables", "unsigned"),
    ("photo_files", "not_a_picture"),
    ("photos", "file_missing"),
];

impl Findings {
    pub(crate) fn of(report: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = list(&report["findings"]).iter();
        Self(list.map(|one| (text(&one["kind"]), text(&one["code"]), text(&one["record"]))).collect())
    }

    /// Whether a record was left out.
    fn has(&self, kinds: &[&str], record: &Value) -> bool {
        let record = record.as_str().unwrap_or_default();
        self.0.iter().any(|(kind, code, name)| {
            name == record && kinds.contains(&kind.as_str()) && !NOTES.contains(&code.as_str())
        })
    }

    /// Everything that has no good reason.
    fn without_reason(&self) -> Vec<String> {
        let odd = self.0.iter().filter(|(kind, code, _)| {
            !REASONS.iter().any(|(expected, reason)| kind == expected && code == reason)
        });
        odd.map(|(kind, code, name)| format!("left out without reason: {kind} {code} {name}")).collect()
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn list_mut<'a>(value: &'a mut Value, path: &str) -> &'a mut Vec<Value> {
    let found = path.split('.').fold(value, |value, name| &mut value[name]);
    if !found.is_array() {
        *found = json!([]);
    }
    found.as_array_mut().unwrap()
}

/// Sorts by what is written there; where the format has no order, or one of row numbers.
fn sort(list: &mut [Value]) {
    list.sort_by_cached_key(ToString::to_string);
}

impl Contents {
    /// Reads an archive of an account of a pod.
    pub(crate) fn read(archive: &Path, own: &str, url: &str) -> Self {
        let mut document = crate::support::whole_posts(archive);
        let mut extras = crate::support::json(archive, "extras.json");
        let mut zip = zip::ZipArchive::new(std::fs::File::open(archive).unwrap()).unwrap();
        let names: Vec<String> =
            (0..zip.len()).map(|place| zip.by_index(place).unwrap().name().unwrap().into_owned()).collect();
        let mut files = BTreeMap::new();
        for name in names.into_iter().filter(|name| name.starts_with("photos/")) {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut zip.by_name(&name).unwrap(), &mut bytes).unwrap();
            files.insert(name, bytes);
        }
        let images = format!("{url}uploads/images/");
        for value in [&mut document, &mut extras] {
            rename(value, own, &images);
        }
        let mut contents = Self { document, extras, files };
        contents.simplify();
        contents
    }

    /// What is different on every pod.
    fn simplify(&mut self) {
        self.name_signers();
        let user = &mut self.document["user"];
        // The account gets a new key.
        user["private_key"] = Value::Null;
        // A pod needs a language; who has chosen none gets English.
        if user.get("language").is_none() {
            user["language"] = "en".into();
        }
        // Row numbers decide who comes first.
        for post in list_mut(user, "posts") {
            sort(list_mut(post, "subscribed_users_ids"));
        }
        for talk in list_mut(&mut self.extras, "conversations") {
            sort(list_mut(talk, "participants"));
        }
        sort(list_mut(&mut self.extras, "aspect_visibility"));
        sort(list_mut(&mut self.extras, "loose_photos"));
        self.keep_keys_in_use();
    }

    /// Whose words they are is for the pod to say that knows who has moved where; whose key signed them is the same
    /// everywhere.
    fn name_signers(&mut self) {
        // They have been put back.
        list_mut(&mut self.extras, "post_remainders").clear();
        let signers: BTreeMap<String, Value> = list_mut(&mut self.extras, "signed_as")
            .drain(..)
            .map(|record| (record["guid"].to_string(), record["signed_as"].clone()))
            .collect();
        let relayables = list_mut(&mut self.document, "others_data.relayables").iter_mut();
        for record in relayables.chain(list_mut(&mut self.extras, "likes_on_comments")) {
            if let Some(signer) = signers.get(&record["entity_data"]["guid"].to_string()) {
                record["entity_data"]["author"] = signer.clone();
            }
        }
    }

    /// The archive does not say who has moved where: of those who have, the name that signed something comes
    /// along with its key, the others do not.
    fn keep_keys_in_use(&mut self) {
        let relayables = list(&self.document["others_data"]["relayables"]);
        let authors: BTreeSet<String> = relayables
            .iter()
            .chain(list(&self.extras["likes_on_comments"]))
            .map(|record| record["entity_data"]["author"].to_string())
            .collect();
        let keys = list_mut(&mut self.document, "others_data.non_contact_authors");
        keys.retain(|key| authors.contains(&key["account_id"].to_string()));
        sort(keys);
    }

    /// GUIDs of the account's posts.
    fn posts(&self) -> BTreeSet<String> {
        list(&self.document["user"]["posts"])
            .iter()
            .map(|post| post["entity_data"]["guid"].to_string())
            .collect()
    }

    /// What must have come to a pod that knew nobody: all of this but what the report lists, and what only a pod
    /// with friends on it can have.
    pub(crate) fn arrived(mut self, findings: &Findings) -> Self {
        let own = self.posts();
        let is_own = |post: &Value| own.contains(&post.to_string());
        for contact in list_mut(&mut self.document, "user.contacts") {
            // Whether they share is for them to say, after the move.
            contact["sharing"] = false.into();
            contact["following"] = false.into();
        }
        for post in list_mut(&mut self.document, "user.posts") {
            let data = &mut post["entity_data"];
            if data["root_guid"].is_string() && !is_own(&data["root_guid"]) {
                // Only the original says who wrote it.
                data.as_object_mut().unwrap().remove("root_author");
            }
        }
        for (kinds, path, name) in [
            (&["contacts"][..], "user.contacts", "account_id"),
            (&["blocks"], "user.blocks", ""),
            (&["subscriptions"], "user.post_subscriptions", ""),
            (&["own_comments", "own_likes", "own_poll_participations"], "user.relayables", "guid"),
            (&["others_comments", "others_likes"], "others_data.relayables", "guid"),
        ] {
            let records = list_mut(&mut self.document, path);
            records.retain(|record| !findings.has(kinds, name_of(record, name)));
        }
        for (kinds, path, name) in [
            (&["likes_on_comments"][..], "likes_on_comments", "guid"),
            (&["status_messages"], "hidden_posts", ""),
            (&["conversations"], "conversations", "guid"),
            (&["unsigned_relayables"], "unsigned_relayables", "guid"),
        ] {
            let records = list_mut(&mut self.extras, path);
            records.retain(|record| !findings.has(kinds, name_of(record, name)));
        }
        for talk in list_mut(&mut self.extras, "conversations") {
            list_mut(talk, "messages").retain(|message| !findings.has(&["messages"], &message["guid"]));
            list_mut(talk, "participants").retain(|person| !findings.has(&["conversations"], person));
            // No more can be unread than there is.
            let unread = talk["state"]["unread"].as_u64().unwrap_or_default();
            talk["state"]["unread"] = unread.min(list(&talk["messages"]).len() as u64).into();
        }
        // They come with comments on them, and these have nowhere to go.
        list_mut(&mut self.extras, "commented_posts").clear();
        self.files.retain(|name, _| {
            !findings.has(&["photo_files"], &name.trim_start_matches("photos/").to_owned().into())
        });
        self.keep_keys_in_use();
        self
    }

    /// Photos whose names no pod gives to such a file have names of ours in the other one.
    fn take_names_of(&mut self, other: &Self) {
        let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
        for (contents, names) in [(&*self, &mut before), (other, &mut after)] {
            photo_names(&contents.document, names);
            photo_names(&contents.extras, names);
        }
        for (guid, old) in before {
            let Some(new) =
                after.get(&guid).filter(|new| old.strip_suffix(".jpeg").is_some() && is_ours(new))
            else {
                continue;
            };
            for value in [&mut self.document, &mut self.extras] {
                rename_file(value, &old, new);
            }
            if let Some(bytes) = self.files.remove(&format!("photos/{old}")) {
                self.files.insert(format!("photos/{new}"), bytes);
            }
        }
    }

    /// Every difference, a line for each, and what was left out without reason.
    pub(crate) fn differences(mut self, mut back: Self, findings: &Findings) -> Vec<String> {
        self.take_names_of(&back);
        let mut found = findings.without_reason();
        found.extend(pods(&mut self.document, &mut back.document));
        differ("", &self.document, &back.document, &mut found);
        differ("extras", &self.extras, &back.extras, &mut found);
        let names: BTreeSet<&String> = self.files.keys().chain(back.files.keys()).collect();
        let files = names.into_iter().filter(|name| self.files.get(*name) != back.files.get(*name));
        found.extend(files.map(|name| format!("{name} is another file")));
        found
    }
}

/// The names of photos' files, by the photos' GUIDs.
fn photo_names(value: &Value, names: &mut BTreeMap<String, String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| photo_names(value, names)),
        Value::Object(map) => {
            if let (Some(Value::String(guid)), Some(Value::String(name))) =
                (map.get("guid"), map.get("remote_photo_name"))
            {
                names.insert(guid.clone(), name.clone());
            }
            map.values().for_each(|value| photo_names(value, names));
        }
        _ => {}
    }
}

/// Whether an import gives a JPEG such a name.
fn is_ours(name: &str) -> bool {
    let random = name.strip_suffix(".jpg").unwrap_or_default();
    random.len() == 20 && random.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

fn rename_file(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::String(text) if text.ends_with(old) => *text = text.replace(old, new),
        Value::Array(list) => list.iter_mut().for_each(|value| rename_file(value, old, new)),
        Value::Object(map) => map.values_mut().for_each(|value| rename_file(value, old, new)),
        _ => {}
    }
}

fn name_of<'a>(record: &'a Value, name: &str) -> &'a Value {
    match name {
        "" => record,
        "guid" if record.get("entity_data").is_some() => &record["entity_data"]["guid"],
        name => &record[name],
    }
}

/// The account's own name, and addresses of files on its pod, are the same on every pod.
fn rename(value: &mut Value, own: &str, images: &str) {
    match value {
        Value::String(text) if text == own => "OWN".clone_into(text),
        Value::String(text) => {
            for prefix in [images, "https://closing.example/uploads/images/"] {
                if let Some(name) = text.strip_prefix(prefix) {
                    *text = format!("HERE/{name}");
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| rename(value, own, images)),
        Value::Object(map) => map.values_mut().for_each(|value| rename(value, own, images)),
        _ => {}
    }
}

/// The pods that know of a post are those of the contacts, and of whoever takes part on the pod in question:
/// after a move, the old pod and all pods of contacts, and no pod that was not among them.
fn pods(before: &mut Value, after: &mut Value) -> Vec<String> {
    let contacts: BTreeSet<String> = list(&before["user"]["contacts"])
        .iter()
        .filter_map(|contact| Some(format!("https://{}", contact["account_id"].as_str()?.split_once('@')?.1)))
        .collect();
    let mut found = Vec::new();
    let (posts, others) = (list_mut(before, "user.posts"), list_mut(after, "user.posts"));
    for (post, other) in posts.iter_mut().zip(others) {
        let uris = |post: &mut Value| -> Vec<String> {
            let uris = std::mem::take(list_mut(post, "subscribed_pods_uris"));
            uris.iter().filter_map(|uri| Some(uri.as_str()?.trim_end_matches('/').to_owned())).collect()
        };
        let (old, new) = (uris(post), uris(other));
        let Some((own, new)) = new.split_last() else {
            if !old.is_empty() {
                found.push(format!("no pods know of {post}"));
            }
            continue;
        };
        let new: BTreeSet<&String> = new.iter().collect();
        let strange = new.iter().any(|pod| !old.contains(pod));
        let forgotten = contacts.iter().any(|pod| !new.contains(pod));
        if own != "https://haven.example" || strange || forgotten {
            found.push(format!("pods {old:?} became {new:?}, {own}; contacts are on {contacts:?}"));
        }
    }
    found
}

/// Walks both at once.
fn differ(place: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                let nothing = &Value::Null;
                let pair = (one.get(name), other.get(name));
                if pair.0.is_some() ^ pair.1.is_some() {
                    found.push(format!("{place}.{name}: {:?} became {:?}", pair.0, pair.1));
                } else {
                    let (one, other) = (pair.0.unwrap_or(nothing), pair.1.unwrap_or(nothing));
                    differ(&format!("{place}.{name}"), one, other, found);
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (number, (one, other)) in one.iter().zip(other).enumerate() {
                differ(&format!("{place}[{number}]"), one, other, found);
            }
        }
        (one, other) if one != other => found.push(format!("{place}: {one} became {other}")),
        _ => {}
    }
}
