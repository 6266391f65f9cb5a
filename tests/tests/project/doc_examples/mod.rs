//! Every example of README and docs is executed: the commands of all fenced `sh` blocks, on the sample pod and its service.
//!
//! What stands in the docs is replaced where only a reader knows it (the pod's folder, an archive's name, a token), and
//! nowhere else; each block has its own folder. A new block needs a line in [`PLACES`], or the test fails.

mod web;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::closing::{Closing, script_of};
use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, shared_state};
use crate::web::newcomers;
use pappus_tests::program::{program, programs};
use pappus_tests::sample::write_pod_directory;
use pappus_tests::service::Browser;
use tempfile::TempDir;

/// Where a block is executed.
enum Place {
    /// On the pod that closes. The first text is executed before, the others are replaced.
    Closing(&'static str, &'static [(&'static str, &'static str)]),
    /// On a pod that takes people in, empty at first.
    Target(&'static str, &'static [(&'static str, &'static str)]),
    /// With a service.
    Web(fn(&Scenes) -> Vec<(&'static str, String)>),
    /// Not here, and why.
    Elsewhere(&'static str),
}

use Place::{Closing as Leaving, Elsewhere, Target as Coming, Web};

const WHOLE_POD: &str = "pappus export --all --name closing --pod \"$POD\" --out archives";
const HELD: &str = "pappus import \"$ARCHIVE\" --pod \"$POD\" --as ida --hold --offline --trust-pod \"$PIN\"";
const LAST_IMPORT: (&str, &str) =
    ("11da8a98", "$(pappus imports --pod \"$POD\" | grep -o '[0-9a-f]\\{8\\}' | head -1)");
/// Once: the pods of the sample's people are no servers that could be waited for.
const ONE_PASS: (&str, &str) = ("deliver --wait", "deliver");

const PLACES: &[(&str, usize, Place)] = &[
    ("README.md", 1, Elsewhere("`make test` runs this, and demo.rs what `make demo` runs")),
    ("README.md", 2, Leaving("", &[("cargo install --path cli", "true")])),
    ("README.md", 3, Coming("", &[ONE_PASS])),
    ("docs/announcing.md", 1, Coming(HELD, &[ONE_PASS])),
    (
        "docs/archive-format.md",
        1,
        Leaving(
            "cp \"$ARCHIVE\" .",
            // As the comment in it says, of a person whose old pod is gone.
            &[(
                "base64 -d manifest.account",
                "jq -r .account.public_key manifest.json > key.pem\nbase64 -d manifest.account",
            )],
        ),
    ),
    ("docs/board.md", 1, Web(web::board)),
    (
        "docs/campaign-files.md",
        1,
        Leaving(
            "pappus export --all --plain --pod \"$POD\" --out archives\ncd \"$(dirname \"$(find \"$PWD/archives\" -name campaign.json)\")\"",
            &[],
        ),
    ),
    (
        "docs/campaign-files.md",
        2,
        Leaving(
            WHOLE_POD,
            &[
                ("verify NAME", "verify closing"),
                ("--files DIR|s3://BUCKET/PREFIX", "--files archives"),
                ("--files DIR", "--files archives"),
                ("COPY-OF-THE-KEYS", "\"$(find \"$PAPPUS_STATE\" -name campaign-keys.txt)\""),
            ],
        ),
    ),
    ("docs/campaign-files.md", 3, Leaving(WHOLE_POD, &[])),
    (
        "docs/campaigns.md",
        1,
        Leaving(
            "mkdir usb",
            &[
                ("export --all", "export --all --name closing"),
                ("verify NAME", "verify closing"),
                ("/srv/archives", "archives"),
                ("/media/usb/keys", "usb/keys"),
            ],
        ),
    ),
    (
        "docs/campaigns.md",
        2,
        Leaving(
            WHOLE_POD,
            // The reader names the pod, as in the blocks before. What changes a campaign needs one that is running:
            // campaign/operations.rs does all of it.
            &[
                ("pappus campaign [NAME] --watch", "pappus campaign closing --watch --pod \"$POD\""),
                ("pappus campaign NAME", "pappus campaign closing --pod \"$POD\""),
                ("pappus campaign   ", "pappus campaign --pod \"$POD\" "),
                ("pappus campaign pause NAME", "# pause"),
                ("pappus campaign resume NAME", "# resume"),
                ("pappus campaign retry NAME", "pappus campaign retry closing --pod \"$POD\""),
                ("pappus campaign cancel NAME", "# cancel"),
            ],
        ),
    ),
    ("docs/campaigns.md", 3, Elsewhere("several machines: instances.rs and s3 do the same")),
    ("docs/exporting.md", 1, Leaving("", &[])),
    (
        "docs/exporting.md",
        2,
        Leaving(
            "",
            &[
                ("postgres://diaspora@localhost/diaspora_production", "\"$DATABASE\""),
                ("/srv/uploads", "\"$UPLOADS\""),
            ],
        ),
    ),
    ("docs/exporting.md", 3, Elsewhere("a bucket: s3 does the same")),
    ("docs/exporting.md", 4, Leaving("", &[])),
    (
        "docs/exporting.md",
        5,
        // Archives are named by the second.
        Leaving(
            "mkdir bin; printf '#!/bin/sh\\necho secret' > bin/pass; chmod +x bin/pass; PATH=$PWD/bin:$PATH",
            &[
                ("pappus export", "sleep 1.1; pappus export"),
                ("ida.zip.age", "\"$(find exports -name '*.age' | sort | head -1)\""),
            ],
        ),
    ),
    (
        "docs/exporting.md",
        6,
        Leaving("", &[("ARCHIVE…", "\"$ARCHIVE\""), ("show ARCHIVE", "show \"$ARCHIVE\"")]),
    ),
    (
        "docs/exporting.md",
        7,
        Leaving("", &[("convert ARCHIVE", "convert \"$ARCHIVE\""), ("--out DIR", "--out out")]),
    ),
    ("docs/importing.md", 1, Coming("", &[ONE_PASS])),
    (
        "docs/importing.md",
        2,
        Coming(
            "pappus convert \"$ARCHIVE\" --to diaspora --out .",
            // Nothing proves what a stock pod has written while it does not answer.
            &[("pappus import", "pappus import --accept-unproven --offline")],
        ),
    ),
    (
        "docs/importing.md",
        3,
        // One or the other: what was undone is imported once more.
        Coming("", &[LAST_IMPORT, ("pappus announce", "REPEAT\npappus announce")]),
    ),
    ("docs/importing.md", 4, Coming("", &[])),
    ("docs/importing.md", 5, Coming(HELD, &[LAST_IMPORT])),
    ("docs/importing.md", 6, Coming(HELD, &[])),
    ("docs/newcomers.md", 1, Web(web::newcomer)),
    ("docs/newcomers.md", 2, Web(web::podmin_of_newcomers)),
    ("docs/portal.md", 1, Web(web::token)),
    ("docs/portal.md", 2, Web(web::archives)),
    ("docs/serving.md", 1, Elsewhere("needs systemd and its rights: front.rs runs the service")),
];

/// Everything that blocks are executed on.
struct Scenes {
    source: Pod,
    archive: PathBuf,
    closing: Closing,
    /// Tokens of greta, the podmin, and of ida, on the pod that closes.
    board_token: String,
    token: String,
    cookies: PathBuf,
    haven: newcomers::Scene,
    haven_service: pappus_tests::service::Service,
    haven_token: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All fenced blocks of commands, with their file and their number in it.
fn blocks() -> Vec<(String, usize, String)> {
    let mut files = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    let docs = std::fs::read_dir(root().join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    files.extend(
        docs.filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "md"))
            .map(|name| format!("docs/{name}")),
    );
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        let parts = text.split("\n```sh\n").skip(1);
        let blocks = parts.map(|part| part.split("\n```").next().unwrap().to_owned());
        found.extend(blocks.enumerate().map(|(number, block)| (file.clone(), number + 1, block)));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_executed() {
    let found = blocks();
    let named: BTreeSet<_> = PLACES.iter().map(|(file, number, _)| ((*file).to_owned(), *number)).collect();
    let there: BTreeSet<_> = found.iter().map(|(file, number, _)| (file.clone(), *number)).collect();
    assert_eq!(there, named, "blocks of commands in the docs, and those that this test knows");
    let scenes = scenes().await;
    let mut failed = Vec::new();
    for (file, number, text) in found {
        let (_, _, place) = PLACES.iter().find(|(known, one, _)| *known == file && *one == number).unwrap();
        let text = text.replace("alice", "ida");
        let ended = match place {
            Leaving(before, changes) => scenes.on_closing(&replaced(&text, changes), before),
            Coming(before, changes) => scenes.on_target(&replaced(&text, changes), before).await,
            Web(changes) => {
                let changes = changes(&scenes);
                let changes: Vec<_> = changes.iter().map(|(old, new)| (*old, new.as_str())).collect();
                let folder = tempfile::tempdir().unwrap();
                std::fs::copy(&scenes.archive, folder.path().join("archive.zip")).unwrap();
                run(&folder, &replaced(&text, &changes), &[("TOKEN", scenes.token.clone())])
            }
            Elsewhere(why) => (!why.is_empty()).then_some(()).ok_or_else(|| "no reason".to_owned()),
        };
        failed.extend(ended.err().map(|said| format!("{file}, block {number}:\n{said}")));
    }
    assert!(failed.is_empty(), "{} examples fail:\n\n{}", failed.len(), failed.join("\n\n"));
}

fn replaced(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old:?} is not in the docs any more:\n{text}");
        text.replace(old, new)
    })
}

/// Executes a block in a folder: each command has to succeed, or to end with findings.
fn run(folder: &TempDir, text: &str, variables: &[(&str, String)]) -> Result<(), String> {
    let head = "set -euo pipefail\nPATH=$PROGRAMS:$PATH\n\
                pappus() { local code=0; command pappus \"$@\" || code=$?; [ $code = 0 ] || [ $code = 10 ]; }\n\
                curl() { command curl -sS --fail-with-body \"$@\"; }\n\
                until_it_says() { for i in $(seq 600); do if eval \"$2\" | grep -q \"$1\"; then return; fi; sleep 0.1; done; false; }\n\
                echo secret > secret.txt\n";
    // What is typed at a terminal is tested in terminal/prompts.rs.
    let text = text.replace("--passphrase ", "--passphrase=secret.txt ");
    // The environment of tests, without what a developer has set.
    let clean = program("pappus");
    let mut command = Command::new("bash");
    for (name, _) in clean.get_envs() {
        command.env_remove(name);
    }
    let state = folder.path().join("state");
    let ended = command
        .args(["-c", &format!("{head}{text}\n")])
        .current_dir(folder.path())
        .env("PROGRAMS", programs())
        .env("PAPPUS_STATE", &state)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    ended.status.success().then_some(()).ok_or_else(|| format!("{text}\n---\n{said}"))
}

impl Scenes {
    fn on_closing(&self, text: &str, before: &str) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let pod = self.source.folder.path().display().to_string();
        let text = text.replace("/home/diaspora/diaspora", "\"$POD\"").replace("--pod DIR", "--pod \"$POD\"");
        let variables = [
            ("POD", pod),
            ("DATABASE", self.source.database.clone()),
            ("UPLOADS", self.source.path("public/uploads").display().to_string()),
            ("ARCHIVE", self.archive.display().to_string()),
        ];
        run(&folder, &format!("{before}\n{text}"), &variables)
    }

    async fn on_target(&self, text: &str, before: &str) -> Result<(), String> {
        let (folder, target) = (tempfile::tempdir().unwrap(), Target::sqlite().await);
        let pod = target.folder.path();
        write_pod_directory(pod, &target.database).unwrap();
        let config = pod.join("config/diaspora.toml");
        let settings = std::fs::read_to_string(&config).unwrap().replace("closing.example", "haven.example");
        std::fs::write(config, settings).unwrap();
        let mut text =
            text.replace("/srv/diaspora", "\"$POD\"").replace("/home/diaspora/diaspora", "\"$POD\"");
        for name in ["ida@….zip", "ida@old.example-20261122T100000Z.zip"] {
            text = text.replace(name, "\"$ARCHIVE\"");
        }
        // The old pod would say whose key it is; here the podmin has its key.
        let text = text
            .replace(
                "pappus import \"$ARCHIVE\"",
                "pappus import --offline --trust-pod \"$PIN\" \"$ARCHIVE\"",
            )
            .replace("pappus announce \"$ARCHIVE\"", "pappus announce --trust-pod \"$PIN\" \"$ARCHIVE\"")
            .replace("REPEAT", HELD);
        let variables = [
            ("POD", pod.display().to_string()),
            ("ARCHIVE", self.archive.display().to_string()),
            ("PIN", fingerprint(&self.archive)),
        ];
        run(&folder, &format!("{before}\n{text}"), &variables)
    }
}

async fn scenes() -> Scenes {
    let source = Pod::sqlite().await;
    write_pod_directory(source.folder.path(), &source.database).unwrap();
    std::fs::remove_dir_all(source.path("public/uploads")).unwrap();
    std::os::unix::fs::symlink(source.path("uploads"), source.path("public/uploads")).unwrap();
    assert!(Path::new(&shared_state()).exists());
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let closing = Closing::sqlite().await;
    let (mut greta, mut ida) = (closing.signed_in("greta").await, closing.signed_in("ida").await);
    let script = script_of(&closing.service, &mut greta, &["board_read", "board_write"]).await;
    let board_token = bearer(&script);
    let token = bearer(&script_of(&closing.service, &mut ida, &["read", "request", "download"]).await);
    let cookies = closing.folder.path().join("cookies");
    let lines =
        ida.cookies.iter().map(|(name, value)| format!("127.0.0.1\tFALSE\t/\tFALSE\t0\t{name}\t{value}\n"));
    std::fs::write(&cookies, lines.collect::<String>()).unwrap();

    let haven = newcomers::Scene::new().await;
    haven.source.export(&["jonas"], "out", &[]);
    {
        let service = haven.serve(None, &format!("admission = \"open\"\n{}", haven.trusted()));
        let mut podmin = newcomers::come(&service, &haven.source.archive("out", "greta"), "greta").await;
        crate::support::closing::until(&mut podmin, "/newcomers", "Import complete").await;
        haven.make_podmin("greta").await;
    }
    let more = format!("admission = \"approval\"\nper_address = 100\nundo_minutes = 0\n{}", haven.trusted());
    let haven_service = haven.serve(None, &more);
    let mut podmin = Browser::new(&haven_service.url).unwrap();
    podmin.sign_in("greta", newcomers::PASSWORD).await.unwrap();
    let haven_token = bearer(&script_of(&haven_service, &mut podmin, &["board_read", "board_write"]).await);
    Scenes { source, archive, closing, board_token, token, cookies, haven, haven_service, haven_token }
}

fn bearer(script: &Browser) -> String {
    let (_, value) = script.headers.iter().find(|(name, _)| *name == "authorization").unwrap();
    value.strip_prefix("Bearer ").unwrap().to_owned()
}
