//! What an import must keep to on the pod it comes to: names, addresses, room; and links between posts.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, document, json, names};
use pappus_tests::program::{Ended, program};
use pappus_tests::sample::write_pod_directory;

struct Move {
    source: Pod,
    target: Target,
    archive: PathBuf,
    trust: String,
}

impl Move {
    async fn of(name: &str) -> Self {
        let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
        source.export(&[name], "out", &[]);
        let archive = source.archive("out", name);
        let trust = fingerprint(&archive);
        Self { source, target, archive, trust }
    }

    fn run(&self, name: &str, more: &[&str]) -> Ended {
        let archive = self.archive.display().to_string();
        let mut command = vec!["import", &archive, "--as", name, "--offline", "--hold"];
        command.extend(["--trust-pod", &self.trust]);
        command.extend(more);
        self.target.run(&command)
    }

    fn plan(&self, name: &str, more: &[&str]) -> Ended {
        self.run(name, &[more, &["--dry-run"]].concat())
    }
}

fn taken(ended: &Ended) {
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
}

fn refused(ended: &Ended, code: &str, words: &str) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(document(ended)["code"], code, "{ended:?}");
    assert!(ended.stderr.contains(words), "{words:?}: {ended:?}");
}

#[tokio::test]
async fn usernames_are_those_that_the_pod_allows() {
    let ida = Move::of("ida").await;
    for name in ["admin", "support", "webmaster"] {
        refused(&ida.plan(name, &[]), "username_not_possible", "keeps the name for itself");
    }
    // The podmin has chosen other names, and diaspora* then goes by those alone.
    let folder = ida.target.folder.path();
    write_pod_directory(folder, &ida.target.database).unwrap();
    let file = folder.join("config/diaspora.toml");
    let settings = std::fs::read_to_string(&file).unwrap();
    let chosen = "[configuration.settings]\nusername_blacklist = [\"ida\", \"boss\"]\n";
    std::fs::write(&file, settings.replacen("[configuration.settings]\n", chosen, 1)).unwrap();
    let pod = folder.display().to_string();
    for name in ["ida", "boss"] {
        let ended = ida.run(name, &["--pod", &pod]);
        refused(&ended, "username_not_possible", "keeps the name for itself");
    }
    taken(&ida.plan("support", &["--pod", &pod]));

    for (name, fits) in [("i".repeat(32), true), ("i".repeat(33), false), ("Ida".into(), false)] {
        let ended = ida.plan(&name, &[]);
        if fits { taken(&ended) } else { refused(&ended, "username_not_possible", "") }
    }
    // Somebody who has closed the account keeps the name for ever.
    let sql = "INSERT INTO people (guid, diaspora_handle, serialized_public_key, closed_account, created_at, updated_at) \
               VALUES ('0123456789abcdef', 'former@haven.example', 'gone', 1, '2026-01-01', '2026-01-01')";
    ida.target.pool.execute(sql).await.unwrap();
    refused(&ida.run("former", &[]), "username_not_possible", "has, or had, that name");
    taken(&ida.plan("ida", &[]));
}

#[tokio::test]
async fn addresses_are_of_one_person_each() {
    let ida = Move::of("ida").await;
    taken(&ida.run("ida", &["--email", " Ida@Haven-Mail.Example "]));
    let count = async |sql: &str| ida.target.pool.number(sql).await.unwrap();
    let stored = "SELECT COUNT(*) FROM users WHERE email = 'ida@haven-mail.example'";
    assert_eq!(count(stored).await, 1, "an address is stored in lower case");
    // As from before diaspora* did that.
    let sql = "UPDATE users SET email = 'Ida@Haven-Mail.example', unconfirmed_email = 'New@Mail.Example', \
               confirm_email_token = 'abc'";
    ida.target.pool.execute(sql).await.unwrap();

    ida.source.export(&["yasmin"], "out", &[]);
    let archive = ida.source.archive("out", "yasmin").display().to_string();
    let yasmin = |email: &str, more: &[&str]| {
        let mut command = vec!["import", &archive, "--as", "yasmin", "--offline", "--hold"];
        command.extend(["--trust-pod", &ida.trust, "--email", email]);
        command.extend(more);
        ida.target.run(&command)
    };
    refused(&yasmin("IDA@haven-mail.EXAMPLE", &[]), "email_not_possible", "another account");
    for no_address in ["", "yasmin", "a@b@c.example", "@mail.example", "yasmin@", "a b@mail.example"] {
        refused(&yasmin(no_address, &[]), "email_not_possible", "not an e-mail address");
    }
    let long = format!("{}@mail.example", "y".repeat(250));
    refused(&yasmin(&long, &[]), "email_not_possible", "255");
    // Who has only asked for an address, and not shown that it is theirs, does not block it.
    let waiting =
        "SELECT COUNT(*) FROM users WHERE unconfirmed_email IS NOT NULL AND confirm_email_token IS NOT NULL";
    taken(&yasmin("new@mail.example", &["--dry-run"]));
    assert_eq!(count(waiting).await, 1);
    ida.target.pool.execute("UPDATE users SET email = LOWER(email)").await.unwrap();
    taken(&yasmin("new@mail.example", &[]));
    assert_eq!(count(waiting).await, 0);
    ida.target.is_sound().await;
}

#[tokio::test]
async fn links_to_what_is_here_are_entered() {
    let ida = Move::of("ida").await;
    let links = "SELECT COUNT(*) FROM \"references\"";
    taken(&ida.plan("ida", &[]));
    assert_eq!(ida.target.pool.number(links).await.unwrap(), 0);
    let done = document(&ida.run("ida", &[]));
    // Her comment names one of her posts; a post names one of paula's, which is not here.
    let linked = |text: &str| text.contains("diaspora://ida@closing.example/post/");
    let archive = json(&ida.archive, "diaspora.json");
    let mut expected = 0;
    for record in archive["user"]["relayables"].as_array().unwrap() {
        let data = &record["entity_data"];
        let Some((_, target)) =
            data["text"].as_str().filter(|text| linked(text)).and_then(|text| text.rsplit_once('/'))
        else {
            continue;
        };
        expected += 1;
        let sql = format!(
            "SELECT COUNT(*) FROM \"references\" r JOIN comments c ON c.id = r.source_id AND r.source_type = 'Comment' \
             JOIN posts p ON p.id = r.target_id AND r.target_type = 'Post' WHERE c.guid = {} AND p.guid = '{target}'",
            data["guid"].to_string().replace('"', "'")
        );
        assert_eq!(ida.target.pool.number(&sql).await.unwrap(), 1, "{data}");
    }
    assert_eq!(expected, 1);
    assert_eq!(ida.target.pool.number(links).await.unwrap(), expected);
    taken(&ida.run("ida", &[]));
    assert_eq!(ida.target.pool.number(links).await.unwrap(), expected, "twice is the same as once");
    let undone = ida.target.run(&["undo", done["import"].as_str().unwrap()]);
    assert_eq!(undone.code, Some(0), "{undone:?}");
    assert_eq!(ida.target.pool.number(links).await.unwrap(), 0);
}

fn bytes_in(folder: &Path) -> u64 {
    names(folder).iter().map(|name| std::fs::metadata(folder.join(name)).unwrap().len()).sum()
}

#[tokio::test]
async fn a_plan_says_what_is_needed() {
    let ida = Move::of("ida").await;
    let planned = document(&ida.plan("ida", &[]));
    let number = |name: &str| planned["needs"][name].as_u64().unwrap();
    let text = ida.target.folder.path().join("plan.txt");
    let done = document(&ida.run("ida", &[]));
    let images = ida.target.folder.path().join("uploads/images");
    let written = bytes_in(&images);
    assert!(written > 0 && number("photo_bytes") >= written, "{written}: {planned}");
    assert!(number("free_bytes") > number("photo_bytes"));
    let mut records = 0;
    for (kind, tally) in done["kinds"].as_object().unwrap() {
        if kind == "photo_files" {
            assert_eq!(number("photo_files"), tally["in_archive"].as_u64().unwrap());
        } else {
            records += tally["imported"].as_u64().unwrap() + tally["adopted"].as_u64().unwrap();
        }
    }
    assert_eq!(number("records"), records);
    assert!(number("seconds") >= 1);
    // What is there takes no more room.
    let again = document(&ida.plan("ida", &[]));
    assert_eq!(again["needs"]["photo_bytes"], 0);

    // For people, and how far it is on standard error.
    let fresh = Target::sqlite().await;
    let archive = ida.archive.display().to_string();
    let command = ["import", &archive, "--as", "ida", "--offline", "--trust-pod", &ida.trust];
    let output = program("pappus")
        .args(command)
        .args([
            "--database-url",
            &fresh.database,
            "--pod-url",
            fresh.url,
            "--uploads",
            &fresh.path("uploads"),
        ])
        .args(["--state", &fresh.path("state"), "--dry-run"])
        .stdout(std::fs::File::create(&text).unwrap())
        .output()
        .unwrap();
    let (said, steps) = (std::fs::read_to_string(&text).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(said.contains("Space needed: about ") && said.contains("Estimated time: about "), "{said}");
    assert!(!said.contains("would be refused"), "{said}");
    assert!(steps.lines().any(|line| line.starts_with("records: ")), "{steps}");
    assert!(!steps.contains('\u{1b}'), "no terminal, no colours: {steps:?}");
}

/// A disk of 200 kB, seen by one command only.
fn on_a_small_disk(ida: &Move, more: &[&str]) -> Option<Ended> {
    let script = "mount -t tmpfs -o size=200k tmpfs \"$1\" || exit 99; mkdir \"$1/images\"; shift; \"$@\"; code=$?; \
                  ls \"$UPLOADS/images\" | wc -l >&2; exit $code";
    let uploads = ida.target.path("uploads");
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", script, "sh", &uploads])
        .arg(program("pappus").get_program())
        .args(["import", &ida.archive.display().to_string(), "--as", "ida", "--offline", "--hold"])
        .args(["--trust-pod", &ida.trust, "--database-url", &ida.target.database])
        .args(["--pod-url", ida.target.url, "--uploads", &uploads, "--state", &ida.target.path("state")])
        .args(more)
        .env("UPLOADS", &uploads)
        .output()
        .ok()?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let ended =
        Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
    let may_not = ended.code == Some(99) || ended.stderr.contains("unshare:");
    if may_not {
        println!("skipped: this machine does not let tests mount a disk");
    }
    (!may_not).then_some(ended)
}

#[tokio::test]
async fn photos_that_do_not_fit_are_refused_before_anything_is_written() {
    let ida = Move::of("ida").await;
    let before = ida.target.rows().await;
    let Some(planned) = on_a_small_disk(&ida, &["--dry-run", "--json"]) else { return };
    assert_eq!(planned.code, Some(10), "{planned:?}");
    let planned = document(&planned);
    assert!(planned["needs"]["free_bytes"].as_u64() < planned["needs"]["photo_bytes"].as_u64(), "{planned}");
    let findings = planned["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["code"] == "no_space"), "{planned}");
    let said = on_a_small_disk(&ida, &["--dry-run"]).unwrap();
    assert!(said.stdout.contains("The photos do not fit"), "{said:?}");

    let ended = on_a_small_disk(&ida, &["--json"]).unwrap();
    refused(&ended, "no_space", "free up space there first");
    assert!(ended.stderr.trim_end().ends_with("\n0"), "no file: {ended:?}");
    assert_eq!(ida.target.rows().await, before);
    assert!(ida.target.run(&["imports"]).stdout.contains("[]"), "nor is an import begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_ignored_is_no_contact_any_more() {
    let source = Pod::sqlite().await;
    source.export(&["ida"], "out", &[]);
    let (first, person) = (source.archive("out", "ida"), "jonas@closing.example");
    let trust = fingerprint(&first);
    let block = format!(
        "INSERT INTO blocks (user_id, person_id) SELECT u.id, p.id FROM users u, people p \
         WHERE u.username = 'ida' AND p.diaspora_handle = '{person}'"
    );
    source.pool.execute(&block).await.unwrap();
    source.export(&["ida"], "newer", &[]);
    let newer = source.archive("newer", "ida");
    for target in Target::on_each("blocks").await {
        target.import(&first, "ida", &["--trust-pod", &trust]);
        let contacts = format!(
            "contacts c JOIN people p ON p.id = c.person_id JOIN users u ON u.id = c.user_id \
             WHERE u.username = 'ida' AND p.diaspora_handle = '{person}'"
        );
        let receiving = format!("SELECT COUNT(*) FROM {contacts} AND c.receiving");
        let members = format!(
            "SELECT COUNT(*) FROM aspect_memberships WHERE contact_id IN (SELECT c.id FROM {contacts})"
        );
        let number = async |sql: &str| target.pool.number(sql).await.unwrap();
        assert_eq!((number(&receiving).await, number(&members).await > 0), (1, true));
        target.import(&newer, "ida", &["--trust-pod", &trust]);
        let blocks = "SELECT COUNT(*) FROM blocks b JOIN people p ON p.id = b.person_id \
                      WHERE p.diaspora_handle = 'jonas@closing.example'";
        assert_eq!(number(blocks).await, 1);
        assert_eq!((number(&receiving).await, number(&members).await), (0, 0));
        target.is_sound().await;
    }
}
