//! Entities, envelopes, WebFinger and hCard: against vectors made without Pappus, against what a real
//! diaspora* wrote where those files are at hand, and against damage.

mod oracle;
mod reference;

use std::path::Path;

use pappus_engine::domain::{DiasporaId, PrivateKey, Profile, PublicKey, SigningKey, VerifyingKey};
use pappus_engine::federation::{
    AccountMigration, Contact, Element, EncryptedError, EntityError, EnvelopeError, FederationEntity, HCard,
    HCardError, LegacyTemplate, MagicEnvelope, ReceivedEntity, WebFinger, WebFingerError, decrypt_envelope,
    encrypt_envelope,
};
use proptest::option;
use proptest::prelude::*;

const OLD: &str = "odile@harbour.pod.test";
const NEW: &str = "odile.b@island.pod.test:3002";
const READER: &str = "rafa@meadow.pod.test";

fn vector(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/federation");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

fn private(name: &str) -> PrivateKey {
    PrivateKey::from_pem(vector(&format!("{name}.private.pem")))
}

fn signing(name: &str) -> SigningKey {
    private(name).signing_key().unwrap()
}

fn public(name: &str) -> PublicKey {
    PublicKey::from_pem(&vector(&format!("{name}.public.pem"))).unwrap()
}

fn verifying(name: &str) -> VerifyingKey {
    public(name).verifying_key().unwrap()
}

fn id(text: &str) -> DiasporaId {
    text.parse().unwrap()
}

#[test]
fn entities_are_written_as_the_vectors_are() {
    fn same<T: FederationEntity>(name: &str) -> T {
        let text = vector(name);
        let entity = T::from_xml(text.as_bytes()).unwrap();
        assert_eq!(entity.to_xml(), text.trim_end(), "{name}");
        entity
    }
    let profile: Profile = same("profile.xml");
    assert_eq!(profile.last_name.as_deref(), Some("Brückner & Söhne"));
    assert_eq!(profile.bio.as_deref(), Some("I like **boats**,\nand <knots>."));
    assert_eq!(profile.full_name, None);
    let contact: Contact = same("contact.xml");
    let expected =
        Contact { author: id(NEW), recipient: id(READER), following: true, sharing: true, blocking: false };
    assert_eq!(contact, expected);
    let migration: AccountMigration = same("account_migration.xml");
    assert_eq!((&migration.author, migration.new_identity()), (&id(OLD), &id(NEW)));
    assert_eq!(migration.signer(), &id(NEW));
    assert!(migration.verify(&verifying("new")));
    assert!(!migration.verify(&verifying("old")));
    let path = migration.remote_photo_path.clone();
    let made = AccountMigration::sign(id(OLD), profile, path, &signing("new")).unwrap();
    assert_eq!(made, migration);
}

#[test]
fn entities_that_say_too_little_or_the_wrong_thing_are_refused() {
    let migration = vector("account_migration.xml");
    let read = |text: &str| AccountMigration::from_xml(text.as_bytes());
    let missing = |entity, property| EntityError::Missing { entity, property };
    for property in ["author", "signature"] {
        let start = migration.find(&format!("  <{property}>")).unwrap();
        let end = start + migration[start..].find('\n').unwrap();
        let without = format!("{}{}", &migration[..start], &migration[end..]);
        assert_eq!(read(&without).unwrap_err(), missing("account_migration", property));
    }
    assert_eq!(
        read(&migration.replace("profile>", "x>")).unwrap_err(),
        missing("account_migration", "profile")
    );
    assert!(matches!(read(&migration.replace(NEW, OLD)), Err(EntityError::BadValue { .. })));
    assert!(matches!(read(&migration.replace(OLD, "nobody")), Err(EntityError::BadValue { .. })));
    let wrong = EntityError::WrongEntity { expected: "contact", found: "profile".to_owned() };
    assert_eq!(Contact::from_xml(vector("profile.xml").as_bytes()), Err(wrong));
    let contact = vector("contact.xml");
    let blocking = contact.replace("<blocking>false", "<blocking>true");
    assert!(matches!(Contact::from_xml(blocking.as_bytes()), Err(EntityError::BadValue { .. })));
    let maybe = contact.replace("<sharing>true", "<sharing>maybe");
    assert!(Contact::from_xml(maybe.as_bytes()).unwrap_err().to_string().contains("neither true nor false"));
    assert_eq!(
        Contact::from_xml(contact.replace("sharing>", "x>").as_bytes()).unwrap_err(),
        missing("contact", "sharing")
    );
    let same = AccountMigration::sign(
        id(NEW),
        Profile::from_xml(vector("profile.xml").as_bytes()).unwrap(),
        None,
        &signing("new"),
    );
    assert!(same.is_err());
}

/// The documentation allows this form; Pappus reads it and never writes it.
#[test]
fn a_migration_by_the_new_identity_is_signed_by_the_old_one() {
    let text = vector("account_migration.xml");
    let by_new = text.replacen(&format!("<author>{OLD}"), &format!("<author>{NEW}"), 1);
    let migration = AccountMigration::from_xml(by_new.as_bytes()).unwrap();
    assert_eq!((migration.signer(), &migration.old_identity), (&id(OLD), &id(OLD)));
    let without = by_new.replace("old_identity>", "x>");
    assert!(AccountMigration::from_xml(without.as_bytes()).is_err());
}

#[test]
fn envelopes_are_written_as_the_vectors_are_and_open_with_the_senders_key_only() {
    for (name, sender, key) in [("account_migration", OLD, "old"), ("contact", NEW, "new")] {
        let (payload, text) = (vector(&format!("{name}.xml")), vector(&format!("{name}.envelope.xml")));
        let payload = payload.trim_end();
        assert_eq!(MagicEnvelope::seal(&id(sender), &signing(key), payload).unwrap(), text, "{name}");
        let envelope = MagicEnvelope::parse(text.as_bytes()).unwrap();
        assert_eq!(envelope.sender(), &id(sender));
        let opened = envelope.verify(&verifying(key)).unwrap();
        assert_eq!((opened.sender(), opened.payload()), (&id(sender), payload.as_bytes()));
        assert!(!matches!(opened.entity().unwrap(), ReceivedEntity::Other { .. }));
        let refused = MagicEnvelope::parse(text.as_bytes()).unwrap().verify(&verifying("reader"));
        assert_eq!(refused.unwrap_err(), EnvelopeError::Signature(id(sender)));
    }
}

#[test]
fn line_breaks_and_missing_padding_do_no_harm() {
    let payload = "<contact>12</contact>x";
    let text = MagicEnvelope::seal(&id(OLD), &signing("old"), payload).unwrap();
    let start = text.find("application/xml\">").unwrap() + 17;
    let data = &text[start..start + text[start..].find('<').unwrap()];
    assert!(data.ends_with("=="), "{data}");
    let wrapped = format!("\n{}\r\n {}\n", &data[..8], &data[8..]);
    for other in [wrapped.as_str(), data.trim_end_matches('=')] {
        let changed = text.replace(data, other);
        let opened = MagicEnvelope::parse(changed.as_bytes()).unwrap().verify(&verifying("old")).unwrap();
        assert_eq!(opened.payload(), payload.as_bytes());
    }
}

#[test]
fn damaged_envelopes_are_refused_with_the_reason() {
    let text = vector("contact.envelope.xml");
    let error = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        match MagicEnvelope::parse(text.replace(from, to).as_bytes()) {
            Ok(envelope) => envelope.verify(&verifying("new")).unwrap_err(),
            Err(error) => error,
        }
    };
    assert!(matches!(
        error("http://salmon-protocol.org/ns/magic-env", "urn:x"),
        EnvelopeError::NotAnEnvelope(_)
    ));
    assert!(matches!(error("me:env", "me:envelope"), EnvelopeError::NotAnEnvelope(_)));
    assert_eq!(error("me:sig", "me:signature"), EnvelopeError::Missing("sig"));
    assert_eq!(error("key_id", "keyid"), EnvelopeError::Missing("key_id"));
    assert_eq!(error("me:alg", "me:algorithm"), EnvelopeError::Missing("alg"));
    assert!(matches!(error("RSA-SHA256", "none"), EnvelopeError::Unknown { part: "alg", .. }));
    assert!(matches!(error(">base64url", ">hex"), EnvelopeError::Unknown { part: "encoding", .. }));
    assert!(matches!(error("application/xml", "text/xml"), EnvelopeError::Unknown { part: "data type", .. }));
    assert_eq!(error("PGNv", "PGN+"), EnvelopeError::Encoding("data"));
    assert_eq!(error("PGNv", "PGNw"), EnvelopeError::Signature(id(NEW)));
    assert!(matches!(error("key_id=\"b2Rp", "key_id=\"////"), EnvelopeError::Encoding(_)));
    assert!(matches!(error("key_id=\"b2RpbGUu", "key_id=\"T2RpbGUu"), EnvelopeError::Sender(_)));
    // The sender's name is not part of what is signed; that the author is the sender protects it.
    let renamed = text.replace("key_id=\"b2Rp", "key_id=\"b2Rq");
    let opened = MagicEnvelope::parse(renamed.as_bytes()).unwrap().verify(&verifying("new")).unwrap();
    assert!(matches!(opened.entity(), Err(EntityError::NotTheAuthor { .. })));
    let long = format!("<x>{}</x>", " ".repeat(2 << 20));
    assert!(matches!(MagicEnvelope::parse(long.as_bytes()), Err(EnvelopeError::Xml(_))));
}

#[test]
fn nobody_sends_for_somebody_else() {
    let payload = vector("contact.xml");
    let text = MagicEnvelope::seal(&id(OLD), &signing("old"), &payload).unwrap();
    let opened = MagicEnvelope::parse(text.as_bytes()).unwrap().verify(&verifying("old")).unwrap();
    let error = EntityError::NotTheAuthor { sender: id(OLD), author: id(NEW) };
    assert_eq!(opened.entity(), Err(error));
    let passed_on = format!("<comment><author>{NEW}</author></comment>");
    let text = MagicEnvelope::seal(&id(OLD), &signing("old"), &passed_on).unwrap();
    let opened = MagicEnvelope::parse(text.as_bytes()).unwrap().verify(&verifying("old")).unwrap();
    assert_eq!(opened.entity().unwrap().author(), Some(&id(NEW)));
}

#[test]
fn encrypted_envelopes_open_with_the_recipients_key_only() {
    let text = vector("contact.envelope.xml");
    let key = private("reader").decrypting_key().unwrap();
    let by_openssl = decrypt_envelope(vector("contact.encrypted.json").as_bytes(), &key).unwrap();
    assert_eq!(by_openssl, text.as_bytes());
    let ours = encrypt_envelope(&text, &public("reader")).unwrap();
    assert_eq!(decrypt_envelope(ours.as_bytes(), &key).unwrap(), text.as_bytes());
    assert_ne!(ours, encrypt_envelope(&text, &public("reader")).unwrap(), "a fresh key each time");
    let other = private("old").decrypting_key().unwrap();
    assert_eq!(decrypt_envelope(ours.as_bytes(), &other), Err(EncryptedError::NotOpened));
    for body in ["", "{}", "[]", r#"{"aes_key":"?","encrypted_magic_envelope":""}"#] {
        assert_eq!(decrypt_envelope(body.as_bytes(), &key), Err(EncryptedError::NotEncrypted), "{body}");
    }
    let cut = r#"{"aes_key":"QUJD","encrypted_magic_envelope":"QUJD"}"#;
    assert_eq!(decrypt_envelope(cut.as_bytes(), &key), Err(EncryptedError::NotOpened));
    let long = vec![b' '; 3 << 20];
    assert!(matches!(decrypt_envelope(&long, &key), Err(EncryptedError::TooLarge { .. })));
}

#[test]
fn web_finger_in_both_forms() {
    let json = vector("webfinger.json");
    let found = WebFinger::from_jrd(json.as_bytes(), &id(NEW)).unwrap();
    assert_eq!(found.hcard_url.as_str(), "https://island.pod.test:3002/hcard/users/0d11e0d11e0d11e0");
    assert_eq!(found.seed_location.as_str(), "https://island.pod.test:3002/");
    assert_eq!(WebFinger::from_xrd(vector("webfinger.xrd.xml").as_bytes(), &id(NEW)).unwrap(), found);
    let template = LegacyTemplate::from_host_meta(vector("host-meta.xml").as_bytes()).unwrap();
    assert_eq!(
        template.url(&id(NEW)).unwrap().as_str(),
        "https://island.pod.test:3002/webfinger?q=acct%3Aodile.b%40island.pod.test%3A3002"
    );
    let read = |text: &str| WebFinger::from_jrd(text.as_bytes(), &id(NEW));
    assert!(read(&json.replace("acct:odile", "acct:Odile")).is_ok());
    assert!(matches!(read(&json.replace("acct:odile", "acct:emil")), Err(WebFingerError::Subject { .. })));
    assert!(matches!(read(&json.replace("profile/hcard", "x")), Err(WebFingerError::Missing(_))));
    assert!(matches!(read(&json.replace("seed_location", "x")), Err(WebFingerError::Missing(_))));
    assert!(matches!(
        read(&json.replace("\"https://island", "\"file://island")),
        Err(WebFingerError::BadLink(_))
    ));
    assert!(matches!(read("[]"), Err(WebFingerError::Json(_))));
    assert!(matches!(read(&" ".repeat(1 << 20)), Err(WebFingerError::TooLarge(_))));
    let xrd = |text: &str| WebFinger::from_xrd(text.as_bytes(), &id(NEW));
    assert!(matches!(xrd("<XRD/>"), Err(WebFingerError::Xrd(_))));
    assert!(matches!(
        xrd("<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'/>"),
        Err(WebFingerError::Subject { .. })
    ));
    assert!(matches!(xrd("<!DOCTYPE a><a/>"), Err(WebFingerError::Xrd(_))));
}

#[test]
fn hcards_by_class() {
    let page = vector("hcard.html");
    let card = HCard::parse(page.as_bytes()).unwrap();
    assert_eq!(
        (card.guid.as_str(), card.public_key.fingerprint()),
        ("0d11e0d11e0d11e0", public("new").fingerprint())
    );
    assert_eq!(card.nickname.as_deref(), Some("odile.b"));
    assert_eq!(card.url.as_deref(), Some("https://island.pod.test:3002/"));
    let profile = card.profile(id(NEW));
    assert_eq!(profile.full_name.as_deref(), Some("Odile Brückner & Söhne"));
    assert_eq!(profile.last_name.as_deref(), Some("Brückner & Söhne"));
    assert_eq!(
        profile.image_url_small.as_deref(),
        Some("https://island.pod.test:3002/uploads/images/thumb_small_0d11e.webp")
    );
    assert_eq!(profile.searchable, Some(true));
    let read = |text: &str| HCard::parse(text.as_bytes());
    assert_eq!(read(&page.replace("\"uid\"", "\"x\"")), Err(HCardError::Missing("uid")));
    assert_eq!(read(&page.replace("\"key\"", "\"x\"")), Err(HCardError::Missing("key")));
    assert!(matches!(read(&page.replace("0d11e0d11e0d11e0", "0d11e")), Err(HCardError::Guid(_))));
    assert!(matches!(read(&page.replace("-----BEGIN", "-----")), Err(HCardError::Key(_))));
    assert_eq!(read(""), Err(HCardError::Missing("uid")));
    let less =
        read(&page.replace("entity_photo", "x").replace("nickname", "x").replace("\"fn\"", "\"x\"")).unwrap();
    assert_eq!((less.photo, less.nickname, less.full_name), (None, None, None));
}

#[test]
fn pages_made_to_be_slow_are_not() {
    let page = vector("hcard.html");
    for piece in [
        "<div>",
        "<b x>",
        "<p><b>",
        "<table><b>",
        "<a href=x>",
        "<div class=photo>",
        "<font size=1><p>",
        "<svg>",
        "<select><option>",
        "<ul><li>",
        "</p>",
        "<table><td>",
        "<template>",
        "&notit;",
        "<b><i></b>",
        "<nobr>",
        "<form><div></form>",
    ] {
        let room = (64 << 10) - page.len();
        let count = (room / piece.len()).min(1_900 / piece.matches('<').count().max(1));
        let hostile = page.replace("</body>", &piece.repeat(count));
        let start = std::time::Instant::now();
        _ = HCard::parse(hostile.as_bytes());
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "{piece:?}: {:?}", start.elapsed());
    }
    let attributes: String = (0..10_000).fold(String::from("<a"), |text, n| text + &format!(" {n:x}"));
    let start = std::time::Instant::now();
    assert!(HCard::parse(page.replace("</body>", &attributes).as_bytes()).is_ok());
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "attributes: {:?}", start.elapsed());
    assert_eq!(HCard::parse("<p>".repeat(2_001).as_bytes()), Err(HCardError::TooManyElements));
    assert!(matches!(HCard::parse(" ".repeat((64 << 10) + 1).as_bytes()), Err(HCardError::TooLarge(_))));
}

fn any_id() -> impl Strategy<Value = DiasporaId> {
    "[a-z0-9_.-]{1,20}@[a-z0-9]{1,8}(-[a-z0-9]{1,4})?(\\.[a-z0-9]{1,5}){0,2}(:[1-9][0-9]{0,3})?"
        .prop_map(|text| text.parse().unwrap())
}

/// What XML can carry.
fn any_text() -> impl Strategy<Value = String> {
    "[\\PC\n\t\r<>&'\"]{1,40}"
}

fn any_profile() -> impl Strategy<Value = Profile> {
    let texts = proptest::collection::vec(option::of(any_text()), 11);
    (any_id(), texts, option::of(0_i64..4_000_000_000), any::<[Option<bool>; 3]>()).prop_map(
        |(author, mut texts, time, [searchable, public, nsfw])| Profile {
            author,
            edited_at: time.and_then(|time| chrono::DateTime::from_timestamp(time, 0)).map(Into::into),
            full_name: texts.pop().flatten(),
            first_name: texts.pop().flatten(),
            last_name: texts.pop().flatten(),
            image_url: texts.pop().flatten(),
            image_url_medium: texts.pop().flatten(),
            image_url_small: texts.pop().flatten(),
            bio: texts.pop().flatten(),
            birthday: texts.pop().flatten(),
            gender: texts.pop().flatten(),
            location: texts.pop().flatten(),
            searchable,
            public,
            nsfw,
            tag_string: texts.pop().flatten(),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn profiles_come_back(profile in any_profile()) {
        prop_assert_eq!(Profile::from_xml(profile.to_xml().as_bytes()).unwrap(), profile);
    }

    #[test]
    fn contacts_come_back(author in any_id(), recipient in any_id(), flags in any::<[bool; 2]>()) {
        let [following, sharing] = flags;
        let contact = Contact { author, recipient, following, sharing, blocking: !following && !sharing };
        prop_assert_eq!(Contact::from_xml(contact.to_xml().as_bytes()).unwrap(), contact);
    }

    #[test]
    fn migrations_come_back_through_envelope_and_encryption(
        old in any_id(),
        profile in any_profile(),
        photos in option::of("https://[a-z]{1,9}/"),
    ) {
        prop_assume!(old != profile.author);
        let migration = AccountMigration::sign(old.clone(), profile, photos, &signing("new")).unwrap();
        let envelope = MagicEnvelope::seal(&old, &signing("old"), &migration.to_xml()).unwrap();
        let body = encrypt_envelope(&envelope, &public("reader")).unwrap();
        let key = private("reader").decrypting_key().unwrap();
        let envelope = MagicEnvelope::parse(&decrypt_envelope(body.as_bytes(), &key).unwrap()).unwrap();
        let opened = envelope.verify(&verifying("old")).unwrap();
        prop_assert_eq!(opened.sender(), &old);
        let ReceivedEntity::AccountMigration(again) = opened.entity().unwrap() else { panic!() };
        prop_assert!(again.verify(&verifying("new")));
        prop_assert_eq!(*again, migration);
    }

    #[test]
    fn noise_is_refused_quietly(noise in any::<Vec<u8>>(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut envelope = vector("contact.envelope.xml").into_bytes();
        let at = at.index(envelope.len());
        envelope[at] = byte;
        let opened = MagicEnvelope::parse(&envelope).and_then(|envelope| envelope.verify(&verifying("new")));
        if let Ok(opened) = opened {
            let entity = opened.entity();
            let renamed = matches!(entity, Err(EntityError::NotTheAuthor { .. }));
            prop_assert!(entity.is_ok() || renamed);
        }
        prop_assert!(MagicEnvelope::parse(&noise).is_err());
        prop_assert!(ReceivedEntity::from_xml(&noise).is_err());
        prop_assert!(HCard::parse(&noise).is_err());
        prop_assert!(WebFinger::from_jrd(&noise, &id(NEW)).is_err());
        prop_assert!(Element::parse(&noise, 1 << 20).is_err());
    }
}
