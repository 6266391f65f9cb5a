//! Examples and exit codes, for `-h` and for the manual pages.

use std::fmt::Write as _;

use clap::Command;

/// A command line with its purpose.
pub(crate) struct Example {
    /// The purpose, as a sentence without its full stop.
    pub(crate) purpose: &'static str,
    /// The command line.
    pub(crate) line: &'static str,
}

const fn example(purpose: &'static str, line: &'static str) -> Example {
    Example { purpose, line }
}

const EXPORT: &[Example] = &[
    example("Export two accounts", "pappus export alice bob --pod /srv/diaspora --out exports"),
    example(
        "Export an account, encrypted with a passphrase that is typed twice",
        "pappus export alice --pod /srv/diaspora --out exports --passphrase",
    ),
    example("Export the whole pod", "pappus export --all --pod /srv/diaspora --out /srv/exports"),
    example(
        "Export everyone seen within a year to a bucket, slowly",
        "pappus export --all --only active-year --gentle --pod /srv/diaspora --out s3://exports/closing",
    ),
];
const KEYS: &[Example] = &[
    example("Show the keys", "pappus keys --pod /srv/diaspora"),
    example(
        "Copy them to a USB drive, encrypted with a passphrase",
        "pappus keys backup /media/usb/pappus-keys.txt --passphrase --pod /srv/diaspora",
    ),
];
const KEYS_RESTORE: &[Example] = &[example(
    "Restore the keys from a copy",
    "pappus keys restore /media/usb/pappus-keys.txt --pod /srv/diaspora",
)];
const CAMPAIGN: &[Example] = &[
    example("List all campaigns", "pappus campaign --pod /srv/diaspora"),
    example("Watch one until it is finished", "pappus campaign spring --watch --pod /srv/diaspora"),
    example("Pause it", "pappus campaign pause spring --pod /srv/diaspora"),
];
const CAMPAIGN_VERIFY: &[Example] = &[
    example("Check everything a campaign has stored", "pappus campaign verify spring --pod /srv/diaspora"),
    example(
        "Check copies, without Pappus's own database",
        "pappus campaign verify --files /mnt/copies --identity pappus-keys.txt",
    ),
];
const IMPORT: &[Example] = &[
    example(
        "Show what would be imported; nothing is written",
        "pappus import alice.zip --as alice --dry-run --pod /srv/diaspora",
    ),
    example("Import and announce the move", "pappus import alice.zip --as alice --pod /srv/diaspora"),
    example(
        "Import with the key's passphrase from a password manager",
        "pappus import alice.zip --as alice --pod /srv/diaspora --key-passphrase-command 'pass show alice'",
    ),
];

/// Examples of every subcommand, keyed by its words.
const EXAMPLES: &[(&str, &[Example])] = &[
    ("export", EXPORT),
    ("worker", &[example("Work on the open campaign", "pappus worker --pod /srv/diaspora")]),
    ("campaign", CAMPAIGN),
    ("campaign pause", &[example("Pause a campaign", "pappus campaign pause spring --pod /srv/diaspora")]),
    ("campaign resume", &[example("Continue it", "pappus campaign resume spring --pod /srv/diaspora")]),
    (
        "campaign retry",
        &[example("Try failed accounts again", "pappus campaign retry spring --pod /srv/diaspora")],
    ),
    ("campaign cancel", &[example("Cancel a campaign", "pappus campaign cancel spring --pod /srv/diaspora")]),
    ("campaign verify", CAMPAIGN_VERIFY),
    (
        "check",
        &[
            example("Check a pod", "pappus check --pod /srv/diaspora"),
            example("List its accounts with their sizes", "pappus check --pod /srv/diaspora --accounts"),
        ],
    ),
    (
        "verify",
        &[
            example("Verify an archive", "pappus verify alice.zip"),
            example("Verify many", "pappus verify exports/alice.zip exports/bob.zip"),
            example("Verify an encrypted one", "pappus verify alice.zip.age --passphrase"),
        ],
    ),
    ("show", &[example("Show what an archive holds", "pappus show alice.zip")]),
    (
        "convert",
        &[example(
            "Make the files that a stock pod imports",
            "pappus convert alice.zip --to diaspora --out for-the-new-pod",
        )],
    ),
    (
        "merge",
        &[example(
            "Merge an old and a new archive of one account",
            "pappus merge alice-2025.zip alice-2026.zip --out merged",
        )],
    ),
    ("import", IMPORT),
    ("imports", &[example("List the imports", "pappus imports --pod /srv/diaspora")]),
    (
        "announce",
        &[example(
            "Announce an import whose announcement was postponed",
            "pappus announce alice.zip --pod /srv/diaspora",
        )],
    ),
    (
        "deliver",
        &[
            example("Send what is due", "pappus deliver --pod /srv/diaspora"),
            example("Send until nothing is left", "pappus deliver --wait --pod /srv/diaspora"),
        ],
    ),
    ("deliveries", &[example("Show what has arrived", "pappus deliveries --pod /srv/diaspora")]),
    ("resend", &[example("Retry one pod at once", "pappus resend --to friends.example --pod /srv/diaspora")]),
    (
        "undo",
        &[example("Undo an import that has not been announced", "pappus undo 3f2a --pod /srv/diaspora")],
    ),
    ("repair", &[example("List what would be fixed", "pappus repair --dry-run --pod /srv/diaspora")]),
    ("keys", KEYS),
    (
        "keys backup",
        &[example(
            "Copy the keys, encrypted with a passphrase",
            "pappus keys backup /media/usb/pappus-keys.txt --passphrase --pod /srv/diaspora",
        )],
    ),
    ("keys restore", KEYS_RESTORE),
    ("keys rotate", &[example("Create a new key", "pappus keys rotate --pod /srv/diaspora")]),
    (
        "serve",
        &[
            example("Check the configuration", "pappus serve --config /etc/pappus/pappus.toml --check"),
            example("Run the web service", "pappus serve --config /etc/pappus/pappus.toml"),
        ],
    ),
    ("completions", &[example("Print completions for bash", "pappus completions bash")]),
];

/// Returns the examples of a subcommand, such as `keys backup`.
pub(crate) fn examples(command: &str) -> &'static [Example] {
    EXAMPLES.iter().find(|(name, _)| *name == command).map_or(&[], |(_, examples)| *examples)
}

/// The exit codes of all commands.
pub(crate) const EXIT_CODES: [(&str, &str); 6] = [
    ("0", "Done."),
    ("1", "Failed; standard error says why."),
    ("2", "Wrong usage; nothing was done."),
    ("10", "Done with findings: something was left out or is doubtful; each is listed."),
    ("130", "Interrupted by Ctrl-C."),
    ("143", "Ended by SIGTERM."),
];

/// Adds the examples to the help of a command and of its subcommands.
pub(crate) fn attach(command: Command, words: &str) -> Command {
    let mut text = String::new();
    for Example { purpose, line } in examples(words) {
        let heading = if text.is_empty() { "Examples:\n" } else { "" };
        // Writing to a string cannot fail.
        _ = write!(text, "{heading}  # {purpose}\n  {line}\n");
    }
    let command = if text.is_empty() { command } else { command.after_help(text.trim_end().to_owned()) };
    command.mut_subcommands(|subcommand| {
        let words = format!("{words} {}", subcommand.get_name());
        attach(subcommand, words.trim_start())
    })
}
