//! Passphrases typed at a terminal: twice when something is encrypted, once when it is opened, never shown.

use std::path::Path;

use super::screen::Terminal;
use super::{export, words};
use crate::support::target::Target;
use crate::support::{Pod, names};
use pappus_tests::program::pappus;

const SECRET: &str = "correct hörse";

/// Types a passphrase at a prompt, and waits until the terminal is as before.
fn answer(terminal: &mut Terminal, prompt: &str, text: &str) {
    terminal.wait_for(prompt);
    while terminal.echoes() {
        std::thread::yield_now();
    }
    terminal.enter(text);
}

fn ended(terminal: &mut Terminal, code: i32) {
    let ended = terminal.code();
    assert_eq!(ended, Some(code), "{}", terminal.text());
    assert!(terminal.echoes(), "the terminal is left silent");
    assert!(!terminal.written.contains(SECRET), "{}", terminal.text());
}

/// Runs a command that asks once.
fn opens(arguments: &[String], prompt: &str, code: i32) -> String {
    let mut terminal = Terminal::start(100, arguments);
    answer(&mut terminal, prompt, SECRET);
    ended(&mut terminal, code);
    terminal.text()
}

fn only(folder: &Path) -> String {
    let names = names(folder);
    assert_eq!(names.len(), 1, "{names:?}");
    folder.join(&names[0]).display().to_string()
}

#[tokio::test]
async fn an_archive_is_encrypted_and_opened_by_what_is_typed() {
    let pod = Pod::sqlite().await;
    let mut terminal = Terminal::start(100, &export(&pod, "out", &["--passphrase"]));
    answer(&mut terminal, "New passphrase for the archive: ", SECRET);
    answer(&mut terminal, "Repeat the passphrase: ", SECRET);
    ended(&mut terminal, 0);
    let archive = only(&pod.path("out"));
    assert!(archive.ends_with(".zip.age"));

    let file = pod.path("passphrase");
    std::fs::write(&file, SECRET).unwrap();
    let by_file = pappus(["verify", &archive, &format!("--passphrase={}", file.display())]).unwrap();
    assert_eq!(by_file.code, Some(0), "the file and the keyboard say the same: {by_file:?}");

    let prompt = "Passphrase for the archive: ";
    let text = opens(&words(&["verify", &archive, "--passphrase"]), prompt, 0);
    assert!(text.contains("is complete and unchanged"), "{text}");
    let text = opens(&words(&["show", &archive, "--passphrase"]), prompt, 0);
    assert!(text.contains("nils@closing.example"), "{text}");
    let stock = pod.path("stock").display().to_string();
    opens(&words(&["convert", &archive, "--to", "diaspora", "--out", &stock, "--passphrase"]), prompt, 0);
    assert_eq!(names(&pod.path("stock")).len(), 2);

    let mut wrong = Terminal::start(100, &words(&["verify", &archive, "--passphrase"]));
    answer(&mut wrong, prompt, "wrong");
    ended(&mut wrong, 1);
    assert!(wrong.text().contains("passphrase"), "{}", wrong.text());
}

#[tokio::test]
async fn a_new_passphrase_is_typed_until_both_entries_agree() {
    let pod = Pod::sqlite().await;
    let mut terminal = Terminal::start(100, &export(&pod, "out", &["--passphrase"]));
    answer(&mut terminal, "New passphrase for the archive: ", SECRET);
    answer(&mut terminal, "Repeat the passphrase: ", "correct horse");
    terminal.wait_for("The passphrases differ. Try again.");
    answer(&mut terminal, "New passphrase for the archive: ", "");
    terminal.wait_for("It must not be empty. Try again.");
    terminal.wait_for_nth("New passphrase for the archive: ", 3);
    answer(&mut terminal, "New passphrase for the archive: ", SECRET);
    terminal.wait_for_nth("Repeat the passphrase: ", 2);
    answer(&mut terminal, "Repeat the passphrase: ", SECRET);
    ended(&mut terminal, 0);

    let mut terminal = Terminal::start(100, &export(&pod, "other", &["--passphrase"]));
    for attempt in 1..=3 {
        terminal.wait_for_nth("New passphrase for the archive: ", attempt);
        answer(&mut terminal, "New passphrase for the archive: ", "");
    }
    ended(&mut terminal, 1);
    assert!(terminal.text().contains("after 3 attempts"), "{}", terminal.text());
    assert!(names(&pod.path("other")).is_empty());
}

#[tokio::test]
async fn a_private_key_is_encrypted_and_opened_by_what_is_typed() {
    let pod = Pod::sqlite().await;
    let mut terminal = Terminal::start(100, &export(&pod, "out", &["--key-passphrase"]));
    answer(&mut terminal, "New passphrase for the private key: ", SECRET);
    answer(&mut terminal, "Repeat the passphrase: ", SECRET);
    ended(&mut terminal, 0);
    let archive = only(&pod.path("out"));
    let prompt = "Passphrase for the private key: ";
    let stock = pod.path("stock").display().to_string();
    opens(&words(&["convert", &archive, "--to", "diaspora", "--out", &stock, "--key-passphrase"]), prompt, 0);

    // An import needs it for the announcement that follows; and asks by itself.
    let target = Target::sqlite().await;
    let import = |more: &[&str]| {
        let (uploads, state) = (target.path("uploads"), target.path("state"));
        let mut arguments = words(&["import", &archive, "--as", "nils", "--offline", "--accept-unproven"]);
        arguments.extend(words(&["--database-url", &target.database, "--pod-url", target.url]));
        arguments.extend(words(&["--uploads", &uploads, "--state", &state]));
        arguments.extend(words(more));
        arguments
    };
    for more in [&["--dry-run", "--key-passphrase"][..], &[]] {
        let mut wrong = Terminal::start(100, &import(more));
        answer(&mut wrong, prompt, "wrong");
        ended(&mut wrong, 1);
        assert!(wrong.text().contains("does not open the private key"), "{}", wrong.text());
    }
    let mut held = Terminal::start(100, &import(&["--hold"]));
    assert!(matches!(held.code(), Some(0 | 10)), "{}", held.text());
    let mut announce = import(&["--key-passphrase"]);
    announce.splice(..6, words(&["announce", &archive]));
    let mut terminal = Terminal::start(100, &announce);
    answer(&mut terminal, prompt, SECRET);
    let code = terminal.code();
    assert!(matches!(code, Some(0 | 10)), "{}", terminal.text());
    assert!(terminal.text().contains("nils@haven.example from now on"), "{}", terminal.text());
}

#[tokio::test]
async fn archives_are_merged_with_two_passphrases() {
    let pod = Pod::sqlite().await;
    let file = pod.path("passphrase");
    std::fs::write(&file, SECRET).unwrap();
    let file = file.display();
    let mut archives = Vec::new();
    for (out, time) in [("one", "2026-11-20T10:00:00Z"), ("two", "2026-11-21T10:00:00Z")] {
        let more = [format!("--passphrase={file}"), format!("--key-passphrase={file}")];
        let mut arguments = export(&pod, out, &[&more[0], &more[1]]);
        let place = arguments.iter().position(|word| word == "--created-at").unwrap();
        arguments[place + 1] = time.to_owned();
        assert_eq!(pappus(arguments).unwrap().code, Some(0));
        archives.push(only(&pod.path(out)));
    }
    let out = pod.path("merged").display().to_string();
    let arguments = ["merge", &archives[0], &archives[1], "--out", &out, "--passphrase", "--key-passphrase"];
    let mut terminal = Terminal::start(100, &words(&arguments));
    answer(&mut terminal, "Passphrase for the archive: ", SECRET);
    answer(&mut terminal, "Passphrase for the private key: ", SECRET);
    ended(&mut terminal, 0);
    only(&pod.path("merged"));
}

#[tokio::test]
async fn keys_are_copied_and_restored_with_what_is_typed() {
    let pod = Pod::sqlite().await;
    let state = pod.path("state").display().to_string();
    let keys = |action: &[&str]| keys(&state, action);
    assert_eq!(pappus(keys(&["rotate"])).unwrap().code, Some(0));
    let copy = pod.path("copy").display().to_string();
    let mut terminal = Terminal::start(100, &keys(&["backup", &copy, "--passphrase"]));
    answer(&mut terminal, "New passphrase for the copy of the keys: ", SECRET);
    answer(&mut terminal, "Repeat the passphrase: ", SECRET);
    ended(&mut terminal, 0);
    let held = pod.path("state/pods/closing.example/campaign-keys.txt");
    for more in [&["restore", &copy][..], &["restore", &copy, "--passphrase"]] {
        std::fs::remove_file(&held).unwrap();
        opens(&keys(more), "Passphrase for the copy of the keys: ", 0);
        assert!(held.exists());
    }
}

/// The arguments of `pappus keys` in this state.
fn keys(state: &str, action: &[&str]) -> Vec<String> {
    let mut arguments = words(&["keys"]);
    arguments.extend(words(action));
    arguments.extend(words(&["--pod-url", "https://closing.example/", "--state", state]));
    arguments
}

#[tokio::test]
async fn a_copy_of_the_keys_opens_archives_with_what_is_typed() {
    let pod = Pod::sqlite().await;
    let (state, copy) = (pod.path("state").display().to_string(), pod.path("copy").display().to_string());
    let rotated = pappus(keys(&state, &["rotate"])).unwrap();
    let recipient = rotated.stdout.split_whitespace().find(|word| word.starts_with("age1")).unwrap();
    let recipient = recipient.trim_end_matches('.');
    let file = pod.path("passphrase");
    std::fs::write(&file, SECRET).unwrap();
    let by_file = format!("--passphrase={}", file.display());
    assert_eq!(pappus(keys(&state, &["backup", &copy, &by_file])).unwrap().code, Some(0));
    assert_eq!(pappus(export(&pod, "out", &["--encrypt-to", recipient])).unwrap().code, Some(0));
    let archive = only(&pod.path("out"));
    let prompt = "Passphrase for the key file: ";
    for command in ["verify", "show"] {
        opens(&words(&[command, &archive, "--identity", &copy]), prompt, 0);
    }
    let mut wrong = Terminal::start(100, &words(&["verify", &archive, "--identity", &copy]));
    answer(&mut wrong, prompt, "wrong");
    ended(&mut wrong, 1);
    // Without a terminal it says what else there is.
    let piped = pappus(["verify", &archive, "--identity", &copy]).unwrap();
    assert_eq!(piped.code, Some(1), "{piped:?}");
    assert!(piped.stderr.contains("there is no terminal to ask for it"), "{piped:?}");
}

#[tokio::test]
async fn many_archives_are_opened_with_one_passphrase() {
    let pod = Pod::sqlite().await;
    let file = pod.path("passphrase");
    std::fs::write(&file, SECRET).unwrap();
    let by_file = format!("--passphrase={}", file.display());
    let archives = ["one", "two"].map(|out| {
        assert_eq!(pappus(export(&pod, out, &[&by_file])).unwrap().code, Some(0));
        only(&pod.path(out))
    });
    let prompt = "Passphrase for the archive: ";
    let text = opens(&words(&["verify", &archives[0], &archives[1], "--passphrase"]), prompt, 0);
    assert_eq!(text.matches(prompt).count(), 1, "{text}");
    assert!(text.contains("2 archives: 2 good"), "{text}");
}

#[tokio::test]
async fn an_encrypted_archive_is_imported_and_announced_with_what_is_typed() {
    let pod = Pod::sqlite().await;
    let file = pod.path("passphrase");
    std::fs::write(&file, SECRET).unwrap();
    let options = ["--passphrase", "--key-passphrase"].map(|option| format!("{option}={}", file.display()));
    assert_eq!(pappus(export(&pod, "out", &[&options[0], &options[1]])).unwrap().code, Some(0));
    let archive = only(&pod.path("out"));
    let target = Target::sqlite().await;
    let place = words(&[
        "--database-url",
        &target.database,
        "--pod-url",
        target.url,
        "--state",
        &target.path("state"),
    ]);
    let of_archive = "Passphrase for the archive: ";
    let mut import = words(&["import", &archive, "--as", "nils", "--offline", "--accept-unproven", "--hold"]);
    import.extend(words(&["--uploads", &target.path("uploads"), "--passphrase"]));
    import.extend_from_slice(&place);
    let mut terminal = Terminal::start(100, &import);
    answer(&mut terminal, of_archive, SECRET);
    let code = terminal.code();
    assert!(matches!(code, Some(0 | 10)), "{}", terminal.text());
    let mut announce = words(&["announce", &archive, "--offline", "--passphrase", "--key-passphrase"]);
    announce.extend(words(&["--uploads", &target.path("uploads")]));
    announce.extend(place);
    let mut terminal = Terminal::start(100, &announce);
    answer(&mut terminal, of_archive, SECRET);
    answer(&mut terminal, "Passphrase for the private key: ", SECRET);
    let code = terminal.code();
    assert!(matches!(code, Some(0 | 10)), "{}", terminal.text());
    assert!(terminal.text().contains("nils@haven.example from now on"), "{}", terminal.text());
    assert!(!terminal.written.contains(SECRET), "{}", terminal.text());
}
