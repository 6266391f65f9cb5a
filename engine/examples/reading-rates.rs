//! How fast archives are read, beside what bounds it on the same machine.
//!
//! ```sh
//! cargo run --release -p pappus-engine --example reading-rates -- photos 2000      # MB
//! cargo run --release -p pappus-engine --example reading-rates -- photos 400 4     # 100,000 photos of 4 kB
//! cargo run --release -p pappus-engine --example reading-rates -- document alice.json.gz
//! cargo run --release -p pappus-engine --example reading-rates -- signatures 4000  # comments, 4096-bit keys
//! cargo run --release -p pappus-engine --example reading-rates -- signatures alice.json.gz
//! ```

use std::error::Error;
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use pappus_engine::archive::document::{
    DocumentError, DocumentVisitor, Next, Place, Section, read_document, relayable,
};
use pappus_engine::archive::limits::Limits;
use pappus_engine::archive::manifest::{AccountEntry, FORMAT, Manifest, PodEntry, PrivateKeyState};
use pappus_engine::archive::open::{Archive, Verified};
use pappus_engine::archive::writer::{ArchiveWriter, Packing};
use pappus_engine::domain::{DiasporaId, PrivateKey, Relayable, VerifyingKey};
use pappus_engine::validate::check_signatures;
use serde_json::value::RawValue;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["photos", megabytes] => photos(megabytes.parse()?, 4_000),
        ["photos", megabytes, kilobytes] => photos(megabytes.parse()?, kilobytes.parse()?),
        ["verify", path] => verify(path.as_ref()).map(|_| ()),
        ["document", path] => document(path.as_ref()),
        ["signatures", what] => signatures(what),
        _ => Err("photos MB [KB-EACH] | verify FILE | document FILE | signatures NUMBER-OR-FILE".into()),
    }
}

fn rate(what: &str, bytes: u64, since: Instant) {
    let seconds = since.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let megabytes = bytes as f64 / 1e6;
    println!("{what}: {megabytes:.0} MB in {seconds:.3} s, {:.0} MB/s", megabytes / seconds);
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default().to_owned()
}

/// A document of alice with these relayables by others.
fn alice(key: &PrivateKey, relayables: &[Value], authors: &[Value]) -> Value {
    json!({
        "version": "2.0",
        "user": {
            "username": "alice", "email": "", "private_key": key.expose_pem(),
            "profile": {"entity_type": "profile", "entity_data": {"author": "alice@pod.example"}},
        },
        "others_data": {"relayables": relayables, "non_contact_authors": authors},
    })
}

fn photos(megabytes: usize, kilobytes: usize) -> Result<()> {
    let number = megabytes * 1000 / kilobytes;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("a.zip");
    let key = PrivateKey::generate()?;
    let signing = key.signing_key()?;
    let public = signing.public_key()?;
    let mut writer = ArchiveWriter::begin(std::fs::File::create(&path)?, "2026-11-22T10:00:00Z".parse()?);
    writer.begin_entry("diaspora.json", Packing::Deflated, false)?;
    writer.write(alice(&key, &[], &[]).to_string().as_bytes())?;
    let photo: Vec<u8> = (0..u32::try_from(kilobytes * 250)?)
        .flat_map(|number| (number.wrapping_mul(2_654_435_761)).to_le_bytes())
        .collect();
    for index in 0..number {
        writer.copy_file(&format!("photos/{index}.webp"), &mut photo.as_slice(), photo.len() as u64)?;
    }
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        created_at: "2026-11-22T10:00:00Z".parse()?,
        created_by: "reading-rates".to_owned(),
        account: AccountEntry {
            diaspora_id: "alice@pod.example".parse()?,
            guid: "a11ce000a11ce000".parse()?,
            key_fingerprint: Some(public.fingerprint()),
            public_key: Some(public.as_pem().to_owned()),
            private_key: PrivateKeyState::Plain,
        },
        pod: PodEntry {
            url: "https://pod.example/".to_owned(),
            id_host: None,
            software: String::new(),
            schema_version: String::new(),
            archive_key: public.as_pem().to_owned(),
        },
        counts: [(pappus_engine::archive::manifest::CountKind::PhotoFiles, number as u64)].into(),
        omissions: Vec::new(),
        more_omissions: std::collections::BTreeMap::new(),
        entries: Vec::new(),
        merged_from: Vec::new(),
    };
    writer.finish(manifest, Some(&signing), &signing)?;
    drop(photo);
    let bytes = std::fs::metadata(&path)?.len();
    for _ in 0..3 {
        // sha256sum of some distributions does without the processor's instructions for SHA-256.
        for peer in ["sha256sum", "openssl dgst -sha256"] {
            let mut words = peer.split(' ');
            let mut command = std::process::Command::new(words.next().unwrap_or_default());
            let start = Instant::now();
            let ended = command.args(words).arg(&path).stdout(std::process::Stdio::null()).status();
            if ended.is_ok_and(|status| status.success()) {
                rate(peer, bytes, start);
            }
        }
        let status =
            std::process::Command::new(std::env::current_exe()?).arg("verify").arg(&path).status()?;
        assert!(status.success(), "verify failed");
    }
    Ok(())
}

fn verify(path: &Path) -> Result<Archive<Verified>> {
    let start = Instant::now();
    let archive = Archive::open(path, Limits::default(), None)?.verify(&())?;
    rate("verify", std::fs::metadata(path)?.len(), start);
    println!("{}", peak());
    Ok(archive)
}

struct Nothing;

impl DocumentVisitor for Nothing {
    fn field(&mut self, _: &Place<'_>, _: &RawValue) -> std::result::Result<Next, DocumentError> {
        Ok(Next::Continue)
    }

    fn element(&mut self, _: &Place<'_>, _: &RawValue) -> std::result::Result<Next, DocumentError> {
        Ok(Next::Continue)
    }
}

fn document(path: &Path) -> Result<()> {
    let mut archive = verify(path)?;
    let mut bytes = Vec::new();
    let start = Instant::now();
    archive.document()?.read_to_end(&mut bytes)?;
    rate("unpack", bytes.len() as u64, start);
    let start = Instant::now();
    for _ in 0..20 {
        read_document(bytes.as_slice(), &Limits::default(), &mut Nothing)?;
    }
    rate("read_document", 20 * bytes.len() as u64, start);
    let start = Instant::now();
    read_document(archive.document()?, &Limits::default(), &mut Nothing)?;
    rate("unpack and read_document", bytes.len() as u64, start);
    let start = Instant::now();
    _ = serde_json::from_slice::<Value>(&bytes)?;
    rate("serde_json::Value", bytes.len() as u64, start);
    Ok(())
}

/// Relayables whose key is in the document.
#[derive(Default)]
struct Signed(Vec<(Relayable, usize)>, Vec<(DiasporaId, VerifyingKey)>);

impl DocumentVisitor for Signed {
    fn field(&mut self, _: &Place<'_>, _: &RawValue) -> std::result::Result<Next, DocumentError> {
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> std::result::Result<Next, DocumentError> {
        if place.section == Section::OthersData && place.name == "relayables" {
            self.0.extend(relayable(value).ok().map(|record| (record, usize::MAX)));
        } else if matches!(place.name, "contacts" | "non_contact_authors")
            && let Ok(person) = serde_json::from_str::<Value>(value.get())
            && let (Some(id), Some(pem)) = (person["account_id"].as_str(), person["public_key"].as_str())
            && let (Ok(id), Ok(key)) = (id.parse(), pappus_engine::domain::PublicKey::from_pem(pem))
            && let Ok(key) = key.verifying_key()
        {
            self.1.push((id, key));
        }
        Ok(Next::Continue)
    }
}

fn made(number: usize) -> Result<tempfile::NamedTempFile> {
    let key = PrivateKey::generate()?;
    let (signing, mut authors) = (key.signing_key()?, Vec::new());
    let pem = signing.public_key()?.as_pem().to_owned();
    let relayables: std::result::Result<Vec<Value>, Box<dyn Error>> = (0..number)
        .map(|number| {
            let (author, guid) = (format!("author{}@pod.example", number % 50), format!("{number:032x}"));
            if number < 50 {
                authors.push(json!({"account_id": author, "guid": guid, "public_key": pem}));
            }
            let text = "Lovely! ".repeat(number % 40);
            let signed = format!("{author};{guid};9057000090570000;{text};2020-01-02T00:00:00Z");
            let signature = signing.sign_base64(signed.as_bytes())?;
            Ok(json!({"entity_type": "comment", "entity_data": {
                "author": author, "guid": guid, "parent_guid": "9057000090570000", "author_signature": signature,
                "text": text, "created_at": "2020-01-02T00:00:00Z",
            }, "property_order": ["author", "guid", "parent_guid", "text", "created_at"]}))
        })
        .collect();
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(&file, alice(&key, &relayables?, &authors).to_string())?;
    Ok(file)
}

fn signatures(what: &str) -> Result<()> {
    let (made, path) = match what.parse() {
        Ok(number) => {
            let made = made(number)?;
            let path = made.path().to_owned();
            (Some(made), path)
        }
        Err(_) => (None, what.into()),
    };
    let mut archive = Archive::open(&path, Limits::default(), None)?.verify(&())?;
    let mut signed = Signed::default();
    read_document(archive.document()?, &Limits::default(), &mut signed)?;
    let Signed(mut records, keys) = signed;
    for (record, key) in &mut records {
        *key = keys.iter().position(|(id, _)| id == record.entity.author()).unwrap_or(usize::MAX);
    }
    records.retain(|(_, key)| *key != usize::MAX);
    let texts: Vec<_> = records
        .iter()
        .map(|(record, key)| {
            (record.signed_text(), record.entity.author_signature().unwrap_or_default().to_owned(), *key)
        })
        .collect();
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    for _ in 0..3 {
        let start = Instant::now();
        let good: usize = std::thread::scope(|scope| {
            let parts = texts.chunks(texts.len().div_ceil(threads.get()).max(1)).map(|part| {
                scope.spawn(|| {
                    part.iter()
                        .filter(|(text, signature, key)| {
                            keys[*key].1.verifies_base64(text.as_bytes(), signature)
                        })
                        .count()
                })
            });
            let running: Vec<_> = parts.collect();
            running.into_iter().filter_map(|part| part.join().ok()).sum()
        });
        println!("raw, {threads} threads: {good} good of {} in {:?}", texts.len(), start.elapsed());
        let start = Instant::now();
        let report = check_signatures(&mut archive, &[], threads)?;
        let (good, bad, unknown) = (report.good, report.bad, report.unknown_key);
        println!("check_signatures: {good} good, {bad} bad, {unknown} unknown in {:?}", start.elapsed());
    }
    println!("{}", peak());
    drop(made);
    Ok(())
}
