//! Translated texts of the pages, mails and API: Fluent files under `translations/LANGUAGE/`, one for each module,
//! in addition to the engine's.

use rust_embed::RustEmbed;

pub use pappus_engine::words::{LANGUAGES, Translations, TranslationsError, Words};

#[derive(RustEmbed)]
#[folder = "translations/"]
struct Files;

/// Reads the built-in texts.
///
/// # Errors
/// [`TranslationsError`].
pub fn built_in() -> Result<Translations, TranslationsError> {
    Translations::with::<Files>()
}

#[cfg(test)]
mod tests;
