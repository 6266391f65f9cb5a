//! Help and manual pages: grouped, with examples that the program takes, and with exit codes.

use std::path::Path;

use pappus_tests::program::pappus;

/// The manual pages, by name.
fn pages() -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(pappus(["manual", folder.path().to_str().unwrap()]).unwrap().code, Some(0));
    let mut pages: Vec<(String, String)> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    pages.sort();
    pages
}

/// The commands under EXAMPLES, as they are typed.
fn examples(page: &str) -> Vec<String> {
    let (_, section) = page.split_once(".SH EXAMPLES\n").unwrap_or_default();
    let section = section.split("\n.SH ").next().unwrap_or_default();
    section
        .lines()
        .filter_map(|line| line.strip_prefix("\\fB")?.strip_suffix("\\fR"))
        .map(|line| line.replace("\\-", "-").replace("\\(aq", "'"))
        .collect()
}

/// Splits a line as a shell does, as far as the examples need it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words
}

#[test]
fn manual_pages_have_examples_that_the_program_takes_and_exit_codes() {
    let pages = pages();
    assert!(pages.len() > 25, "{}", pages.len());
    let nowhere = tempfile::tempdir().unwrap();
    for (name, page) in &pages {
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "\"EXIT STATUS\""] {
            assert_eq!(page.matches(&format!(".SH {section}\n")).count(), 1, "{name}: {section}");
        }
        for code in ["0", "1", "2", "10", "130"] {
            assert!(page.contains(&format!("\n\\fB{code}\\fR\n")), "{name}: {code}");
        }
        let examples = examples(page);
        assert_eq!(examples.is_empty(), name == "pappus.1", "{name} has no example");
        for line in examples {
            let words = words(&line);
            assert_eq!(words[0], "pappus", "{name}: {line}");
            let name = name.trim_end_matches(".1");
            assert!(format!("{}-", words.join("-")).starts_with(&format!("{name}-")), "{name}: {line}");
            // Nothing that it names is there; what must not happen is that the program does not understand it.
            let mut command = pappus_tests::program::program("pappus");
            command.args(&words[1..]).current_dir(nowhere.path()).env("PAPPUS_STATE", nowhere.path());
            let ended = command.output().unwrap();
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert!(matches!(ended.status.code(), Some(0 | 1 | 10)), "{line}: {said}");
            assert!(!said.contains("Usage:"), "{line}: {said}");
        }
    }
}

#[test]
fn manual_pages_are_as_checked_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/man");
    let pages = pages();
    assert_eq!(pages.len(), std::fs::read_dir(&folder).unwrap().count());
    for (name, page) in pages {
        let checked_in = std::fs::read_to_string(folder.join(&name)).unwrap();
        assert!(checked_in == page, "docs/man/{name} is stale: run `make generate`");
    }
}

#[test]
fn long_help_is_grouped_and_ends_with_examples() {
    let help = pappus(["export", "-h"]).unwrap().stdout;
    let place = |text: &str| help.find(text).unwrap_or_else(|| panic!("no {text:?} in:\n{help}"));
    let headings = [
        "\nArguments:\n",
        "\nOptions:\n",
        "\nPod:\n",
        "\nEncryption:\n",
        "\nWhole pod (with --all):\n",
        "\nSpeed and retries:\n",
        "\nPappus's own data:\n",
        "\nExamples:\n",
    ];
    let places: Vec<usize> = headings.iter().map(|heading| place(heading)).collect();
    assert!(places.is_sorted(), "{help}");
    let under = |option: &str| {
        let at = place(&format!("\n      {option}"));
        headings[places.iter().rposition(|place| *place < at).unwrap()].trim()
    };
    for (option, heading) in [
        ("--out ", "Options:"),
        ("--created-at ", "Options:"),
        ("--pod ", "Pod:"),
        ("--uploads ", "Pod:"),
        ("--key-passphrase[", "Encryption:"),
        ("--passphrase-command ", "Encryption:"),
        ("--encrypt-to ", "Encryption:"),
        ("--only ", "Whole pod (with --all):"),
        ("--plain", "Whole pod (with --all):"),
        ("--gentle", "Speed and retries:"),
        ("--store ", "Pappus's own data:"),
    ] {
        assert_eq!(under(option), heading, "{option}:\n{help}");
    }
    assert!(help.ends_with('\n') && help.contains("  pappus export alice bob --pod"), "{help}");
}

/// Files that a user names and that are not there, or are something else: the sentence names them and says what to do,
/// without the system's error codes.
#[test]
fn files_that_cannot_be_used_are_named_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir(path("folder.zip")).unwrap();
    std::fs::write(path("file"), "no folder").unwrap();
    let (missing, is_folder, below) = (path("missing.zip"), path("folder.zip"), path("file/below"));
    let (nowhere, state) = ("there is no such file or folder", path("state"));
    let cases: &[(&[&str], &str, &str)] = &[
        (&["verify", &missing], &missing, nowhere),
        (&["show", &missing], &missing, nowhere),
        (&["show", &is_folder], &is_folder, "this is not a file; specify the archive itself"),
        (&["verify", &below], &below, "part of the path is a file"),
        (&["verify", &missing, "--identity", &below], &below, "part of the path is a file"),
        (&["convert", &missing, "--to", "diaspora", "--out", &is_folder], &missing, nowhere),
        (&["merge", &missing, &missing, "--out", &path("merged.zip")], &missing, nowhere),
        (&["serve", "--config", &missing], &missing, nowhere),
        (&["keys", "restore", &missing, "--pod-url", "https://closing.example/"], &missing, nowhere),
        (&["check", "--pod", &path("nothing")], &path("nothing"), "there is no such folder"),
        (&["check", "--pod", &is_folder], &is_folder, "specify the folder diaspora* is installed in"),
    ];
    for (arguments, file, says) in cases {
        let ended = pappus_tests::program::pappus_in(&[("PAPPUS_STATE", state.clone())], *arguments).unwrap();
        assert_eq!(ended.code, Some(1), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(file) && ended.stderr.contains(says), "{arguments:?}: {ended:?}");
        assert!(!ended.stderr.contains("os error"), "{arguments:?}: {ended:?}");
        let json = [&["--json"], *arguments].concat();
        let ended = pappus_tests::program::pappus_in(&[("PAPPUS_STATE", state.clone())], json).unwrap();
        assert!(
            !ended.stdout.contains("os error") && ended.stdout.contains(says),
            "{arguments:?}: {ended:?}"
        );
    }
}

#[test]
fn the_pod_s_folder_is_explained_where_it_is_asked_for() {
    for command in ["export", "campaign", "import", "check", "keys"] {
        let ended = pappus([command, "-h"]).unwrap();
        let help = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            help.contains("The folder diaspora* is installed in, such as /srv/diaspora"),
            "{command}: {help}"
        );
    }
}
