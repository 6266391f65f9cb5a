//! The way out, as a podmin takes it: `pappus` on the sample pod, checked with our own and with standard tools.

#![expect(clippy::format_collect, reason = "a test")]

use std::process::Command;

use crate::support::target::Target;
use crate::support::{Pod, TIME, entry, json, names};
use pappus_engine::archive::document::Section;
use pappus_engine::archive::lists::List;
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::program::pappus;
use pappus_tests::sample::POD_URL;
use serde_json::Value;

const EVERYBODY: [&str; 13] = [
    "berta", "clara", "emil", "greta", "ida", "jonas", "lotte", "moritz", "nils", "oskar_1", "ruth",
    "viktor", "yasmin",
];

#[tokio::test]
async fn three_databases_give_the_same_bytes() {
    let postgres = shared_postgres().await.unwrap().create_database("export").await.unwrap();
    let mariadb = shared_mariadb().await.unwrap().create_database("export").await.unwrap();
    let mut archives = Vec::new();
    for database in [None, Some(postgres), Some(mariadb)] {
        let pod = match database {
            None => Pod::sqlite().await,
            Some(url) => Pod::on(tempfile::tempdir().unwrap(), url).await,
        };
        let ended = pod.export(&EVERYBODY, "out", &[]);
        assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
        archives.push(pod);
    }
    for name in EVERYBODY {
        let bytes: Vec<Vec<u8>> =
            archives.iter().map(|pod| std::fs::read(pod.archive("out", name)).unwrap()).collect();
        for part in ["diaspora.json", "extras.json", "manifest.json"] {
            let parts: Vec<String> = archives
                .iter()
                .map(|pod| String::from_utf8(entry(&pod.archive("out", name), part)).unwrap())
                .collect();
            assert_same(&parts[0], &parts[1], &format!("{name} {part}: SQLite and PostgreSQL"));
            assert_same(&parts[0], &parts[2], &format!("{name} {part}: SQLite and MariaDB"));
        }
        assert!(bytes[0] == bytes[1] && bytes[0] == bytes[2], "{name}: other bytes");
    }
}

/// Shows where two long texts part.
fn assert_same(left: &str, right: &str, what: &str) {
    let same = left.bytes().zip(right.bytes()).take_while(|(left, right)| left == right).count();
    let around = |text: &str| {
        String::from_utf8_lossy(&text.as_bytes()[same.saturating_sub(60)..text.len().min(same + 60)])
            .into_owned()
    };
    assert!(left == right, "{what}:\n{}\n{}", around(left), around(right));
}

#[tokio::test]
async fn twice_the_same_state_gives_the_same_bytes() {
    let pod = Pod::sqlite().await;
    pod.export(&["ida", "yasmin"], "first", &[]);
    pod.export(&["ida", "yasmin"], "second", &[]);
    for name in ["ida", "yasmin"] {
        let read = |out| std::fs::read(pod.archive(out, name)).unwrap();
        assert!(read("first") == read("second"), "{name}");
    }
}

#[tokio::test]
async fn a_whole_account_is_in_its_archive() {
    let pod = Pod::sqlite().await;
    let ended = pod.export(&["ida"], "out", &["--json"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["exported"][0]["account"], "ida@closing.example");
    let archive = pod.archive("out", "ida");
    let mut document = json(&archive, "diaspora.json");
    assert!(document["user"]["private_key"].as_str().unwrap().starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    document["user"]["private_key"] = "(secret)".into();
    insta::assert_json_snapshot!("ida-document", document);
    insta::assert_json_snapshot!("ida-extras", json(&archive, "extras.json"));
    let mut manifest = json(&archive, "manifest.json");
    for entry in manifest["entries"].as_array_mut().unwrap() {
        // Pages change with their words; what they are made from is in the snapshots above.
        entry["sha256"] = "(digest)".into();
        entry["size"] = 0.into();
    }
    insta::assert_json_snapshot!("ida-manifest", manifest);
}

#[tokio::test]
async fn everybody_exports_and_verifies() {
    let pod = Pod::sqlite().await;
    let ended = pod.export(&EVERYBODY, "out", &[]);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    assert_eq!(names(&pod.path("out")).len(), EVERYBODY.len());
    for name in EVERYBODY {
        let ended = pappus(["verify", pod.archive("out", name).to_str().unwrap(), "--json"]).unwrap();
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
        assert_eq!(report["verified"], true);
        // Every reaction that is exported as signed can be checked with the keys inside.
        let signatures = &report["relayable_signatures"];
        assert_eq!(
            (&signatures["bad"], &signatures["unknown_key"], &signatures["unsigned"]),
            (&0.into(), &0.into(), &0.into()),
            "{name}"
        );
    }
}

fn shell(folder: &std::path::Path, script: &str) -> (bool, String) {
    let output =
        Command::new("bash").args(["-euo", "pipefail", "-c", script]).current_dir(folder).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

#[tokio::test]
async fn standard_tools_can_check_an_archive() {
    let pod = Pod::sqlite().await;
    pod.export(&["ida"], "out", &[]);
    let archive = pod.archive("out", "ida");
    let unpacked = pod.path("unpacked");
    std::fs::create_dir(&unpacked).unwrap();
    let (good, text) = shell(&unpacked, &format!("unzip -t {0} && unzip -q {0}", archive.display()));
    assert!(good, "{text}");
    let manifest = json(&archive, "manifest.json");
    let sums: String = manifest["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| format!("{}  {}\n", entry["sha256"].as_str().unwrap(), entry["path"].as_str().unwrap()))
        .collect();
    std::fs::write(unpacked.join("sums"), sums).unwrap();
    let (good, text) = shell(&unpacked, "sha256sum -c --quiet sums");
    assert!(good, "{text}");
    // The key the pod publishes, which is what the hCard shows.
    let key = public_key(&pod, "ida").await;
    std::fs::write(unpacked.join("key.pem"), key).unwrap();
    let verify = "base64 -d manifest.account.sig > sig; openssl dgst -sha256 -verify key.pem -signature sig manifest.json";
    assert_eq!(shell(&unpacked, verify), (true, "Verified OK\n".to_owned()));
    std::fs::write(unpacked.join("manifest.json"), manifest.to_string()).unwrap();
    assert!(!shell(&unpacked, verify).0);
}

#[tokio::test]
async fn a_new_pods_archive_key_is_ed25519() {
    let pod = Pod::sqlite().await;
    let state = pod.path("new-state").display().to_string();
    let out = pod.path("out").display().to_string();
    let mut arguments = vec!["export".to_owned(), "ida".to_owned()];
    arguments.extend(pod.arguments());
    arguments.extend(["--out", &out, "--state", &state, "--created-at", TIME].map(str::to_owned));
    let ended = pappus(arguments).unwrap();
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let archive = pod.archive("out", "ida");
    let unpacked = pod.path("unpacked");
    std::fs::create_dir(&unpacked).unwrap();
    let pem = json(&archive, "manifest.json")["pod"]["archive_key"].as_str().unwrap().to_owned();
    std::fs::write(unpacked.join("pod.pem"), &pem).unwrap();
    std::fs::write(unpacked.join("manifest.json"), entry(&archive, "manifest.json")).unwrap();
    std::fs::write(unpacked.join("manifest.pod.sig"), entry(&archive, "manifest.pod.sig")).unwrap();
    let verify = "base64 -d manifest.pod.sig > sig; \
                  openssl pkeyutl -verify -rawin -pubin -inkey pod.pem -sigfile sig -in manifest.json";
    let (good, text) = shell(&unpacked, verify);
    assert!(good && text.contains("Signature Verified Successfully"), "{text}");
    std::fs::write(unpacked.join("manifest.json"), "{}").unwrap();
    assert!(!shell(&unpacked, verify).0);

    // The podmin publishes this half of the key, and a target pod that pins it believes the archive.
    let publish = format!("openssl pkey -in {state}/pods/closing.example/archive-key.pem -pubout");
    assert_eq!(shell(&unpacked, &publish), (true, pem));
    let fingerprint = format!(
        "SHA256:{}",
        &shell(&unpacked, "openssl pkey -pubin -in pod.pem -outform DER | sha256sum").1[..64]
    );
    let verified = pappus(["verify", archive.to_str().unwrap(), "--json"]).unwrap();
    let report: Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!(report["origin"]["pod"]["signed_by"], *fingerprint, "{verified:?}");
    let target = Target::sqlite().await;
    let import = ["import", archive.to_str().unwrap(), "--as", "ida", "--offline", "--dry-run"];
    let unpinned = target.run(&import);
    assert!(unpinned.code == Some(1) && unpinned.stdout.contains("unproven"), "{unpinned:?}");
    let pin = format!("closing.example={fingerprint}");
    target.import(&archive, "ida", &["--trust-pod", &pin, "--dry-run"]);
}

async fn public_key(pod: &Pod, name: &str) -> String {
    let pappus_tests::schema::Pool::Sqlite(pool) = &pod.pool else { panic!("SQLite only") };
    let sql = "SELECT serialized_public_key FROM people WHERE diaspora_handle = ?";
    sqlx::query_scalar(sql).bind(format!("{name}@closing.example")).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn stock_pods_can_read_the_document() {
    let pod = Pod::sqlite().await;
    pod.export(&["ida"], "out", &[]);
    let bytes = std::fs::read(pod.archive("out", "ida")).unwrap();
    // diaspora* takes the first .json, and its ZIP reader refuses data descriptors (flag bit 3).
    assert_eq!(&bytes[30..43], b"diaspora.json");
    assert_eq!(u16::from_le_bytes([bytes[6], bytes[7]]) & 8, 0);
    assert_ne!(u32::from_le_bytes([bytes[18], bytes[19], bytes[20], bytes[21]]), 0);
}

#[tokio::test]
async fn every_list_of_the_table_is_in_an_archive() {
    let pod = Pod::sqlite().await;
    pod.export(&["ida"], "out", &[]);
    let archive = pod.archive("out", "ida");
    let (document, extras) = (json(&archive, "diaspora.json"), json(&archive, "extras.json"));
    for list in List::ALL {
        let object = match list.section() {
            Section::Root => &document,
            Section::User => &document["user"],
            Section::OthersData => &document["others_data"],
            Section::Extras => &extras,
        };
        assert!(object[list.name()].is_array(), "{list}");
    }
}

#[tokio::test]
async fn our_schemas_and_the_published_one_accept_it() {
    let pod = Pod::sqlite().await;
    pod.export(&EVERYBODY, "out", &[]);
    let schemas = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas");
    let validator = |name: &str| {
        let schema: Value = serde_json::from_slice(&std::fs::read(schemas.join(name)).unwrap()).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    };
    for (schema, part) in [
        ("archive-2.0.schema.json", "diaspora.json"),
        ("extras-1.schema.json", "extras.json"),
        ("manifest-1.schema.json", "manifest.json"),
    ] {
        let validator = validator(schema);
        for name in EVERYBODY {
            let document = json(&pod.archive("out", name), part);
            let problems: Vec<String> =
                validator.iter_errors(&document).map(|error| error.to_string()).collect();
            assert!(problems.is_empty(), "{name} {part}: {problems:?}");
        }
    }
}

#[tokio::test]
async fn passphrases_and_encryption() {
    let pod = Pod::sqlite().await;
    std::fs::write(pod.path("secret"), "correct horse\n").unwrap();
    let secret = format!("={}", pod.path("secret").display());
    let ended = pod.export(&["ida"], "key", &[&format!("--key-passphrase{secret}")]);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let archive = pod.archive("key", "ida");
    let document = json(&archive, "diaspora.json");
    let key = document["user"]["private_key"].as_str().unwrap();
    assert!(key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    std::fs::write(pod.path("key.pem"), key).unwrap();
    let (good, text) = shell(pod.folder.path(), "openssl pkey -in key.pem -passin file:secret -noout -check");
    assert!(good && text.contains("valid"), "{text}");
    let stock = pod.path("stock").display().to_string();
    let convert = |more: &[&str]| {
        let mut arguments = vec!["convert", archive.to_str().unwrap(), "--to", "diaspora", "--out", &stock];
        arguments.extend(more);
        pappus(arguments).unwrap()
    };
    assert_eq!(convert(&[]).code, Some(1));
    assert!(names(&pod.path("stock")).is_empty());
    let ended = convert(&[&format!("--key-passphrase{secret}")]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(names(&pod.path("stock")), ["ida.json.gz", "ida_photos.zip"]);
    let (good, text) =
        shell(&pod.path("stock"), "zcat ida.json.gz > document; grep -q 'BEGIN RSA PRIVATE KEY' document");
    assert!(good, "{text}");

    let ended = pod.export(&["ida"], "age", &[&format!("--passphrase{secret}")]);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let locked = pod.path("age/ida@closing.example-20261122T100000Z.zip.age").display().to_string();
    assert_eq!(names(&pod.path("age")), ["ida@closing.example-20261122T100000Z.zip.age"]);
    assert_eq!(pappus(["verify", &locked]).unwrap().code, Some(1));
    let ended = pappus(["verify", &locked, &format!("--passphrase{secret}")]).unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test]
async fn a_pods_own_folder_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let pod = folder.path().join("pod");
    let built = pappus_tests::program::program("sample-pod").arg(&pod).output().unwrap();
    assert!(built.status.success());
    let out = folder.path().join("out");
    let (pod, out) = (pod.to_str().unwrap(), out.to_str().unwrap());
    let state = folder.path().join("state");
    let state = state.to_str().unwrap();
    let ended =
        pappus(["export", "jonas@closing.example", "--pod", pod, "--out", out, "--state", state]).unwrap();
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let ended = pappus(["check", "--pod", pod, "--accounts", "--json"]).unwrap();
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((report["pod"].as_str(), report["ready"].as_bool()), (Some(POD_URL), Some(true)));
    assert_eq!(report["accounts"].as_array().unwrap().len(), EVERYBODY.len());
}
