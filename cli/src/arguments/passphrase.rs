//! Sources of passphrases: the terminal, a file or a command, never the command line itself.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _, ValueParser};

/// The value of an option such as `--passphrase[=FILE]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PromptOrFile {
    /// The option without a file: prompt on the terminal.
    Prompt,
    /// The first line of this file.
    File(PathBuf),
}

impl PromptOrFile {
    /// Parses the option. Clap's own parser for paths refuses the empty value that stands for a missing file.
    fn parser() -> ValueParser {
        let parse = |value: OsString| if value.is_empty() { Self::Prompt } else { Self::File(value.into()) };
        OsStringValueParser::new().map(parse).into()
    }
}

/// A source of one passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PassphraseSource {
    /// The user, at the terminal.
    Prompt,
    /// The first line of a file.
    File(PathBuf),
    /// The first line of a command's output, with the option that named the command.
    Command(&'static str, String),
}

impl PassphraseSource {
    fn new(
        option: Option<&PromptOrFile>,
        command_option: &'static str,
        command: Option<&String>,
    ) -> Option<Self> {
        match (option, command) {
            (_, Some(command)) => Some(Self::Command(command_option, command.clone())),
            (Some(PromptOrFile::Prompt), None) => Some(Self::Prompt),
            (Some(PromptOrFile::File(path)), None) => Some(Self::File(path.clone())),
            (None, None) => None,
        }
    }
}

/// Options for the passphrase that opens something encrypted.
#[derive(Args)]
pub(crate) struct Passphrase {
    /// Decrypt with a passphrase: the first line of FILE, or typed at the terminal
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "",
          value_parser = PromptOrFile::parser())]
    passphrase: Option<PromptOrFile>,
    /// Decrypt with a passphrase: the first line of CMD's output. The shell runs CMD
    #[arg(long, value_name = "CMD", conflicts_with = "passphrase")]
    passphrase_command: Option<String>,
}

impl Passphrase {
    /// Returns the passphrase's source, if one was named.
    pub(crate) fn source(&self) -> Option<PassphraseSource> {
        let command = self.passphrase_command.as_ref();
        PassphraseSource::new(self.passphrase.as_ref(), "--passphrase-command", command)
    }
}

/// Options for the passphrase that encrypts something.
#[derive(Args)]
pub(crate) struct NewPassphrase {
    /// Encrypt the whole file with a passphrase: the first line of FILE, or typed twice at the terminal
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "",
          value_parser = PromptOrFile::parser())]
    passphrase: Option<PromptOrFile>,
    /// Encrypt the whole file with a passphrase: the first line of CMD's output. The shell runs CMD
    #[arg(long, value_name = "CMD", conflicts_with = "passphrase")]
    passphrase_command: Option<String>,
}

impl NewPassphrase {
    /// Returns the passphrase's source, if one was named.
    pub(crate) fn source(&self) -> Option<PassphraseSource> {
        let command = self.passphrase_command.as_ref();
        PassphraseSource::new(self.passphrase.as_ref(), "--passphrase-command", command)
    }
}

/// Options for the passphrase that opens an encrypted private key.
#[derive(Args)]
pub(crate) struct KeyPassphrase {
    /// Decrypt the private key with a passphrase: the first line of FILE, or typed at the terminal
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "",
          value_parser = PromptOrFile::parser())]
    key_passphrase: Option<PromptOrFile>,
    /// Decrypt the private key with a passphrase: the first line of CMD's output. The shell runs CMD
    #[arg(long, value_name = "CMD", conflicts_with = "key_passphrase")]
    key_passphrase_command: Option<String>,
}

impl KeyPassphrase {
    /// Returns the passphrase's source, if one was named.
    pub(crate) fn source(&self) -> Option<PassphraseSource> {
        let command = self.key_passphrase_command.as_ref();
        PassphraseSource::new(self.key_passphrase.as_ref(), "--key-passphrase-command", command)
    }
}

/// Options for the passphrase that encrypts a private key.
#[derive(Args)]
pub(crate) struct NewKeyPassphrase {
    /// Encrypt the private key with a passphrase: the first line of FILE, or typed twice at the terminal
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "",
          value_parser = PromptOrFile::parser())]
    key_passphrase: Option<PromptOrFile>,
    /// Encrypt the private key with a passphrase: the first line of CMD's output. The shell runs CMD
    #[arg(long, value_name = "CMD", conflicts_with = "key_passphrase")]
    key_passphrase_command: Option<String>,
}

impl NewKeyPassphrase {
    /// Returns the passphrase's source, if one was named.
    pub(crate) fn source(&self) -> Option<PassphraseSource> {
        let command = self.key_passphrase_command.as_ref();
        PassphraseSource::new(self.key_passphrase.as_ref(), "--key-passphrase-command", command)
    }
}
