//! Opening and verifying archives of every kind, as a caller does.

use std::io::{Read as _, Write as _};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::support::forge::{ACCOUNT_KEY, Forge, OTHER_KEY, PHOTO, POD_KEY, comment, document, public};
use crate::support::raw_zip::{End, RawEntry, write};
use flate2::Compression;
use flate2::write::GzEncoder;
use pappus_engine::archive::convert::{ConvertError, convert_to_diaspora};
use pappus_engine::archive::encryption::{DecryptWith, EncryptTo};
use pappus_engine::archive::limits::Limits;
use pappus_engine::archive::manifest::CountKind;
use pappus_engine::archive::open::{
    AccountSignature, Archive, FindingCode, KeyOrigin, OpenError, Origin, Verified,
};
use pappus_engine::domain::{PrivateKey, PublicKey};
use pappus_engine::progress::ProgressCounter;
use pappus_engine::validate::{KnownKey, SignatureCheck, check_signatures};
use serde_json::{Value, json};
use tempfile::TempDir;

fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn verified(name: &str, bytes: &[u8], unlock: Option<&DecryptWith>) -> Archive<Verified> {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(&file(&folder, name, bytes), Limits::default(), unlock).unwrap();
    let progress = ProgressCounter::default();
    let archive = archive.verify(&progress).unwrap();
    let last = progress.position();
    assert!(last.advanced > 0 && last.advanced <= last.total, "{last:?}");
    archive
}

fn code(bytes: &[u8]) -> &'static str {
    let folder = tempfile::tempdir().unwrap();
    match Archive::open(&file(&folder, "a", bytes), Limits::default(), None) {
        Err(error) => error.code(),
        Ok(archive) => archive.verify(&()).map_or_else(|error| error.code(), |_| ""),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn encrypted_key_forge(key: &str) -> Forge {
    let key = PrivateKey::from_pem(key.to_owned()).encrypt("open sesame").unwrap();
    let mut forge =
        Forge::with_document(|document| document["user"]["private_key"] = key.expose_pem().into());
    forge.manifest = Box::new(|manifest| manifest["account"]["private_key"] = "encrypted".into());
    forge
}

#[test]
fn a_whole_archive_is_verified_and_can_be_read() {
    let forge = Forge::default();
    let mut archive = verified("a.zip", &forge.bytes(), None);
    let report = archive.report();
    let account =
        AccountSignature::Good { fingerprint: public(ACCOUNT_KEY).fingerprint(), key: KeyOrigin::PrivateKey };
    assert_eq!(report.origin, Origin::Pappus { account, pod: public(POD_KEY).fingerprint() });
    assert!(report.findings.list().is_empty());
    assert_eq!(report.counts[&CountKind::Photos], 2);
    assert_eq!(report.counts[&CountKind::Messages], 1);
    assert_eq!(archive.manifest().unwrap().account.diaspora_id.as_str(), "alice@pod.example:3000");

    let (mut document, mut extras) = (Vec::new(), Vec::new());
    archive.document().unwrap().read_to_end(&mut document).unwrap();
    archive.extras().unwrap().unwrap().read_to_end(&mut extras).unwrap();
    assert!(document == forge.document && extras == forge.extras);
    let mut photos = Vec::new();
    archive
        .photos(|name, size, photo| -> Result<(), OpenError> {
            let mut bytes = Vec::new();
            photo.read_to_end(&mut bytes)?;
            photos.push((name.to_owned(), size, bytes));
            Ok(())
        })
        .unwrap();
    assert_eq!(
        photos,
        ["aa.png", "bb.png"].map(|name| (name.to_owned(), PHOTO.len() as u64, PHOTO.to_vec()))
    );
}

#[test]
fn an_archive_under_age_opens_with_its_key_only() {
    let encrypt_to = EncryptTo::Passphrase("correct horse".to_owned().into());
    let mut wrapped = encrypt_to.wrap(Vec::new()).unwrap();
    wrapped.write_all(&Forge::default().bytes()).unwrap();
    let bytes = wrapped.finish().unwrap();
    let unlock = |text: &str| DecryptWith::Passphrase(text.to_owned().into());
    verified("a.zip.age", &bytes, Some(&unlock("correct horse")));
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "a.zip.age", &bytes);
    let open = |unlock: Option<&DecryptWith>| {
        Archive::open(&path, Limits::default(), unlock).map(|_| ()).unwrap_err().code()
    };
    assert_eq!(open(Some(&unlock("wrong"))), "encryption_wrong_key");
    assert_eq!(open(None), "encryption_locked");
}

#[test]
fn an_encrypted_private_key_is_said_to_prove_less() {
    let archive = verified("a.zip", &encrypted_key_forge(ACCOUNT_KEY).bytes(), None);
    let Origin::Pappus { account: AccountSignature::Good { key, .. }, .. } = &archive.report().origin else {
        panic!()
    };
    assert_eq!(*key, KeyOrigin::Manifest);
    assert_eq!(archive.report().findings.list()[0].code, FindingCode::KeyFromManifest);
}

#[test]
fn an_account_without_a_key_is_vouched_for_by_the_pod_only() {
    let mut forge = Forge::with_document(|document| document["user"]["private_key"] = "".into());
    forge.account_key = None;
    forge.manifest = Box::new(|manifest| manifest["account"]["private_key"] = "absent".into());
    let archive = verified("a.zip", &forge.bytes(), None);
    assert!(matches!(archive.report().origin, Origin::Pappus { account: AccountSignature::Absent, .. }));
    assert_eq!(archive.report().findings.list()[0].code, FindingCode::NoAccountSignature);
}

#[test]
fn what_stock_pods_write_is_taken_and_called_unsigned() {
    let text = document().to_string();
    let zip = |name: &str| {
        write(
            &[RawEntry::deflated("a.txt", b"x"), RawEntry::deflated(name, text.as_bytes())],
            &End::default(),
        )
    };
    for (name, bytes) in [
        ("alice.json", text.clone().into_bytes()),
        ("alice.json.gz", gzip(text.as_bytes())),
        ("alice.zip", zip("alice.json")),
    ] {
        let archive = verified(name, &bytes, None);
        assert_eq!(archive.report().origin, Origin::Stock, "{name}");
        assert_eq!(archive.report().account.as_ref().unwrap().as_str(), "alice@pod.example:3000");
        assert_eq!(archive.report().findings.counts().keys().collect::<Vec<_>>(), [&FindingCode::Unsigned]);
        assert!(archive.manifest().is_none());
    }
}

#[test]
fn a_broken_record_is_a_finding_in_a_stock_archive_and_a_failure_in_ours() {
    let broken = |document: &mut Value| document["user"]["contacts"][0]["account_id"] = "nobody".into();
    let mut stock = document();
    broken(&mut stock);
    let archive = verified("alice.json", stock.to_string().as_bytes(), None);
    let finding = &archive.report().findings.list()[0];
    assert_eq!((finding.code, finding.place.as_str()), (FindingCode::UnreadableRecord, "user.contacts[0]"));
    assert!(!archive.report().counts.contains_key(&CountKind::Contacts));
    assert_eq!(code(&Forge::with_document(broken).bytes()), "document_record");
}

#[test]
fn data_descriptors_are_read_when_they_are_true() {
    for (signed, wide) in [(false, false), (true, false), (false, true), (true, true)] {
        let describe = move |entry: &mut RawEntry| {
            let header = entry.central.clone();
            let size = if wide { 8 } else { 4 };
            let mut block = if signed { b"PK\x07\x08".to_vec() } else { Vec::new() };
            block.extend_from_slice(&header.crc.to_le_bytes());
            block.extend_from_slice(&u64::from(header.packed).to_le_bytes()[..size]);
            block.extend_from_slice(&u64::from(header.unpacked).to_le_bytes()[..size]);
            entry.descriptor = block;
            entry.both(|header| header.flags |= 8);
            (entry.local.crc, entry.local.packed, entry.local.unpacked) = (0, 0, 0);
        };
        assert_eq!(code(&Forge::with_entries(move |entries| describe(&mut entries[2])).bytes()), "");
        assert_eq!(code(&Forge::with_entries(move |entries| describe(&mut entries[0])).bytes()), "");
        let lie = move |entries: &mut Vec<RawEntry>| {
            describe(&mut entries[2]);
            *entries[2].descriptor.last_mut().unwrap() ^= 1;
        };
        assert_eq!(code(&Forge::with_entries(lie).bytes()), "zip_headers_disagree");
    }
}

#[test]
fn sizes_of_64_bits_are_read() {
    let wide = |entries: &mut Vec<RawEntry>| {
        let entry = &mut entries[2];
        let sizes = [entry.central.unpacked, entry.central.packed].map(|size| u64::from(size).to_le_bytes());
        entry.both(|header| {
            (header.packed, header.unpacked) = (u32::MAX, u32::MAX);
            header.extra = [&[1, 0, 16, 0][..], &sizes.concat()].concat();
        });
    };
    let mut forge = Forge::with_entries(wide);
    assert_eq!(code(&forge.bytes()), "");
    forge.end = End { entries: Some(0xffff), wide_entries: Some(8), ..End::default() };
    assert_eq!(code(&forge.bytes()), "");
}

#[test]
fn conversion_gives_the_document_byte_for_byte_and_the_photos_flat() {
    let forge = Forge::default();
    let mut archive = verified("a.zip", &forge.bytes(), None);
    let out = tempfile::tempdir().unwrap();
    let converted = convert_to_diaspora(&mut archive, out.path(), None).unwrap();
    assert_eq!(converted.document, out.path().join("alice.json.gz"));
    assert_eq!((converted.photo_count, converted.key_decrypted), (2, false));
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(&converted.document).unwrap())
        .read_to_end(&mut text)
        .unwrap();
    assert!(text == forge.document);
    let mut zip = zip::ZipArchive::new(std::fs::File::open(&converted.photos).unwrap()).unwrap();
    assert_eq!(zip.file_names().map(Result::unwrap).collect::<Vec<_>>(), ["aa.png", "bb.png"]);
    assert_eq!(zip.by_name("bb.png").unwrap().compression(), zip::CompressionMethod::Stored);
    let raw = std::fs::read(&converted.photos).unwrap();
    assert_eq!(raw[6] & 8, 0, "a data descriptor");
    for path in [&converted.document, &converted.photos] {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // What came out goes in again, as a stock archive with its photos.
    let again = Archive::open(&converted.document, Limits::default(), None).unwrap();
    let mut again = again.with_photos(&converted.photos).unwrap().verify(&()).unwrap();
    let mut names = Vec::new();
    let visit = |name: &str, _: u64, _: &mut dyn std::io::Read| -> Result<(), OpenError> {
        names.push(name.to_owned());
        Ok(())
    };
    again.photos(visit).unwrap();
    assert_eq!(names, ["aa.png", "bb.png"]);

    assert!(matches!(convert_to_diaspora(&mut archive, out.path(), None), Err(ConvertError::Exists(_))));
    std::fs::remove_file(&converted.document).unwrap();
    assert!(matches!(convert_to_diaspora(&mut archive, out.path(), None), Err(ConvertError::Exists(_))));
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 1, "something was left behind");
}

#[test]
fn conversion_opens_the_private_key_and_changes_nothing_else() {
    let mut archive = verified("a.zip", &encrypted_key_forge(ACCOUNT_KEY).bytes(), None);
    let out = tempfile::tempdir().unwrap();
    let mut convert = |passphrase| convert_to_diaspora(&mut archive, out.path(), passphrase);
    assert!(matches!(convert(None), Err(ConvertError::KeyLocked)));
    assert_eq!(convert(Some("wrong")).unwrap_err().code(), "key_wrong_passphrase");
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
    let converted = convert(Some("open sesame")).unwrap();
    assert!(converted.key_decrypted);
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(&converted.document).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    let key =
        serde_json::from_str::<Value>(&text).unwrap()["user"]["private_key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    let key = PrivateKey::from_pem(key);
    assert_eq!(
        key.signing_key().unwrap().public_key().unwrap().fingerprint(),
        public(ACCOUNT_KEY).fingerprint()
    );
    let plain =
        document().to_string().replace(&json!(ACCOUNT_KEY).to_string(), &json!(key.expose_pem()).to_string());
    assert!(text == plain);
}

#[test]
fn conversion_refuses_a_key_that_is_not_the_account_s() {
    let mut archive = verified("a.zip", &encrypted_key_forge(OTHER_KEY).bytes(), None);
    let out = tempfile::tempdir().unwrap();
    let error = convert_to_diaspora(&mut archive, out.path(), Some("open sesame")).unwrap_err();
    assert_eq!(error.code(), "key_other");
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
}

#[test]
fn signatures_are_told_apart() {
    let mut stock = document();
    let mut forged = comment("bob@other.example", "c0000000c0000002", OTHER_KEY);
    forged["entity_data"]["text"] = "something else".into();
    let mut unsigned = comment("bob@other.example", "c0000000c0000003", OTHER_KEY);
    unsigned["entity_data"].as_object_mut().unwrap().remove("author_signature");
    let mut partial = comment("bob@other.example", "c0000000c0000004", OTHER_KEY);
    partial["property_order"] = json!(["guid"]);
    let mut own = comment("alice@pod.example:3000", "c0000000c0000005", ACCOUNT_KEY);
    own["entity_data"].as_object_mut().unwrap().remove("author_signature");
    // carl's key comes after his comment; dora moved, and nobody in the archive knows.
    let carl = comment("carl@third.example", "c0000000c0000006", POD_KEY);
    let mut dora = comment("dora@old.example", "c0000000c0000007", POD_KEY);
    dora["entity_data"]["author"] = "dora@new.example".into();
    let others = stock["others_data"]["relayables"].as_array_mut().unwrap();
    others.extend([forged, unsigned, partial, own, carl, dora]);
    stock["others_data"]["non_contact_authors"] = json!([{"account_id": "carl@third.example", "guid": "ca410000ca410000", "public_key": public(POD_KEY).as_pem()}]);

    let mut archive = verified("alice.json", stock.to_string().as_bytes(), None);
    let threads = NonZeroUsize::new(3).unwrap();
    let report = check_signatures(&mut archive, &[], threads).unwrap();
    let counts =
        [report.good, report.bad, report.incomplete, report.unknown_key, report.unsigned, report.not_needed];
    assert_eq!(counts, [2, 1, 1, 1, 1, 1]);
    let rejected: Vec<_> = report.rejected.iter().map(|record| (record.index, record.verdict)).collect();
    let expected = [
        (1, SignatureCheck::Bad),
        (2, SignatureCheck::Unsigned),
        (3, SignatureCheck::Incomplete),
        (6, SignatureCheck::UnknownKey),
    ];
    assert_eq!(rejected, expected);

    let key = PublicKey::from_pem(public(POD_KEY).as_pem()).unwrap();
    let (person, signed_as) = ("dora@new.example".parse().unwrap(), "dora@old.example".parse().unwrap());
    let report = check_signatures(&mut archive, &[KnownKey { person, signed_as, key }], threads).unwrap();
    assert_eq!((report.good, report.unknown_key), (3, 0));
}

#[test]
fn who_has_moved_is_checked_under_the_id_that_signed() {
    let keys = json!([
        {"account_id": "dora@old.example", "guid": "d02a0000d02a0000", "public_key": public(POD_KEY).as_pem()},
        {"account_id": "dora@new.example", "guid": "d02a0000d02a0001", "public_key": public(OTHER_KEY).as_pem()},
    ]);
    let checked = |author: &str, signed_as: Value| {
        let mut dora = comment("dora@old.example", "c0000000c0000007", POD_KEY);
        dora["entity_data"]["author"] = author.into();
        let mut forge = Forge::with_document(|document| {
            document["others_data"] = json!({"relayables": [dora.clone()], "non_contact_authors": keys});
        });
        let mut extras = crate::support::forge::extras();
        if !signed_as.is_null() {
            extras["signed_as"] = signed_as;
        }
        forge.extras = extras.to_string().into_bytes();
        forge.manifest = Box::new(|manifest| manifest["counts"]["non_contact_authors"] = 2.into());
        let mut archive = verified("alice.zip", &forge.bytes(), None);
        let report = check_signatures(&mut archive, &[], NonZeroUsize::MIN).unwrap();
        (report.good, report.bad, report.unknown_key)
    };
    let signer = |id: &str| json!([{"guid": "c0000000c0000007", "signed_as": id}]);
    assert_eq!(checked("dora@new.example", signer("dora@old.example")), (1, 0, 0));
    // As archives of the earlier form have it.
    assert_eq!(checked("dora@old.example", Value::Null), (1, 0, 0));
    // Nobody is made to have said what they have not signed.
    assert_eq!(checked("dora@new.example", Value::Null), (0, 1, 0));
    assert_eq!(checked("dora@old.example", signer("dora@new.example")), (0, 1, 0));
    assert_eq!(checked("dora@new.example", signer("eve@third.example")), (0, 0, 1));
    assert_eq!(checked("dora@new.example", json!([])), (0, 1, 0));
    // What is no list of signers is no archive.
    let odd = |signed_as: Value| {
        code(&Forge::with_extras(|extras| extras["signed_as"] = signed_as.clone()).bytes())
    };
    assert_eq!(odd(json!([])), "");
    for signed_as in
        [json!({}), json!([{"guid": "c0000000c0000007"}]), json!([{"guid": "x", "signed_as": "a@b.example"}])]
    {
        assert_ne!(odd(signed_as), "");
    }
}

#[test]
fn relayables_wait_for_keys_at_the_end_and_are_read_again_when_they_are_too_many() {
    // Twenty megabytes of records whose author's key comes last.
    let mut stock = document();
    let mut records: Vec<Value> = (0..40)
        .map(|number| {
            let mut record = comment("carl@third.example", "c0000000c0000001", POD_KEY);
            record["entity_data"]["guid"] = format!("c0000000c00001{number:02}").into();
            record["entity_data"]["text"] = "long ".repeat(100_000).into();
            record
        })
        .collect();
    records.push(comment("carl@third.example", "c0000000c0000002", POD_KEY));
    stock["others_data"] = json!({
        "relayables": records,
        "non_contact_authors":
            [{"account_id": "carl@third.example", "guid": "ca410000ca410000", "public_key": public(POD_KEY).as_pem()}],
    });
    let mut archive = verified("alice.json", stock.to_string().as_bytes(), None);
    let report = check_signatures(&mut archive, &[], NonZeroUsize::MIN).unwrap();
    assert_eq!((report.good, report.bad, report.unknown_key), (1, 40, 0));
}

#[test]
fn the_photos_beside_a_stock_archive_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let stock = file(&folder, "alice.json", document().to_string().as_bytes());
    let open = |entries: &[RawEntry]| {
        let photos = file(&folder, "alice_photos.zip", &write(entries, &End::default()));
        let archive = Archive::open(&stock, Limits::default(), None).unwrap().with_photos(&photos).unwrap();
        archive.verify(&()).map_or_else(|error| error.code(), |_| "")
    };
    let mut entry = RawEntry::deflated("aa.png", PHOTO);
    assert_eq!(open(&[entry.clone()]), "");
    entry.both(|header| header.crc ^= 1);
    assert_eq!(open(&[entry]), "zip_wrong_crc");
    let ours = file(&folder, "a.zip", &Forge::default().bytes());
    let archive = Archive::open(&ours, Limits::default(), None).unwrap();
    assert!(matches!(archive.with_photos(&ours), Err(OpenError::PhotosInside)));
}
