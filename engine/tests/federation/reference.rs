//! Against what a real diaspora* wrote, where those files are at hand: its envelopes open with the keys in
//! its database, and what Pappus writes has the same elements.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use pappus_engine::domain::{DiasporaId, Post, PrivateKey, Profile, PublicKey};
use pappus_engine::federation::{
    AccountMigration, Contact, Element, FederationEntity, HCard, MagicEnvelope, ReceivedEntity, WebFinger,
    decrypt_envelope, encrypt_envelope,
};

use super::{id, signing};

fn reference() -> Option<PathBuf> {
    // Beside the project, also when this is a work tree of it.
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/reference");
    let found = above.join("traffic").is_dir();
    if !found {
        println!("skipped: the reference files are not beside the project");
    }
    found.then_some(above)
}

fn traffic(reference: &Path, name: &str) -> Vec<u8> {
    std::fs::read(reference.join("traffic").join(name)).unwrap()
}

/// One value of the row in which `column` is `value`, from a PostgreSQL dump's COPY block.
fn in_dump(reference: &Path, pod: &str, table: &str, (column, value): (&str, &str), wanted: &str) -> String {
    let mut dump = String::new();
    let file = File::open(reference.join(format!("pods/{pod}.sql.gz"))).unwrap();
    GzDecoder::new(file).read_to_string(&mut dump).unwrap();
    let start = dump.find(&format!("\nCOPY public.{table} (")).unwrap();
    let mut lines = dump[start + 1..].lines();
    let head = lines.next().unwrap();
    let columns: Vec<_> = head.split(['(', ')']).nth(1).unwrap().split(", ").collect();
    let place = |name| columns.iter().position(|column| *column == name).unwrap();
    let row = lines
        .take_while(|line| *line != "\\.")
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .find(|row| row[place(column)] == value)
        .unwrap();
    row[place(wanted)].replace("\\n", "\n")
}

fn key_of(reference: &Path, pod: &str, person: &str) -> PublicKey {
    let row = ("diaspora_handle", person);
    PublicKey::from_pem(&in_dump(reference, pod, "people", row, "serialized_public_key")).unwrap()
}

fn key_of_user(reference: &Path, pod: &str, username: &str) -> PrivateKey {
    let row = ("username", username);
    PrivateKey::from_pem(in_dump(reference, pod, "users", row, "serialized_private_key"))
}

/// The elements with their attributes' names, without what they say.
fn shape(element: &Element) -> String {
    let attributes: Vec<_> = element.attributes.iter().map(|(name, _)| name.as_str()).collect();
    let children: Vec<_> = element.children.iter().map(shape).collect();
    format!("{}{}{attributes:?}({})", element.namespace, element.name, children.join(","))
}

fn parse(bytes: &[u8]) -> Element {
    Element::parse(bytes, 1 << 20).unwrap()
}

/// The same elements saying the same; the space between them does not matter.
fn assert_same_elements(ours: &str, theirs: &[u8]) {
    fn stripped(mut element: Element) -> Element {
        if !element.children.is_empty() {
            element.text.clear();
        }
        element.children = element.children.into_iter().map(stripped).collect();
        element
    }
    assert_eq!(stripped(parse(ours.as_bytes())), stripped(parse(theirs)));
}

#[test]
fn the_captured_account_migration() {
    let Some(reference) = reference() else { return };
    let (old, new) = ("mona@closing.pod.test:3001", "mona2@target.pod.test:3002");
    let body = traffic(&reference, "account_migration.receive_public.body.xml");
    let payload = traffic(&reference, "account_migration.payload.xml");
    let envelope = MagicEnvelope::parse(&body).unwrap();
    assert_eq!(envelope.sender(), &id(old));
    let old_key = key_of(&reference, "pod-a", old).verifying_key().unwrap();
    let opened = envelope.verify(&old_key).unwrap();
    assert_eq!(opened.payload(), payload.trim_ascii_end());
    let migration = AccountMigration::from_xml(opened.payload()).unwrap();
    assert_eq!((&migration.author, &migration.old_identity), (&id(old), &id(old)));
    assert_eq!((migration.new_identity(), migration.signer()), (&id(new), &id(new)));
    assert!(migration.verify(&key_of(&reference, "pod-b", new).verifying_key().unwrap()));
    assert!(!migration.verify(&old_key));
    assert_same_elements(&migration.to_xml(), &payload);

    // Made anew with the keys of both pods, it is the same, byte for byte.
    let new_key = key_of_user(&reference, "pod-b", "mona2").signing_key().unwrap();
    let photos = migration.remote_photo_path.clone();
    let made = AccountMigration::sign(id(old), migration.profile.clone(), photos, &new_key).unwrap();
    assert_eq!(made, migration);
    assert_eq!(made.to_xml().as_bytes(), payload.trim_ascii_end());
    let old_key = key_of_user(&reference, "pod-a", "mona").signing_key().unwrap();
    let sealed = MagicEnvelope::seal(&id(old), &old_key, &made.to_xml()).unwrap();
    assert_eq!(sealed.trim_end().as_bytes(), body.trim_ascii_end());
}

fn check_private<T: FederationEntity>(reference: &Path, name: &str, author: impl Fn(&T) -> &DiasporaId) {
    let sender = "carl000@contacts.pod.test:3003";
    let key = key_of_user(reference, "pod-a", "alice");
    let body = traffic(reference, &format!("private_{name}.encrypted_body.json"));
    let payload = traffic(reference, &format!("private_{name}.payload.xml"));
    let decrypted = decrypt_envelope(&body, &key.decrypting_key().unwrap()).unwrap();
    assert_same_elements(
        str::from_utf8(&decrypted).unwrap(),
        &traffic(reference, &format!("private_{name}.magic_envelope.xml")),
    );
    let envelope = MagicEnvelope::parse(&decrypted).unwrap();
    let opened = envelope.verify(&key_of(reference, "pod-c", sender).verifying_key().unwrap()).unwrap();
    assert_eq!((opened.sender(), opened.payload()), (&id(sender), payload.trim_ascii_end()));
    let entity = T::from_xml(opened.payload()).unwrap();
    assert_eq!(author(&entity), &id(sender));
    assert!(opened.entity().is_ok());
    assert_same_elements(&entity.to_xml(), &payload);

    // Sent by Pappus with the same key, the envelope has the same elements, and so has the JSON.
    let own_key = key_of_user(reference, "pod-c", "carl000").signing_key().unwrap();
    let sealed = MagicEnvelope::seal(&id(sender), &own_key, &entity.to_xml()).unwrap();
    assert_eq!(shape(&parse(sealed.as_bytes())), shape(&parse(&decrypted)));
    let encrypted = encrypt_envelope(&sealed, &key.signing_key().unwrap().public_key().unwrap()).unwrap();
    let fields = |body: &[u8]| -> Vec<String> {
        let value: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).unwrap();
        value.keys().cloned().collect()
    };
    assert_eq!(fields(encrypted.as_bytes()), fields(&body));
}

#[test]
fn the_captured_contact_and_profile() {
    let Some(reference) = reference() else { return };
    check_private::<Contact>(&reference, "contact", |contact| &contact.author);
    check_private::<Profile>(&reference, "profile", |profile| &profile.author);
}

#[test]
fn the_captured_post() {
    let Some(reference) = reference() else { return };
    let envelope = MagicEnvelope::parse(&traffic(&reference, "fetch_post.magic_envelope.xml")).unwrap();
    let sender = envelope.sender().clone();
    let key = key_of(&reference, "pod-a", sender.as_str()).verifying_key().unwrap();
    let opened = envelope.verify(&key).unwrap();
    let ReceivedEntity::Post(post) = opened.entity().unwrap() else { panic!("no post") };
    assert_eq!(post.author(), &sender);
    assert!(
        matches!(&*post, Post::StatusMessage(message) if message.public && message.text.contains("bicycle"))
    );
    assert_same_elements(&post.to_xml(), opened.payload());
}

#[test]
fn the_captured_web_finger_and_hcard() {
    let Some(reference) = reference() else { return };
    let alice = id("alice@closing.pod.test:3001");
    let found = WebFinger::from_jrd(&traffic(&reference, "webfinger.jrd.json"), &alice).unwrap();
    assert_eq!(found.seed_location.as_str(), "http://closing.pod.test:3001/");
    let card = HCard::parse(&traffic(&reference, "hcard.html")).unwrap();
    assert!(found.hcard_url.path().ends_with(card.guid.as_str()));
    assert_eq!(card.public_key.fingerprint(), key_of(&reference, "pod-a", alice.as_str()).fingerprint());
    assert_eq!((card.nickname.as_deref(), card.full_name.as_deref()), (Some("alice"), Some("Alice Heavy")));
    assert!(card.photo_medium.unwrap().contains("/thumb_medium_"));
}

#[test]
fn shapes_tell_documents_apart() {
    let one = MagicEnvelope::seal(&id(super::OLD), &signing("old"), "<a/>").unwrap();
    assert_ne!(shape(&parse(one.as_bytes())), shape(&parse(one.replace("me:alg", "me:gla").as_bytes())));
}
