//! Matches the names of photo files in a ZIP with those in the document.
//!
//! File systems change names: macOS decomposes letters with accents, and some programs change case.

use std::collections::{HashMap, HashSet};

use unicode_normalization::UnicodeNormalization as _;

/// The maximum length of a name that is matched, in bytes; file systems allow 255.
const MAX_NAME_BYTES: usize = 1024;

/// The files of a ZIP, and those that the document names differently.
#[derive(Debug, Default)]
pub(super) struct PhotoNames {
    /// All files, and whether the document names them exactly.
    files: HashMap<String, bool>,
    /// Files by their composed name (NFC).
    composed: HashMap<String, Candidate>,
    /// Files by their composed name in lowercase.
    lowercase: HashMap<String, Candidate>,
    /// The files with names that differ, each with its names in the document.
    differing: HashMap<String, HashSet<String>>,
}

/// The files that have a changed name.
#[derive(Debug)]
enum Candidate {
    One(String),
    /// Several files, so it is unknown which one is meant.
    Several,
}

impl PhotoNames {
    pub(super) fn of<'a>(files: impl Iterator<Item = &'a str>) -> Self {
        let mut names = Self::default();
        for file in files {
            if file.len() > MAX_NAME_BYTES || names.files.insert(file.to_owned(), false).is_some() {
                continue;
            }
            let composed = composed(file);
            add(&mut names.lowercase, composed.to_lowercase(), file);
            add(&mut names.composed, composed, file);
        }
        names
    }

    /// Adds a name in the document.
    pub(super) fn add_document_name(&mut self, name: &str) {
        if self.files.is_empty() || name.len() > MAX_NAME_BYTES {
            return;
        }
        if let Some(is_named) = self.files.get_mut(name) {
            *is_named = true;
            return;
        }
        let composed = composed(name);
        let candidate =
            self.composed.get(&composed).or_else(|| self.lowercase.get(composed.to_lowercase().as_str()));
        let Some(Candidate::One(file)) = candidate else { return };
        let document_names = self.differing.entry(file.clone()).or_default();
        // More than two names are as ambiguous as two.
        if document_names.len() < 2 {
            document_names.insert(name.to_owned());
        }
    }

    /// Returns the document's names of the files that it names differently.
    pub(super) fn into_differing(self) -> HashMap<String, String> {
        let Self { files, differing, .. } = self;
        let is_unnamed = |file: &str| files.get(file) == Some(&false);
        differing
            .into_iter()
            .filter(|(file, names)| names.len() == 1 && is_unnamed(file))
            .filter_map(|(file, names)| names.into_iter().next().map(|name| (file, name)))
            .collect()
    }
}

fn composed(name: &str) -> String {
    name.nfc().collect()
}

fn add(names: &mut HashMap<String, Candidate>, name: String, file: &str) {
    names
        .entry(name)
        .and_modify(|candidate| *candidate = Candidate::Several)
        .or_insert_with(|| Candidate::One(file.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differing(files: &[&str], document: &[&str]) -> Vec<(String, String)> {
        let mut names = PhotoNames::of(files.iter().copied());
        for name in document {
            names.add_document_name(name);
        }
        let mut differing: Vec<_> = names.into_differing().into_iter().collect();
        differing.sort();
        differing
    }

    #[test]
    fn changed_names_are_matched_when_they_are_unique() {
        let pair = |file: &str, name: &str| vec![(file.to_owned(), name.to_owned())];
        assert_eq!(differing(&["u\u{308}.jpg", "a.jpg"], &["ü.jpg", "a.jpg"]), pair("u\u{308}.jpg", "ü.jpg"));
        assert_eq!(differing(&["Caps.JPG"], &["caps.jpg"]), pair("Caps.JPG", "caps.jpg"));
        assert_eq!(differing(&["U\u{308}.JPG"], &["ü.jpg", "ü.jpg"]), pair("U\u{308}.JPG", "ü.jpg"));
        let unmatched: [(&[&str], &[&str]); 5] = [
            (&["a.jpg"], &["a.jpg", "b.jpg"]),
            // The document already names the file.
            (&["a.jpg"], &["A.jpg", "a.jpg"]),
            (&["a.jpg"], &["a.jpg", "A.jpg"]),
            (&["a.jpg"], &["A.jpg", "a.JPG"]),
            (&["a.jpg", "A.jpg"], &["a.JPG"]),
        ];
        for (files, document) in unmatched {
            assert_eq!(differing(files, document), [], "{files:?} {document:?}");
        }
    }
}
