//! Passphrases from commands, and what excludes what.

use super::{export, words};
use crate::support::{Pod, names};
use pappus_tests::program::{Ended, pappus};

fn made(pod: &Pod, out: &str, command: &str) -> Ended {
    pappus(export(pod, out, &["--passphrase-command", command])).unwrap()
}

#[tokio::test]
async fn the_first_line_a_command_prints_is_the_passphrase() {
    let pod = Pod::sqlite().await;
    let file = pod.path("passphrase");
    std::fs::write(&file, "correct hörse\nand more\n").unwrap();
    let by_file = format!("--passphrase={}", file.display());
    // The shell runs it: pipes, quotes and variables mean what they always mean.
    let commands = [
        "printf 'correct hörse\\n'".to_owned(),
        "printf 'correct hörse'; echo; echo and more".to_owned(),
        format!("head -n 1 '{}' | cat", file.display()),
        "word=hörse; echo \"correct $word\"".to_owned(),
    ];
    for (number, command) in commands.iter().enumerate() {
        let out = format!("out{number}");
        let ended = made(&pod, &out, command);
        assert_eq!(ended.code, Some(0), "{command}: {ended:?}");
        let archive = pod.path(&out).join(&names(&pod.path(&out))[0]).display().to_string();
        assert_eq!(pappus(["verify", &archive, &by_file]).unwrap().code, Some(0), "{command}");
        let opened = pappus(["show", &archive, "--passphrase-command", command]).unwrap();
        assert_eq!(opened.code, Some(0), "{command}: {opened:?}");
    }
    let ended = pappus(export(&pod, "key", &["--key-passphrase-command", &commands[0]])).unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let archive = pod.path("key").join(&names(&pod.path("key"))[0]).display().to_string();
    let stock = pod.path("stock").display().to_string();
    let convert = ["convert", &archive, "--to", "diaspora", "--out", &stock, "--key-passphrase-command"];
    assert_eq!(pappus(convert.iter().copied().chain([commands[1].as_str()])).unwrap().code, Some(0));
}

#[tokio::test]
async fn a_command_without_a_passphrase_is_an_error_that_keeps_its_secrets() {
    let pod = Pod::sqlite().await;
    let big = "yes sesame | head -c 1000000";
    for (command, word) in [
        ("echo sesame; exit 3", "exit status: 3"),
        ("kill -9 $$ # sesame", "signal: 9"),
        ("true # sesame", "is empty"),
        ("echo; echo sesame", "is empty"),
        ("no-such-program-sesame 2>/dev/null", "exit status: 127"),
        ("printf '\\303\\050 sesame'; echo", "no passphrase"),
        (big, "too much"),
    ] {
        let ended = made(&pod, "out", command);
        assert_eq!(ended.code, Some(1), "{command}: {ended:?}");
        assert!(ended.stderr.contains(word), "{command}: {ended:?}");
        assert!(ended.stderr.contains("--passphrase-command"), "{command}: {ended:?}");
        assert!(!ended.stderr.contains("sesame"), "{command}: {ended:?}");
        assert!(names(&pod.path("out")).is_empty());
    }
}

#[tokio::test]
async fn a_passphrase_has_one_source() {
    let pod = Pod::sqlite().await;
    let age = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
    for pair in [
        &["--passphrase", "--passphrase-command", "echo x"][..],
        &["--key-passphrase=f", "--key-passphrase-command", "echo x"],
        &["--encrypt-to", age, "--passphrase-command", "echo x"],
        &["--encrypt-to", age, "--passphrase"],
    ] {
        let ended = pappus(export(&pod, "out", pair)).unwrap();
        assert_eq!(ended.code, Some(2), "{pair:?}: {ended:?}");
        assert!(ended.stderr.contains("cannot be used with"), "{ended:?}");
    }
    for pair in [
        &["--passphrase", "--passphrase-command", "echo x"][..],
        &["--identity", "f", "--passphrase-command", "echo x"],
        &["--identity", "f", "--passphrase"],
    ] {
        let mut arguments = words(&["verify", "archive"]);
        arguments.extend(words(pair));
        let ended = pappus(arguments).unwrap();
        assert_eq!(ended.code, Some(2), "{pair:?}: {ended:?}");
    }
    // Without a terminal nobody can be asked; that is said, not "a value is required".
    let ended = pappus(export(&pod, "out", &["--passphrase"])).unwrap();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("there is no terminal"), "{ended:?}");
}
