//! Text files as Notepad and PowerShell save them: lists, passphrases, identities, configurations; and armor.

use std::path::{Path, PathBuf};

use crate::support::{Pod, document, names, put_key};
use base64::Engine as _;
use pappus_tests::program::{Ended, pappus};

/// A text in the forms in which programs save it.
fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let wide = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
        mark.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect::<Vec<u8>>()
    };
    vec![
        ("plain", text.as_bytes().to_vec()),
        ("marked", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("utf16le", wide([0xff, 0xfe], u16::to_le_bytes)),
        ("utf16be", wide([0xfe, 0xff], u16::to_be_bytes)),
    ]
}

fn run(pod: &Pod, command: &[&str]) -> Ended {
    let mut arguments: Vec<String> = command.iter().map(ToString::to_string).collect();
    arguments.extend(pod.arguments());
    arguments.extend(["--state".to_owned(), pod.path("state").display().to_string()]);
    pappus(arguments).unwrap()
}

fn file(pod: &Pod, name: &str, bytes: &[u8]) -> PathBuf {
    let path = pod.path(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn verify(archive: &Path, more: &[&str]) -> Option<i32> {
    let archive = archive.display().to_string();
    pappus([&["verify", &archive], more].concat()).unwrap().code
}

#[tokio::test]
async fn a_list_names_everybody_on_it() {
    let pod = Pod::sqlite().await;
    put_key(&pod.path("state"));
    for (form, bytes) in forms("ida\r\nnils  # ünï\r\n") {
        let only = format!("file:{}", file(&pod, "list.txt", &bytes).display());
        let out = pod.path(form).display().to_string();
        let ended =
            run(&pod, &["export", "--all", "--only", &only, "--out", &out, "--plain", "--name", form]);
        // One of ida's photos has no file.
        assert_eq!(ended.code, Some(10), "{form}: {ended:?}");
        let list = std::fs::read_to_string(pod.path(form).join("campaign.json")).unwrap();
        let list: serde_json::Value = serde_json::from_str(&list).unwrap();
        let mut accounts: Vec<(&str, &str)> = list["accounts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| (line["account"].as_str().unwrap(), line["state"].as_str().unwrap()))
            .collect();
        accounts.sort_unstable();
        assert_eq!(accounts, [("ida@closing.example", "done"), ("nils@closing.example", "done")], "{form}");
    }
    let only = format!("file:{}", file(&pod, "list.txt", b"ida\xff\n").display());
    let out = pod.path("no").display().to_string();
    let ended = run(&pod, &["export", "--all", "--only", &only, "--out", &out, "--plain", "--name", "no"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("list.txt") && ended.stderr.contains("not a UTF-8 text"), "{ended:?}");
}

#[tokio::test]
async fn a_passphrase_is_what_is_typed() {
    let pod = Pod::sqlite().await;
    let typed = file(&pod, "typed.txt", "correct hörse\n".as_bytes());
    let typed = format!("--passphrase={}", typed.display());
    for (form, bytes) in forms("correct hörse\r\nand more") {
        let saved = format!("--passphrase={}", file(&pod, "saved.txt", &bytes).display());
        let ended = pod.export(&["nils"], form, &[&saved]);
        assert_eq!(ended.code, Some(0), "{form}: {ended:?}");
        let archive = pod.path(form).join(&names(&pod.path(form))[0]);
        assert_eq!(verify(&archive, &[&typed]), Some(0), "{form}");
        assert_eq!(verify(&archive, &[&saved]), Some(0), "{form}");
    }
}

#[tokio::test]
async fn identities_and_armor_open_an_archive_in_every_form() {
    let pod = Pod::sqlite().await;
    put_key(&pod.path("state"));
    let out = pod.path("sealed").display().to_string();
    let only = format!("file:{}", file(&pod, "list.txt", b"nils\n").display());
    let ended = run(&pod, &["export", "--all", "--only", &only, "--out", &out, "--name", "sealed", "--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let keys = pod.path("state/pods/closing.example/campaign-keys.txt");
    let keys = std::fs::read_to_string(keys).unwrap();
    let key = keys.lines().find(|line| line.starts_with("AGE-SECRET-KEY-1")).unwrap();
    let sealed = names(&pod.path("sealed")).into_iter().find(|name| name.starts_with("nils")).unwrap();
    let sealed = pod.path("sealed").join(sealed);
    for (form, bytes) in forms(key).into_iter().chain(forms(&keys)) {
        let identity = file(&pod, "id.txt", &bytes).display().to_string();
        assert_eq!(verify(&sealed, &["--identity", &identity]), Some(0), "{form}");
    }
    let identity = file(&pod, "id.txt", keys.as_bytes()).display().to_string();
    let encoded = base64::engine::general_purpose::STANDARD.encode(std::fs::read(&sealed).unwrap());
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    for line_end in ["\n", "\r\n"] {
        let armor = format!(
            "-----BEGIN AGE ENCRYPTED FILE-----{line_end}{}{line_end}-----END AGE ENCRYPTED FILE-----{line_end}",
            lines.join(line_end)
        );
        for (form, bytes) in forms(&armor) {
            let armored = file(&pod, "armored.age", &bytes);
            assert_eq!(verify(&armored, &["--identity", &identity]), Some(0), "{form}");
        }
    }
    // In the text of a mail.
    let wrapped: Vec<&str> =
        encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let (begin, end) = ("-----BEGIN AGE ENCRYPTED FILE-----", "-----END AGE ENCRYPTED FILE-----");
    let quoted = format!("Hello,\n\n> {begin}\n> {}\n> {end}\n-- \nAnn\n", wrapped.join("\n> "));
    let spaced = format!("  {begin}  \r\n{}\u{a0}\n\n{end}", lines.join(" \r\n\u{a0}"));
    for mail in [&quoted, &spaced] {
        let armored = file(&pod, "mail.txt", mail.as_bytes());
        assert_eq!(verify(&armored, &["--identity", &identity]), Some(0), "{mail}");
    }
    let lost = quoted.replacen(&encoded[20..23], "", 1);
    let lost = file(&pod, "lost.txt", lost.as_bytes()).display().to_string();
    let ended = pappus(["verify", &lost, "--identity", &identity, "--json"]).unwrap();
    let said = document(&ended).to_string();
    assert!(said.contains("armor") && said.contains("as an attachment"), "{ended:?}");
    // The binary form, as mail programs and backups leave it.
    let bytes = std::fs::read(&sealed).unwrap();
    for added in [&b"\n"[..], b"\r\n", &[0; 4096]] {
        let padded = file(&pod, "padded.age", &[&bytes, added].concat());
        assert_eq!(verify(&padded, &["--identity", &identity]), Some(0), "{} bytes more", added.len());
    }
    for damaged in [[&bytes, &b"\n-- \nAnn"[..]].concat(), bytes[..bytes.len() - 9].to_vec()] {
        let damaged = file(&pod, "damaged.age", &damaged).display().to_string();
        let ended = pappus(["verify", &damaged, "--identity", &identity, "--json"]).unwrap();
        let said = document(&ended).to_string();
        assert!(said.contains("its end is missing, or something was added after it"), "{ended:?}");
    }
    let ended = pappus(["verify", sealed.to_str().unwrap(), "--json"]).unwrap();
    assert_eq!(document(&ended)["code"], "encryption_locked");
}
