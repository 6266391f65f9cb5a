//! The list of a campaign says what became of everybody, and whatever happens to it or to an archive is found.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Pod, TIME, document};
use futures_util::stream;
use pappus_engine::archive::encryption::{DecryptWith, EncryptTo};
use pappus_engine::campaign::{
    AccountResult, CampaignCheck, CampaignVerification, ListOf, ProblemKind, ResultState, WrittenList,
    verify_campaign, write_list,
};
use pappus_engine::depot::{Depot, DepotAddress};
use pappus_engine::domain::{PrivateKey, SigningKey};
use pappus_tests::cluster::shared_s3;
use pappus_tests::program::{Ended, pappus, pappus_in};
use serde_json::Value;
use tempfile::TempDir;

const NAMES: [&str; 4] = ["ida", "berta", "clara", "emil"];

fn archive_key() -> SigningKey {
    let pem = include_str!("../../fixtures/keys/4096-0.private.pem").to_owned();
    PrivateKey::from_pem(pem).signing_key().unwrap()
}

/// A key for age, and the file it is in.
fn identity(folder: &Path) -> (String, PathBuf) {
    let identity = age::x25519::Identity::generate();
    let path = folder.join("identity");
    std::fs::write(&path, age::secrecy::ExposeSecret::expose_secret(&identity.to_string())).unwrap();
    (identity.to_public().to_string(), path)
}

struct Scene {
    folder: TempDir,
    depot: Depot,
    archive_key: SigningKey,
    results: Vec<AccountResult>,
}

impl Scene {
    /// Archives of a few people in a depot, and others without.
    async fn in_depot(depot: Depot, recipient: Option<&str>) -> Self {
        let pod = Pod::sqlite().await;
        let more: Vec<&str> = recipient.map_or(vec![], |recipient| vec!["--encrypt-to", recipient]);
        assert!(matches!(pod.export(&NAMES, "out", &more).code, Some(0 | 10)));
        let mut results = Vec::new();
        for name in NAMES {
            let ending = if recipient.is_some() { ".age" } else { "" };
            let archive = PathBuf::from(format!("{}{ending}", pod.archive("out", name).display()));
            let file = archive.file_name().unwrap().to_str().unwrap();
            let stored = depot.adopt(file, &archive).await.unwrap();
            results.push(AccountResult {
                account: format!("{name}@closing.example"),
                state: ResultState::Done,
                file: Some(stored.name),
                bytes: Some(stored.bytes),
                sha256: Some(stored.sha256),
                records: Some(7),
                omissions: Some(1),
                seconds: Some(0.25),
                reason: None,
            });
        }
        results.push(AccountResult {
            account: "gone@closing.example".to_owned(),
            state: ResultState::Skipped,
            file: None,
            bytes: None,
            sha256: None,
            records: None,
            omissions: None,
            seconds: None,
            reason: Some("=not changed, \"since\"\nlast time".to_owned()),
        });
        Self { folder: pod.folder, depot, archive_key: archive_key(), results }
    }

    async fn in_folder(recipient: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("archives");
        let depot = Depot::open(&DepotAddress::Folder(out)).await.unwrap();
        let mut scene = Self::in_depot(depot, recipient).await;
        scene.folder = folder;
        scene
    }

    fn out(&self) -> PathBuf {
        self.depot.folder().unwrap().to_owned()
    }

    async fn write(&self, name: &str) -> WrittenList {
        let campaign = ListOf {
            name,
            pod: "https://closing.example/",
            created_at: TIME.parse().unwrap(),
            finished_at: Some("2026-11-22T11:00:00Z".parse().unwrap()),
            created_by: "pappus test",
            encrypted_to: &[],
            since: None,
            tag: None,
            list_name: None,
        };
        let results = stream::iter(self.results.iter().cloned().map(Ok::<_, Infallible>));
        write_list(&self.depot, &campaign, results, &self.archive_key, self.folder.path()).await.unwrap()
    }

    async fn check(&self, name: Option<&str>, unlock: Option<DecryptWith>) -> CampaignVerification {
        let key = self.archive_key.public_key().unwrap().fingerprint().to_string();
        let check = CampaignCheck {
            depot: &self.depot,
            name,
            unlock,
            trusted: Some(key),
            at_once: NonZeroUsize::new(2).unwrap(),
            folder: self.folder.path(),
        };
        verify_campaign(&check, &()).await.unwrap()
    }
}

/// Kinds of problems, with whose they are.
fn problems(found: &CampaignVerification) -> Vec<(ProblemKind, String)> {
    let whose = |problem: &pappus_engine::campaign::Problem| {
        problem.account.clone().or(problem.file.clone()).unwrap_or_default()
    };
    assert_eq!(found.counts.values().sum::<u64>(), found.problems.len() as u64);
    assert_eq!(found.is_clean(), found.problems.is_empty());
    found.problems.iter().map(|problem| (problem.kind, whose(problem))).collect()
}

fn openssl(arguments: &[&str]) -> bool {
    Command::new("openssl").args(arguments).output().unwrap().status.success()
}

#[tokio::test]
async fn the_list_is_complete_signed_and_the_same_again() {
    let scene = Scene::in_folder(None).await;
    let written = scene.write("june").await;
    let read = |name: &str| std::fs::read(scene.out().join(name)).unwrap();
    let (list, csv, signature) = (read("campaign.json"), read("campaign.csv"), read("campaign.json.sig"));
    let parsed: Value = serde_json::from_slice(&list).unwrap();
    assert_eq!(parsed["accounts"].as_array().unwrap().len(), 5);
    assert_eq!(parsed["totals"]["done"], 4);
    assert_eq!(parsed["totals"]["skipped"], 1);
    assert_eq!(parsed["totals"]["records"], 28);
    assert_eq!(parsed["name"], "june");
    assert_eq!(serde_json::to_value(written.totals).unwrap(), parsed["totals"]);
    // One line for each account.
    assert_eq!(
        String::from_utf8_lossy(&list).lines().filter(|line| line.contains("@closing.example\"")).count(),
        5
    );

    let schema =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/campaign-1.schema.json"))
            .unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
    assert!(schema.is_valid(&parsed));
    let mut wrong = parsed.clone();
    wrong["accounts"][0]["state"] = "lost".into();
    assert!(!schema.is_valid(&wrong));

    let text = String::from_utf8(csv.clone()).unwrap();
    let mut lines = text.split("\r\n");
    assert_eq!(lines.next(), Some("account,state,file,bytes,sha256,records,omissions,seconds,reason"));
    let first = &scene.results[0];
    let expected = format!(
        "ida@closing.example,done,{},{},{},7,1,0.25,",
        first.file.as_ref().unwrap(),
        first.bytes.unwrap(),
        first.sha256.as_ref().unwrap()
    );
    assert_eq!(lines.next(), Some(&*expected));
    let skipped = "gone@closing.example,skipped,,,,,,,\"'=not changed, \"\"since\"\"\nlast time\"";
    assert_eq!(lines.nth(3), Some(skipped));

    // With other people's tools.
    let path = |name: &str| scene.folder.path().join(name).display().to_string();
    std::fs::write(path("key.pem"), parsed["archive_key"].as_str().unwrap()).unwrap();
    std::fs::write(path("sig.base64"), &signature).unwrap();
    assert!(openssl(&["base64", "-d", "-A", "-in", &path("sig.base64"), "-out", &path("sig")]));
    let verify = |file: &Path| {
        let list = file.to_str().unwrap();
        openssl(&["dgst", "-sha256", "-verify", &path("key.pem"), "-signature", &path("sig"), list])
    };
    assert!(verify(&scene.out().join("campaign.json")) && !verify(&scene.out().join("campaign.csv")));

    scene.write("june").await;
    assert!(
        read("campaign.json") == list
            && read("campaign.csv") == csv
            && read("campaign.json.sig") == signature
    );
    // Another campaign in the same place has a list of its own.
    scene.write("after/June").await;
    assert!(read("campaign.json") == list);
    let mut found = scene.check(None, None).await;
    assert_eq!(problems(&found), []);
    let mut names: Vec<_> = found.lists.drain(..).map(|list| (list.head.name, list.verified)).collect();
    names.sort();
    assert_eq!(names, [("after/June".to_owned(), 4), ("june".to_owned(), 4)]);
}

#[tokio::test]
async fn an_ed25519_key_signs_the_digest_of_the_list() {
    let mut scene = Scene::in_folder(None).await;
    scene.archive_key = PrivateKey::generate_archive_key().unwrap().archive_signing_key().unwrap();
    scene.write("june").await;
    let path = |name: &str| scene.folder.path().join(name).display().to_string();
    let out = |name: &str| scene.out().join(name).display().to_string();
    let list: Value = serde_json::from_slice(&std::fs::read(out("campaign.json")).unwrap()).unwrap();
    std::fs::write(path("key.pem"), list["archive_key"].as_str().unwrap()).unwrap();
    assert!(openssl(&["base64", "-d", "-A", "-in", &out("campaign.json.sig"), "-out", &path("sig")]));
    let verifies = |file: &str| {
        openssl(&["dgst", "-sha256", "-binary", "-out", &path("digest"), &out(file)])
            && openssl(&[
                "pkeyutl",
                "-verify",
                "-rawin",
                "-pubin",
                "-inkey",
                &path("key.pem"),
                "-sigfile",
                &path("sig"),
                "-in",
                &path("digest"),
            ])
    };
    assert!(verifies("campaign.json") && !verifies("campaign.csv"));
    // The archives are signed with another key, which is what the check reports; the list's signature is good.
    let kinds = |found: CampaignVerification| -> Vec<ProblemKind> {
        found.problems.iter().map(|problem| problem.kind).collect()
    };
    assert_eq!(kinds(scene.check(Some("june"), None).await), [ProblemKind::Damaged; 4]);
    let mut bytes = std::fs::read(out("campaign.json")).unwrap();
    let end = bytes.len() - 2;
    bytes.insert(end, b' ');
    std::fs::write(out("campaign.json"), bytes).unwrap();
    assert!(kinds(scene.check(Some("june"), None).await).contains(&ProblemKind::Signature));
}

#[tokio::test]
async fn whatever_is_wrong_is_found() {
    let mut scene = Scene::in_folder(None).await;
    scene.write("june").await;
    let out = scene.out();
    let file = |scene: &Scene, index: usize| out.join(scene.results[index].file.as_ref().unwrap());
    let clean = scene.check(Some("june"), None).await;
    assert_eq!(problems(&clean), []);
    assert_eq!((clean.lists[0].verified, clean.lists[0].sealed), (4, 0));

    // Damage that leaves the size, a shorter file, a file that is gone, and one too much.
    let flip = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    let all: Vec<Vec<u8>> = (0..4).map(|index| std::fs::read(file(&scene, index)).unwrap()).collect();
    flip(&file(&scene, 0));
    std::fs::write(file(&scene, 1), &all[1][..100]).unwrap();
    std::fs::remove_file(file(&scene, 2)).unwrap();
    std::fs::write(out.join("more.zip"), "more").unwrap();
    let who = |name: &str| format!("{name}@closing.example");
    let expected = [
        (ProblemKind::Damaged, who("ida")),
        (ProblemKind::Damaged, who("berta")),
        (ProblemKind::Missing, who("clara")),
        (ProblemKind::Surplus, "more.zip".to_owned()),
    ];
    let found = scene.check(None, None).await;
    assert_eq!(problems(&found), expected);
    assert_eq!(found.lists[0].verified, 1);
    for (index, bytes) in all.iter().enumerate() {
        std::fs::write(file(&scene, index), bytes).unwrap();
    }
    std::fs::remove_file(out.join("more.zip")).unwrap();
    assert_eq!(problems(&scene.check(None, None).await), []);

    // The list itself, changed.
    let list = std::fs::read_to_string(out.join("campaign.json")).unwrap();
    std::fs::write(out.join("campaign.json"), list.replace("\"name\": \"june\"", "\"name\": \"july\""))
        .unwrap();
    assert_eq!(
        problems(&scene.check(None, None).await),
        [(ProblemKind::Signature, "campaign.json".to_owned())]
    );
    std::fs::write(out.join("campaign.json"), &list).unwrap();
    std::fs::remove_file(out.join("campaign.json.sig")).unwrap();
    assert_eq!(
        problems(&scene.check(None, None).await),
        [(ProblemKind::Signature, "campaign.json".to_owned())]
    );

    // Signed well, and still not so: one archive in the place of another's, twice the same, accounts without.
    let swap = scene.results[1].clone();
    scene.results[0] = AccountResult { account: who("ida"), ..swap.clone() };
    scene.results[2] = AccountResult { state: ResultState::Failed, file: None, ..scene.results[2].clone() };
    scene.results[3].state = ResultState::Pending;
    scene.results[3].file = None;
    scene.write("june").await;
    let found = scene.check(Some("june"), None).await;
    assert!(found.problems[0].reason.contains("it is the archive of berta@closing.example"), "{found:?}");
    assert_eq!(
        found.counts.into_iter().collect::<Vec<_>>(),
        [(ProblemKind::Damaged, 2), (ProblemKind::Incomplete, 2), (ProblemKind::Surplus, 3)]
    );
}

#[tokio::test]
async fn archives_by_another_key_are_found() {
    let scene = Scene::in_folder(None).await;
    let other = PrivateKey::from_pem(include_str!("../../fixtures/keys/4096-1.private.pem").to_owned());
    let campaign = ListOf {
        name: "june",
        pod: "https://closing.example/",
        created_at: TIME.parse().unwrap(),
        finished_at: None,
        created_by: "pappus test",
        encrypted_to: &[],
        since: None,
        tag: None,
        list_name: None,
    };
    let results = stream::iter(scene.results.iter().cloned().map(Ok::<_, Infallible>));
    let key = other.signing_key().unwrap();
    write_list(&scene.depot, &campaign, results, &key, scene.folder.path()).await.unwrap();
    let found = scene.check(None, None).await;
    assert_eq!(found.counts[&ProblemKind::Signature], 1);
    assert_eq!(found.counts[&ProblemKind::Damaged], 4);
    assert!(found.problems.iter().all(|problem| problem.reason.contains("signed by")), "{found:?}");
}

fn verify(files: &str, more: &[&str], environment: &[(&'static str, String)]) -> Ended {
    let mut arguments = vec!["campaign", "verify", "--files", files, "--json"];
    arguments.extend(more);
    pappus_in(environment, arguments).unwrap()
}

#[tokio::test]
async fn encrypted_archives_are_checked_with_the_files_alone() {
    let keys = tempfile::tempdir().unwrap();
    let (recipient, identity) = identity(keys.path());
    let scene = Scene::in_folder(Some(&recipient)).await;
    scene.write("june").await;
    let files = scene.out().display().to_string();
    let identity = ["--identity", identity.to_str().unwrap()];
    let ended = verify(&files, &[], &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let found = document(&ended);
    assert_eq!(
        (&found["lists"][0]["verified"], &found["lists"][0]["sealed"]),
        (&Value::from(0), &Value::from(4))
    );
    let found = document(&verify(&files, &identity, &[]));
    assert_eq!(
        (&found["lists"][0]["verified"], &found["lists"][0]["sealed"]),
        (&Value::from(4), &Value::from(0))
    );
    assert_eq!(found["clean"], true);
    let text = pappus(["campaign", "verify", "june", "--files", &files]).unwrap();
    assert!(text.stdout.contains("Only the checksums were checked of 4 encrypted archives"), "{text:?}");

    // Right bytes under age, and no archive in them: only the key shows it.
    let path = scene.out().join(scene.results[0].file.as_ref().unwrap());
    let mut file = std::fs::File::create(&path).unwrap();
    let mut locked = EncryptTo::recipients(&[recipient]).unwrap().wrap(&mut file).unwrap();
    std::io::Write::write_all(&mut locked, b"no archive").unwrap();
    locked.finish().unwrap();
    let mut scene = scene;
    let stored = scene.depot.stored(scene.results[0].file.as_ref().unwrap()).await.unwrap().unwrap();
    (scene.results[0].bytes, scene.results[0].sha256) = (Some(stored.bytes), Some(stored.sha256));
    scene.write("june").await;
    assert_eq!(verify(&files, &[], &[]).code, Some(0));
    let ended = verify(&files, &identity, &[]);
    assert_eq!(ended.code, Some(10));
    assert_eq!(document(&ended)["counts"], serde_json::json!({ "damaged": 1 }));

    // What is not there is said.
    let empty = tempfile::tempdir().unwrap();
    let nothing = verify(empty.path().to_str().unwrap(), &[], &[]);
    assert!(
        nothing.code == Some(1) && nothing.stderr.contains("there is no list of a campaign"),
        "{nothing:?}"
    );
    let unknown = pappus(["campaign", "verify", "july", "--files", &files]).unwrap();
    assert!(unknown.code == Some(1) && unknown.stderr.contains("there are: june"), "{unknown:?}");
    std::fs::write(scene.out().join("campaign.json"), "{\"format\": \"pappus-campaign/1\", \"acc").unwrap();
    let broken = verify(&files, &[], &[]);
    assert_eq!(broken.code, Some(10), "{broken:?}");
    let counts = &document(&broken)["counts"];
    assert_eq!(
        (&counts["list"], &counts["surplus"]),
        (&1.into(), &4.into()),
        "nobody names them: {broken:?}"
    );
    let named = pappus(["campaign", "verify", "june", "--files", &files]).unwrap();
    assert!(named.code == Some(1) && named.stderr.contains("campaign.json cannot be read"), "{named:?}");
}

#[tokio::test]
async fn in_a_bucket_as_in_a_folder() {
    let s3 = shared_s3().await.unwrap();
    s3.create_bucket("lists").await.unwrap();
    let environment = s3.environment("AKIA", "secret");
    let lookup =
        |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let address = DepotAddress::parse("s3://lists/june", &lookup).unwrap();
    let keys = tempfile::tempdir().unwrap();
    let (recipient, identity) = identity(keys.path());
    let scene = Scene::in_depot(Depot::open(&address).await.unwrap(), Some(&recipient)).await;
    scene.write("june").await;
    let identity = ["--identity", identity.to_str().unwrap()];
    let found = document(&verify("s3://lists/june", &identity, &environment));
    assert_eq!((&found["lists"][0]["verified"], &found["clean"]), (&Value::from(4), &Value::from(true)));
    assert_eq!(document(&verify("s3://lists/june", &[], &environment))["lists"][0]["sealed"], 4);
    let key = format!("june/{}", scene.results[0].file.as_ref().unwrap());
    let length = usize::try_from(scene.results[0].bytes.unwrap()).unwrap();
    s3.put("lists", &key, vec![0; length]).await.unwrap();
    s3.delete("lists", &format!("june/{}", scene.results[1].file.as_ref().unwrap())).await.unwrap();
    for more in [&identity[..], &[]] {
        let ended = verify("s3://lists/june", more, &environment);
        assert_eq!(ended.code, Some(10));
        assert_eq!(document(&ended)["counts"], serde_json::json!({ "missing": 1, "damaged": 1 }));
    }
}
