//! A small archive in our format, whole and signed unless told otherwise.

use pappus_engine::domain::{PrivateKey, PublicKey, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::raw_zip::{End, RawEntry, write};

pub(crate) const ACCOUNT_KEY: &str = include_str!("../../../tests/fixtures/keys/2048-00.private.pem");
pub(crate) const POD_KEY: &str = include_str!("../../../tests/fixtures/keys/2048-01.private.pem");
pub(crate) const OTHER_KEY: &str = include_str!("../../../tests/fixtures/keys/2048-02.private.pem");

/// A photo's bytes; nobody looks at them.
pub(crate) const PHOTO: &[u8] = b"a picture of a dandelion";

pub(crate) fn signing(pem: &str) -> SigningKey {
    PrivateKey::from_pem(pem.to_owned()).signing_key().unwrap()
}

pub(crate) fn public(pem: &str) -> PublicKey {
    signing(pem).public_key().unwrap()
}

type Edit<T> = Box<dyn Fn(&mut T)>;

/// An archive to be.
pub(crate) struct Forge {
    pub(crate) document: Vec<u8>,
    pub(crate) extras: Vec<u8>,
    pub(crate) photos: Vec<(String, Vec<u8>)>,
    /// Who signs as the account; nobody when there is none.
    pub(crate) account_key: Option<&'static str>,
    pub(crate) pod_key: &'static str,
    /// Changes the manifest before it is signed.
    pub(crate) manifest: Edit<Value>,
    /// Changes the entries before they are written.
    pub(crate) entries: Edit<Vec<RawEntry>>,
    pub(crate) end: End,
}

impl Default for Forge {
    fn default() -> Self {
        Self {
            document: document().to_string().into_bytes(),
            extras: extras().to_string().into_bytes(),
            photos: vec![("aa.png".into(), PHOTO.to_vec()), ("bb.png".into(), PHOTO.to_vec())],
            account_key: Some(ACCOUNT_KEY),
            pod_key: POD_KEY,
            manifest: Box::new(|_| {}),
            entries: Box::new(|_| {}),
            end: End::default(),
        }
    }
}

impl Forge {
    /// An archive with another document.
    pub(crate) fn document(text: impl Into<Vec<u8>>) -> Self {
        Self { document: text.into(), ..Self::default() }
    }

    /// An archive with a changed document.
    pub(crate) fn with_document(change: impl Fn(&mut Value)) -> Self {
        let mut document = document();
        change(&mut document);
        Self::document(document.to_string())
    }

    /// An archive with a changed `extras.json`.
    pub(crate) fn with_extras(change: impl Fn(&mut Value)) -> Self {
        let mut extras = extras();
        change(&mut extras);
        Self { extras: extras.to_string().into_bytes(), ..Self::default() }
    }

    /// An archive with a changed manifest, signed after the change.
    pub(crate) fn with_manifest(change: impl Fn(&mut Value) + 'static) -> Self {
        Self { manifest: Box::new(change), ..Self::default() }
    }

    /// An archive with entries changed after signing.
    pub(crate) fn with_entries(change: impl Fn(&mut Vec<RawEntry>) + 'static) -> Self {
        Self { entries: Box::new(change), ..Self::default() }
    }

    /// The file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut entries = vec![
            RawEntry::deflated("diaspora.json", &self.document),
            RawEntry::deflated("extras.json", &self.extras),
        ];
        let mut listed = vec![listed("diaspora.json", &self.document), listed("extras.json", &self.extras)];
        for (name, bytes) in &self.photos {
            let path = format!("photos/{name}");
            entries.push(RawEntry::stored(&path, bytes));
            listed.push(self::listed(&path, bytes));
        }
        let page = b"<!doctype html><title>alice</title>";
        entries.push(RawEntry::deflated("index.html", page));
        listed.push(self::listed("index.html", page));

        let mut manifest = manifest(self.photos.len(), self.pod_key);
        manifest["entries"] = listed.into();
        (self.manifest)(&mut manifest);
        let bytes = serde_json::to_vec_pretty(&manifest).unwrap();
        entries.push(RawEntry::deflated("manifest.json", &bytes));
        if let Some(key) = self.account_key {
            let signature = signing(key).sign_base64(&bytes).unwrap();
            entries.push(RawEntry::stored("manifest.account.sig", signature.as_bytes()));
        }
        let signature = signing(self.pod_key).sign_base64(&bytes).unwrap();
        entries.push(RawEntry::stored("manifest.pod.sig", signature.as_bytes()));
        (self.entries)(&mut entries);
        write(&entries, &self.end)
    }
}

pub(crate) fn listed(path: &str, bytes: &[u8]) -> Value {
    let sha256 = Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    json!({"path": path, "size": bytes.len(), "sha256": sha256})
}

fn manifest(photos: usize, pod_key: &str) -> Value {
    let key = public(ACCOUNT_KEY);
    json!({
        "format": "pappus/1",
        "created_at": "2026-11-22T10:00:00Z",
        "created_by": "test",
        "account": {
            "diaspora_id": "alice@pod.example:3000",
            "guid": "a11ce000a11ce000",
            "key_fingerprint": key.fingerprint(),
            "public_key": key.as_pem(),
            "private_key": "plain",
        },
        "pod": {
            "url": "https://pod.example:3000/",
            "software": "diaspora* 0.9",
            "schema_version": "20230604015559",
            "archive_key": public(pod_key).as_pem(),
        },
        "counts": {
            "aspects": 1, "contacts": 1, "status_messages": 1, "photos": 2, "photo_files": photos,
            "others_comments": 1, "conversations": 1, "messages": 1,
        },
        "omissions": [],
        "entries": [],
    })
}

/// The archive document of alice, who has a contact, a post and a comment on it.
pub(crate) fn document() -> Value {
    let photo = |name: &str| {
        json!({"entity_type": "photo", "entity_data": {
            "guid": format!("{name}00000000000000"), "author": "alice@pod.example:3000", "public": true,
            "created_at": "2020-01-01T00:00:00Z", "remote_photo_path": "https://pod.example:3000/uploads/images/",
            "remote_photo_name": format!("{name}.png"), "status_message_guid": "9057000090570000",
        }})
    };
    json!({
        "version": "2.0",
        "user": {
            "username": "alice",
            "email": "alice@mail.example",
            "language": "en",
            "private_key": ACCOUNT_KEY,
            "disable_mail": false,
            "show_community_spotlight_in_stream": false,
            "auto_follow_back": false,
            "auto_follow_back_aspect": null,
            "blocks": [],
            "profile": {"entity_type": "profile", "entity_data": {"author": "alice@pod.example:3000"}},
            "contact_groups": [{"name": "Friends"}],
            "contacts": [{
                "sharing": true, "receiving": true, "following": true, "followed": true,
                "person_guid": "b0b00000b0b00000", "person_name": "bob", "account_id": "bob@other.example",
                "public_key": public(OTHER_KEY).as_pem(), "contact_groups_membership": ["Friends"],
            }],
            "posts": [{
                "subscribed_pods_uris": ["https://pod.example:3000/"],
                "entity_type": "status_message",
                "entity_data": {
                    "author": "alice@pod.example:3000", "guid": "9057000090570000", "public": true,
                    "created_at": "2020-01-01T00:00:00Z", "text": "hello {world}", "photos": [photo("aa"), photo("bb")],
                },
            }],
            "followed_tags": [],
            "post_subscriptions": [],
            "relayables": [],
        },
        "others_data": {"relayables": [comment("bob@other.example", "c0000000c0000001", OTHER_KEY)]},
    })
}

/// A comment by somebody, signed.
pub(crate) fn comment(author: &str, guid: &str, key: &str) -> Value {
    let signed = format!("{author};{guid};9057000090570000;\"hi\" \\o/;2020-01-02T00:00:00Z");
    json!({
        "entity_type": "comment",
        "entity_data": {
            "author": author, "guid": guid, "parent_guid": "9057000090570000",
            "author_signature": signing(key).sign_base64(signed.as_bytes()).unwrap(),
            "text": "\"hi\" \\o/", "created_at": "2020-01-02T00:00:00Z",
        },
        "property_order": ["author", "guid", "parent_guid", "text", "created_at"],
    })
}

pub(crate) fn extras() -> Value {
    json!({
        "format": "pappus-extras/1",
        "settings": {},
        "conversations": [{
            "guid": "c0c00000c0c00000", "author": "bob@other.example", "subject": "seeds",
            "created_at": "2020-01-01T00:00:00Z",
            "participants": ["alice@pod.example:3000", "bob@other.example"],
            "state": {"unread": 0},
            "messages": [{
                "guid": "3e55a9e03e55a9e0", "author": "bob@other.example",
                "created_at": "2020-01-01T00:00:00Z", "text": "they fly",
            }],
        }],
    })
}
