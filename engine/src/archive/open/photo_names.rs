//! Matches the names of photo files in a ZIP with those in the document.
//!
//! File systems change names: macOS decomposes letters with accents, and some programs change case. Windows forbids some
//! characters, and older programs store names in code pages, so characters are replaced or misread.

use std::collections::{HashMap, HashSet};

use unicode_normalization::UnicodeNormalization as _;

/// The maximum length of a name that is matched, in bytes; file systems allow 255.
const MAX_NAME_BYTES: usize = 1024;
/// Characters that Windows forbids in names.
const FORBIDDEN: [char; 9] = ['<', '>', ':', '"', '/', '\\', '|', '?', '*'];
/// The characters that programs write in place of others.
const REPLACEMENTS: [char; 3] = ['_', '?', char::REPLACEMENT_CHARACTER];

/// The files of a ZIP, and those that the document names differently.
#[derive(Debug, Default)]
pub(super) struct PhotoNames {
    files: HashMap<String, File>,
    /// Files by their composed name (NFC).
    composed: HashMap<String, Candidate>,
    /// Files by their composed name in lowercase.
    lowercase: HashMap<String, Candidate>,
    /// Files by the form of [`masked`] of their composed name.
    masked: HashMap<String, Candidate>,
    /// The files with names that differ, each with its names in the document.
    differing: HashMap<String, HashSet<String>>,
}

/// A file of a ZIP.
#[derive(Debug)]
struct File {
    /// Whether the document names it exactly.
    is_named: bool,
    /// Whether its name was in a code page, so that letters outside ASCII may be misread.
    is_in_code_page: bool,
}

/// The files that have a changed name.
#[derive(Debug)]
enum Candidate {
    One(String),
    /// Several files, so it is unknown which one is meant.
    Several,
}

impl PhotoNames {
    /// Collects the files: their names, and whether these were in a code page.
    pub(super) fn of<'a>(files: impl Iterator<Item = (&'a str, bool)>) -> Self {
        let mut names = Self::default();
        for (file, is_in_code_page) in files {
            if file.len() > MAX_NAME_BYTES || names.files.contains_key(file) {
                continue;
            }
            names.files.insert(file.to_owned(), File { is_named: false, is_in_code_page });
            let composed = composed(file);
            add(&mut names.lowercase, composed.to_lowercase(), file);
            add(&mut names.masked, masked(&composed), file);
            add(&mut names.composed, composed, file);
        }
        names
    }

    /// Adds a name in the document.
    pub(super) fn add_document_name(&mut self, name: &str) {
        if self.files.is_empty() || name.len() > MAX_NAME_BYTES {
            return;
        }
        if let Some(file) = self.files.get_mut(name) {
            file.is_named = true;
            return;
        }
        let composed = composed(name);
        let candidate = self
            .composed
            .get(&composed)
            .or_else(|| self.lowercase.get(composed.to_lowercase().as_str()))
            .or_else(|| {
                self.masked.get(masked(&composed).as_str()).filter(|file| self.may_be(file, &composed))
            });
        let Some(Candidate::One(file)) = candidate else { return };
        let document_names = self.differing.entry(file.clone()).or_default();
        // More than two names are as ambiguous as two.
        if document_names.len() < 2 {
            document_names.insert(name.to_owned());
        }
    }

    /// Returns whether a file with the same masked name may have had this composed name: all characters that differ
    /// were replaced, or misread.
    fn may_be(&self, file: &Candidate, name: &str) -> bool {
        let Candidate::One(file) = file else { return false };
        let is_in_code_page = self.files.get(file).is_some_and(|file| file.is_in_code_page);
        let is_lost = |c: char| REPLACEMENTS.contains(&c) || (is_in_code_page && !c.is_ascii());
        composed(file).chars().zip(name.chars()).all(|(found, named)| found == named || is_lost(found))
    }

    /// Returns the document's names of the files that it names differently.
    pub(super) fn into_differing(self) -> HashMap<String, String> {
        let Self { files, differing, .. } = self;
        let is_unnamed = |file: &str| files.get(file).is_some_and(|file| !file.is_named);
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

/// Replaces every character that a program may replace by an underscore: names of the same form may be one.
fn masked(composed: &str) -> String {
    let is_replaced = |c: char| !c.is_ascii() || c.is_ascii_control() || FORBIDDEN.contains(&c);
    composed.chars().map(|c| if is_replaced(c) { '_' } else { c }).collect()
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
        // Names in code pages are marked by a colon here.
        let files =
            files.iter().map(|file| file.strip_prefix(':').map_or((*file, false), |file| (file, true)));
        let mut names = PhotoNames::of(files);
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

    #[test]
    fn replaced_characters_are_matched_when_one_file_and_one_name_fit() {
        for (file, name) in [
            ("10_30.jpg", "10:30.jpg"),
            ("what_.jpg", "what?.jpg"),
            ("\u{fc}_a.jpg", "\u{fc}|a.jpg"),
            ("gr??e.jpg", "gr\u{fc}\u{df}e.jpg"),
            ("\u{fffd}.jpg", "\u{e9}.jpg"),
        ] {
            assert_eq!(differing(&[file, "b.jpg"], &[name, "b.jpg"]), [(file.to_owned(), name.to_owned())]);
        }
        // Code page 1252, misread as 437.
        let misread = differing(&[":\u{207f}.jpg"], &["\u{fc}.jpg"]);
        assert_eq!(misread, [("\u{207f}.jpg".to_owned(), "\u{fc}.jpg".to_owned())]);
        let unmatched: [(&[&str], &[&str]); 8] = [
            (&["a_.jpg"], &["a:.jpg", "a?.jpg"]),
            (&["a_.jpg", "a?.jpg"], &["a:.jpg"]),
            (&["a_.jpg"], &["a:.jpg", "a_.jpg"]),
            // Another letter, length or ending.
            (&["a_.jpg"], &["ab.jpg"]),
            (&["a_.jpg"], &["a:b.jpg"]),
            (&["a_.jpg"], &["a:.png"]),
            // It is another name, in UTF-8.
            (&["\u{207f}.jpg"], &["\u{fc}.jpg"]),
            (&[":\u{207f}.jpg", ":\u{b7}.jpg"], &["\u{fc}.jpg"]),
        ];
        for (files, document) in unmatched {
            assert_eq!(differing(files, document), [], "{files:?} {document:?}");
        }
    }
}
