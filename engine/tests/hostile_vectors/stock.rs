//! Wrong files of other kinds: stock documents, locked archives, and what shows on conversion only.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use pkcs8::pkcs5::pbes2::Parameters;
use pkcs8::{EncryptedPrivateKeyInfo, der::Encode as _};
use serde_json::Value;

use super::{Stage, Vector};
use crate::support::forge::document;
use crate::support::raw_zip::{End, RawEntry, write};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn stock(change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut document = document();
    change(&mut document);
    document.to_string().into_bytes()
}

pub(crate) fn files() -> Vec<Vector> {
    use Stage::{Open, Verify};
    let packed = gzip(&stock(|_| {}));
    let mut damaged = packed.clone();
    let end = damaged.len() - 6;
    damaged[end] ^= 1;
    // White space is the largest document there is in the smallest file.
    let bomb = gzip(&[b"{".as_slice(), &vec![b' '; 40 << 20]].concat());
    let photos = write(&[RawEntry::stored("aa.png", b"picture")], &End::default());
    vec![
        Vector::new("empty.zip", Open, "empty", Vec::new()),
        Vector::new("not-an-archive.zip", Open, "not_an_archive", b"<html>404 Not Found</html>".to_vec()),
        Vector::new("photos-only.zip", Open, "no_document", photos),
        Vector::new("empty-zip.zip", Open, "no_document", write(&[], &End::default())),
        Vector::new("gzip-cut-off.json.gz", Verify, "gzip_truncated", packed[..packed.len() / 2].to_vec()),
        Vector::new("gzip-wrong-checksum.json.gz", Verify, "gzip_damaged", damaged),
        Vector::new("gzip-bomb.json.gz", Verify, "gzip_bomb", bomb),
        Vector::new("gzip-not-json.json.gz", Verify, "document_not_json", gzip(b"hello")),
        Vector::new("stock-not-json.json", Verify, "document_not_json", b"{hello}".to_vec()),
        Vector::new(
            "stock-version-3.json",
            Verify,
            "document_version",
            stock(|d| d["version"] = "3.0".into()),
        ),
        Vector::new(
            "stock-nobody.json",
            Verify,
            "field_missing",
            b"{\"version\":\"2.0\",\"user\":{}}".to_vec(),
        ),
        Vector::new(
            "stock-no-user.json",
            Verify,
            "field_missing",
            b"{\"version\":\"2.0\",\"user\":[]}".to_vec(),
        ),
        Vector::new("stock-two-users.json", Verify, "document_duplicate_field", {
            let text = String::from_utf8(stock(|_| {})).unwrap();
            format!("{{\"user\":{{}},{}", &text[1..]).into_bytes()
        }),
    ]
}

pub(crate) fn locked() -> Vec<Vector> {
    let header = |stanzas: &str| format!("age-encryption.org/v1\n{stanzas}");
    let file_key = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE";
    let mac = "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
    // The nonce and the first bytes of the content.
    let payload = "A".repeat(48);
    let costly = header(&format!("-> scrypt QUFBQUFBQUFBQUFBQUFBQQ 40\n{file_key}\n{mac}{payload}"));
    let age =
        |name: &str, code, bytes: Vec<u8>| Vector::new(&format!("{name}.zip.age"), Stage::Open, code, bytes);
    vec![
        age("age-without-a-key", "encryption_locked", costly.clone().into_bytes()),
        age("age-costly-passphrase", "encryption_too_expensive", costly.into_bytes())
            .with("passphrase open sesame"),
        age("age-endless-header", "encryption_damaged", {
            header(&format!("-> x y\n{file_key}\n").repeat(2000)).into_bytes()
        })
        .with("passphrase open sesame"),
    ]
}

/// A private key under a passphrase that takes a minute to check: the most the library writes.
fn costly_key() -> String {
    let parameters = Parameters::pbkdf2_sha256_aes256cbc(100_000_000, b"saltsalt", &[7; 16]).unwrap();
    let info = EncryptedPrivateKeyInfo { encryption_algorithm: parameters.into(), encrypted_data: &[0; 32] };
    pem::encode(&pem::Pem::new("ENCRYPTED PRIVATE KEY", info.to_der().unwrap()))
}

pub(crate) fn conversions() -> Vec<Vector> {
    let key = |key: String| stock(move |document| document["user"]["private_key"] = key.clone().into());
    let name = |name: &'static str| stock(move |document| document["user"]["username"] = name.into());
    let convert = |file: &str, code, bytes| Vector::new(&format!("{file}.json"), Stage::Convert, code, bytes);
    vec![
        convert("key-costly", "key_too_expensive", key(costly_key())).with("key-passphrase open sesame"),
        convert("key-locked", "key_locked", key(costly_key())),
        convert(
            "key-no-key",
            "key",
            key("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----".into()),
        )
        .with("key-passphrase open sesame"),
        convert("username-traversal", "username", name("../../alice")),
        convert("username-hidden", "username", name(".alice")),
    ]
}
