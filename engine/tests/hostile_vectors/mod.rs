//! Makes the files in `tests/vectors/hostile`: one for each way in which an archive can be wrong.
//!
//! `cargo run -p pappus-engine --example hostile-vectors` writes them; the test `hostile` checks that they
//! are as they would be written now.

mod content;
mod stock;
mod zip_files;

use std::fmt::Write as _;

use crate::support::forge::Forge;

/// One file and what is to happen to it.
pub(crate) struct Vector {
    /// Its name in the folder.
    pub(crate) file: String,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// When it is refused.
    pub(crate) stage: Stage,
    /// With which error.
    pub(crate) code: &'static str,
    /// Limits and passphrases to open it with, one a line.
    pub(crate) options: Vec<&'static str>,
}

/// When a file is refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stage {
    Open,
    Verify,
    Convert,
}

impl Vector {
    fn new(file: &str, stage: Stage, code: &'static str, bytes: Vec<u8>) -> Self {
        Self { file: file.to_owned(), bytes, stage, code, options: Vec::new() }
    }

    fn with(mut self, option: &'static str) -> Self {
        self.options.push(option);
        self
    }

    /// The text beside the file.
    pub(crate) fn sidecar(&self) -> String {
        let stage = match self.stage {
            Stage::Open => "open",
            Stage::Verify => "verify",
            Stage::Convert => "convert",
        };
        let mut text = format!("{stage} {}\n", self.code);
        for option in &self.options {
            _ = writeln!(text, "{option}");
        }
        text
    }
}

/// A ZIP that is refused when it is opened.
fn open(name: &str, code: &'static str, forge: &Forge) -> Vector {
    Vector::new(&format!("{name}.zip"), Stage::Open, code, forge.bytes())
}

/// A ZIP that is refused when it is verified.
fn verify(name: &str, code: &'static str, forge: &Forge) -> Vector {
    Vector::new(&format!("{name}.zip"), Stage::Verify, code, forge.bytes())
}

/// All vectors.
pub(crate) fn all() -> Vec<Vector> {
    let mut vectors = Vec::new();
    vectors.extend(zip_files::names());
    vectors.extend(zip_files::kinds());
    vectors.extend(zip_files::places());
    vectors.extend(zip_files::sizes());
    vectors.extend(zip_files::headers());
    vectors.extend(content::manifests());
    vectors.extend(content::entries());
    vectors.extend(content::signatures());
    vectors.extend(content::documents());
    vectors.extend(content::extras());
    vectors.extend(stock::files());
    vectors.extend(stock::locked());
    vectors.extend(stock::conversions());
    vectors
}
