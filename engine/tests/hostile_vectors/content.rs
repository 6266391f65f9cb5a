//! Right containers with wrong content.

use serde_json::{Value, json};

use super::{Vector, verify};
use crate::support::forge::{
    ACCOUNT_KEY, Forge, OTHER_KEY, PHOTO, POD_KEY, comment, document, listed, public, signing,
};
use crate::support::raw_zip::RawEntry;

fn manifest_entry(entries: &mut [RawEntry]) -> &mut RawEntry {
    entries.iter_mut().find(|entry| entry.local.name == b"manifest.json").unwrap()
}

pub(crate) fn manifests() -> Vec<Vector> {
    let text = |text: &'static str| {
        Forge::with_entries(move |entries| {
            *manifest_entry(entries) = RawEntry::deflated("manifest.json", text.as_bytes());
        })
    };
    vec![
        verify(
            "manifest-missing",
            "manifest_missing",
            &Forge::with_entries(|entries| {
                entries.retain(|entry| entry.local.name != b"manifest.json");
            }),
        ),
        verify("manifest-too-large", "manifest_too_large", &Forge::default())
            .with("limit manifest_bytes 500"),
        verify("manifest-not-json", "manifest_invalid", &text("not json")),
        verify("manifest-nested", "manifest_invalid", &text(&"[".repeat(100_000).leak()[..])),
        verify("manifest-incomplete", "manifest_invalid", &text("{\"format\":\"pappus/1\"}")),
        verify(
            "manifest-unknown-field",
            "manifest_invalid",
            &Forge::with_manifest(|manifest| manifest["more"] = 1.into()),
        ),
        verify(
            "format-of-the-future",
            "unknown_format",
            &Forge::with_manifest(|manifest| {
                manifest["format"] = "pappus/2".into();
            }),
        ),
    ]
}

/// An archive with other bytes in its first photo than those that the manifest lists.
fn with_photo(bytes: &'static [u8]) -> Forge {
    Forge::with_entries(move |entries| entries[2] = RawEntry::stored("photos/aa.png", bytes))
}

/// An archive with one more entry, which the manifest lists.
fn with_listed(path: &'static str) -> Forge {
    Forge {
        manifest: Box::new(move |manifest| {
            manifest["entries"].as_array_mut().unwrap().push(listed(path, PHOTO));
        }),
        entries: Box::new(move |entries| entries.insert(5, RawEntry::stored(path, PHOTO))),
        ..Forge::default()
    }
}

pub(crate) fn entries() -> Vec<Vector> {
    vec![
        verify("entry-changed", "entry_digest", &with_photo(b"a picture of a dandelioN")),
        verify("entry-changed-size", "entry_size", &with_photo(b"short")),
        verify("entry-removed", "entry_missing", &Forge::with_entries(|entries| _ = entries.remove(2))),
        verify(
            "entry-document-removed",
            "entry_missing",
            &Forge::with_entries(|entries| _ = entries.remove(0)),
        ),
        verify(
            "entry-added",
            "entry_not_listed",
            &Forge::with_entries(|entries| {
                entries.insert(4, RawEntry::stored("photos/cc.png", b"smuggled"));
            }),
        ),
        verify(
            "entry-added-at-the-end",
            "entry_not_listed",
            &Forge::with_entries(|entries| {
                entries.push(RawEntry::stored("view/x.html", b"smuggled"));
            }),
        ),
        verify(
            "entry-listed-twice",
            "entry_listed_twice",
            &Forge::with_manifest(|manifest| {
                let again = manifest["entries"][2].clone();
                manifest["entries"].as_array_mut().unwrap().push(again);
            }),
        ),
        verify("entry-of-another-kind", "entry_unexpected", &with_listed("setup.exe")),
        verify("entry-in-a-folder-of-photos", "entry_unexpected", &with_listed("photos/a/b.png")),
        verify(
            "entry-manifest-listed",
            "entry_unexpected",
            &Forge::with_manifest(|manifest| {
                manifest["entries"].as_array_mut().unwrap().push(listed("manifest.json", b""));
            }),
        ),
        verify(
            "entry-beside-the-folder",
            "entry_not_listed",
            &Forge::with_entries(|entries| {
                for entry in entries.iter_mut() {
                    entry.both(|header| header.name.splice(..0, *b"alice/").for_each(drop));
                }
                entries.push(RawEntry::stored("readme.png", PHOTO));
            }),
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn signatures() -> Vec<Vector> {
    const ACCOUNT: &str = "manifest.account.sig";
    const POD: &str = "manifest.pod.sig";
    fn place<'a>(entries: &'a mut [RawEntry], name: &str) -> &'a mut RawEntry {
        entries.iter_mut().find(|entry| entry.local.name == name.as_bytes()).unwrap()
    }
    let replaced = |name: &'static str, bytes: &'static [u8]| {
        Forge::with_entries(move |entries| *place(entries, name) = RawEntry::stored(name, bytes))
    };
    let removed = |name: &'static str| {
        Forge::with_entries(move |entries| entries.retain(|entry| entry.local.name != name.as_bytes()))
    };
    let elsewhere = |name: &'static str, key: &'static str| {
        let signature = signing(key).sign_base64(b"another manifest").unwrap();
        Forge::with_entries(move |entries| {
            *place(entries, name) = RawEntry::stored(name, signature.as_bytes());
        })
    };
    let account = |field: &'static str, value: Value| {
        Forge::with_manifest(move |m| m["account"][field] = value.clone())
    };
    let mut keyless = Forge::with_document(|document| document["user"]["private_key"] = "".into());
    keyless.manifest = Box::new(|manifest| manifest["account"]["private_key"] = "absent".into());
    vec![
        verify("account-signature-wrong", "account_signature_wrong", &elsewhere(ACCOUNT, ACCOUNT_KEY)),
        verify(
            "account-signature-by-another",
            "account_signature_wrong",
            &Forge { account_key: Some(OTHER_KEY), ..Forge::default() },
        ),
        verify("pod-signature-wrong", "pod_signature_wrong", &elsewhere(POD, POD_KEY)),
        verify(
            "signatures-swapped",
            "signatures_swapped",
            &Forge::with_entries(|entries| {
                let account = place(entries, ACCOUNT).data.clone();
                let pod = std::mem::replace(place(entries, POD), RawEntry::stored(POD, &account)).data;
                *place(entries, ACCOUNT) = RawEntry::stored(ACCOUNT, &pod);
            }),
        ),
        verify(
            "manifest-changed",
            "account_signature_wrong",
            &Forge::with_entries(|entries| {
                let inflated = flate2::read::DeflateDecoder::new(manifest_entry(entries).data.as_slice());
                let mut manifest: Value = serde_json::from_reader(inflated).unwrap();
                manifest["created_at"] = "2016-01-01T00:00:00Z".into();
                *manifest_entry(entries) =
                    RawEntry::deflated("manifest.json", manifest.to_string().as_bytes());
            }),
        ),
        verify("account-signature-missing", "account_signature_missing", &removed(ACCOUNT)),
        verify("pod-signature-missing", "pod_signature_missing", &removed(POD)),
        verify("account-signature-of-nobody", "account_signature_unexpected", &keyless),
        verify("signature-not-text", "signature_unreadable", &replaced(POD, b"\x00\x01\x02")),
        verify("signature-too-large", "signature_unreadable", &replaced(ACCOUNT, &[b'A'; 5000])),
        verify(
            "fingerprint-of-another",
            "fingerprint_mismatch",
            &account("key_fingerprint", json!(public(OTHER_KEY).fingerprint())),
        ),
        verify(
            "key-of-another",
            "account_key_mismatch",
            &Forge::with_manifest(|manifest| {
                manifest["account"]["public_key"] = public(OTHER_KEY).as_pem().into();
                manifest["account"]["key_fingerprint"] = json!(public(OTHER_KEY).fingerprint());
            }),
        ),
        verify(
            "key-not-named",
            "account_key_missing",
            &Forge::with_manifest(|manifest| {
                let account = manifest["account"].as_object_mut().unwrap();
                account.retain(|field, _| !field.contains("key_fingerprint") && field != "public_key");
            }),
        ),
        verify("key-broken", "account_key", &account("public_key", "-----BEGIN PUBLIC KEY-----".into())),
        verify(
            "private-key-broken",
            "account_key",
            &Forge::with_document(|document| {
                document["user"]["private_key"] = ACCOUNT_KEY.replace("MII", "MIX").into();
            }),
        ),
        verify(
            "private-key-said-to-be-encrypted",
            "private_key_state",
            &account("private_key", "encrypted".into()),
        ),
        verify(
            "pod-key-broken",
            "pod_key",
            &Forge::with_manifest(|m| m["pod"]["archive_key"] = "no key".into()),
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn documents() -> Vec<Vector> {
    let raw = |text: String| Forge::document(text);
    let whole = document().to_string();
    let mut invalid = whole.clone().into_bytes();
    let place = whole.find("hello").unwrap();
    invalid[place] = 0xff;
    let deep = format!("{}{}", "[".repeat(50), "]".repeat(50));
    let fields = (0..2000).fold(String::new(), |text, number| text + &format!("\"x{number}\":0,"));
    let into_user = |text: &str| whole.replacen("\"user\":{", &format!("\"user\":{{{text}"), 1);
    let key = format!("\"private_key\":{},", json!(ACCOUNT_KEY));
    vec![
        verify("document-not-json", "document_not_json", &raw("hello".into())),
        verify("document-cut-off", "document_truncated", &raw(whole[..whole.len() - 20].to_owned())),
        verify("document-and-more", "document_not_json", &raw(format!("{whole}{whole}"))),
        verify("document-not-utf8", "document_not_utf8", &Forge::document(invalid)),
        verify("document-too-deep", "document_too_deep", &raw(into_user(&format!("\"more\":{deep},")))),
        verify(
            "document-huge-value",
            "document_value_too_large",
            &raw(into_user(&format!("\"more\":\"{}\",", "x".repeat(17 << 20)))),
        ),
        verify("document-two-keys", "document_duplicate_field", &raw(into_user(&key))),
        verify("document-too-many-fields", "document_too_many_fields", &raw(into_user(&fields))),
        verify(
            "document-long-field-name",
            "document_field_name_too_long",
            &raw(into_user(&format!("\"{}\":0,", "n".repeat(600)))),
        ),
        verify(
            "document-broken-record",
            "document_record",
            &Forge::with_document(|document| {
                document["user"]["posts"][0]["entity_data"]["guid"] = "short".into();
            }),
        ),
        verify(
            "document-record-with-two-texts",
            "document_record",
            &raw(whole.replacen("\"text\":", "\"text\":\"the other\",\"text\":", 1)),
        ),
        verify(
            "document-no-list",
            "document_record",
            &Forge::with_document(|d| d["user"]["posts"] = json!({})),
        ),
        verify(
            "document-version-3",
            "document_version",
            &Forge::with_document(|d| d["version"] = "3.0".into()),
        ),
        verify(
            "document-without-version",
            "field_missing",
            &Forge::with_document(|document| {
                document.as_object_mut().unwrap().remove("version");
            }),
        ),
        verify(
            "document-without-key",
            "field_missing",
            &Forge::with_document(|document| {
                document["user"].as_object_mut().unwrap().remove("private_key");
            }),
        ),
        verify(
            "document-of-another-user",
            "account_mismatch",
            &Forge::with_document(|document| {
                document["user"]["username"] = "mallory".into();
            }),
        ),
        verify(
            "document-of-another-author",
            "account_mismatch",
            &Forge::with_document(|document| {
                document["user"]["profile"]["entity_data"]["author"] = "alice@elsewhere.example".into();
            }),
        ),
        verify(
            "document-of-another-pod",
            "account_mismatch",
            &Forge::with_manifest(|manifest| {
                manifest["pod"]["url"] = "https://elsewhere.example/".into();
            }),
        ),
        verify(
            "document-of-another-host",
            "account_mismatch",
            &Forge::with_manifest(|manifest| {
                manifest["pod"]["id_host"] = "elsewhere.example".into();
            }),
        ),
        verify(
            "document-with-more-than-counted",
            "count",
            &Forge::with_document(|document| {
                let more = comment("bob@other.example", "c0000000c0000002", OTHER_KEY);
                document["others_data"]["relayables"].as_array_mut().unwrap().push(more);
            }),
        ),
    ]
}

pub(crate) fn extras() -> Vec<Vector> {
    vec![
        verify("extras-not-json", "extras", &Forge { extras: b"{".to_vec(), ..Forge::default() }),
        verify(
            "extras-broken-record",
            "extras",
            &Forge::with_extras(|extras| {
                extras["conversations"][0]["messages"][0]["created_at"] = "yesterday".into();
            }),
        ),
        verify("extras-unknown-list", "extras", &Forge::with_extras(|extras| extras["more"] = json!([1]))),
        verify(
            "extras-of-the-future",
            "extras_format",
            &Forge::with_extras(|extras| {
                extras["format"] = "pappus-extras/2".into();
            }),
        ),
    ]
}
