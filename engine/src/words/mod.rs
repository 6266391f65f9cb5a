//! Translated texts. They are Fluent files under `translations/LANGUAGE/`, of this crate and of those that add their
//! own; each language has the same keys.

use std::borrow::Cow;
use std::sync::Arc;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use fluent_langneg::{NegotiationStrategy, accepted_languages, negotiate_languages};
use rust_embed::RustEmbed;
use unic_langid::{CharacterDirection, LanguageIdentifier};

/// The supported languages, the default first.
pub const LANGUAGES: [(&str, &str); 2] = [("en", "English"), ("de", "Deutsch")];

/// The engine's texts: the pages of archives, names of records, dates and numbers.
#[derive(RustEmbed)]
#[folder = "translations/"]
pub struct EngineTexts;

/// The reason the texts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TranslationsError {
    /// A file is damaged.
    #[error("the translation {file} is damaged: {reason}")]
    Damaged {
        /// The file.
        file: String,
        /// The reason.
        reason: String,
    },
}

/// All languages.
#[derive(Clone, Default)]
pub struct Translations(Arc<Vec<(LanguageIdentifier, Words)>>);

impl Translations {
    /// Reads the engine's texts.
    ///
    /// # Errors
    /// [`TranslationsError`].
    pub fn built_in() -> Result<Self, TranslationsError> {
        Self::read(&[files::<EngineTexts>])
    }

    /// Reads the engine's texts and those of another crate.
    ///
    /// # Errors
    /// [`TranslationsError`].
    pub fn with<Texts: RustEmbed>() -> Result<Self, TranslationsError> {
        Self::read(&[files::<EngineTexts>, files::<Texts>])
    }

    fn read(sources: &[fn() -> Vec<TextFile>]) -> Result<Self, TranslationsError> {
        let files: Vec<TextFile> = sources.iter().flat_map(|source| source()).collect();
        let languages = LANGUAGES.iter().map(|(code, _)| read(code, &files));
        languages.collect::<Result<_, _>>().map(|languages| Self(Arc::new(languages)))
    }

    /// Returns the texts in the language with this code, if supported.
    pub fn named(&self, code: &str) -> Option<&Words> {
        self.0.iter().map(|(_, words)| words).find(|words| words.code() == code)
    }

    /// Returns the texts that best match a browser's `Accept-Language`.
    pub fn accepted(&self, header: &str) -> Words {
        // A browser may send a header of any size.
        let header = header.get(..header.len().min(200)).unwrap_or_default();
        let requested = accepted_languages::parse(header);
        let available: Vec<&LanguageIdentifier> = self.0.iter().map(|(language, _)| language).collect();
        let languages = negotiate_languages(&requested, &available, None, NegotiationStrategy::Lookup);
        let chosen =
            languages.first().and_then(|best| self.0.iter().find(|(language, _)| language == **best));
        chosen.or(self.0.first()).map(|(_, words)| words.clone()).unwrap_or_default()
    }
}

/// A file's name, such as `en/view.ftl`, and its content.
type TextFile = (String, Cow<'static, [u8]>);

fn files<Source: RustEmbed>() -> Vec<TextFile> {
    let content = |name: Cow<'static, str>| Some((name.to_string(), Source::get(&name)?.data));
    Source::iter().filter_map(content).collect()
}

fn read(code: &'static str, files: &[TextFile]) -> Result<(LanguageIdentifier, Words), TranslationsError> {
    let damaged = |file: &str, reason: String| TranslationsError::Damaged { file: file.to_owned(), reason };
    let language: LanguageIdentifier = code.parse().map_err(|error| damaged(code, format!("{error:?}")))?;
    let mut bundle = FluentBundle::new_concurrent(vec![language.clone()]);
    let is_right_to_left = language.character_direction() == CharacterDirection::RTL;
    // Right-to-left languages need isolation marks around inserted names; in others they are only clutter.
    bundle.set_use_isolating(is_right_to_left);
    for (name, content) in files {
        if !name.strip_prefix(code).is_some_and(|rest| rest.starts_with('/')) {
            continue;
        }
        let text = String::from_utf8_lossy(content).into_owned();
        let resource = FluentResource::try_new(text)
            .map_err(|(_, errors)| damaged(name, errors.iter().map(ToString::to_string).collect()))?;
        bundle.add_resource(resource).map_err(|errors| {
            damaged(name, errors.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        })?;
    }
    let direction = if is_right_to_left { "rtl" } else { "ltr" };
    Ok((language, Words(Some(Arc::new(LanguageTexts { code, direction, bundle })))))
}

/// The texts in one language, as Fluent messages.
struct LanguageTexts {
    code: &'static str,
    direction: &'static str,
    bundle: FluentBundle<FluentResource>,
}

/// The texts in one language.
#[derive(Clone, Default)]
pub struct Words(Option<Arc<LanguageTexts>>);

impl Words {
    /// Returns the language, as in HTML's `lang`.
    pub fn code(&self) -> &'static str {
        self.0.as_ref().map_or("en", |texts| texts.code)
    }

    /// Returns the text direction, as in HTML's `dir`.
    pub fn direction(&self) -> &'static str {
        self.0.as_ref().map_or("ltr", |texts| texts.direction)
    }

    /// Returns a text; the key itself if it does not exist.
    pub fn say(&self, key: &str) -> String {
        self.text(key).into_owned()
    }

    /// Returns a text without copying it, unless it is composed.
    pub fn text<'a>(&'a self, key: &'a str) -> Cow<'a, str> {
        let text = self.0.as_ref().and_then(|texts| {
            let pattern = texts.bundle.get_message(key)?.value()?;
            Some(texts.bundle.format_pattern(pattern, None, &mut Vec::new()))
        });
        text.unwrap_or(Cow::Borrowed(key))
    }

    /// Returns a text, if the key exists.
    pub fn find(&self, key: &str) -> Option<String> {
        let is_known = self.0.as_ref().is_some_and(|texts| texts.bundle.has_message(key));
        is_known.then(|| self.say(key))
    }

    /// Returns a text with values inserted: `words.with("footer", vec![("pod", pod.into())])`.
    pub fn with(&self, key: &str, values: Vec<(&str, FluentValue<'_>)>) -> String {
        let text = self.0.as_ref().and_then(|texts| {
            let pattern = texts.bundle.get_message(key)?.value()?;
            let values: FluentArgs<'_> = values.into_iter().collect();
            Some(texts.bundle.format_pattern(pattern, Some(&values), &mut Vec::new()).into_owned())
        });
        text.unwrap_or_else(|| key.to_owned())
    }

    /// Returns a text with one value inserted.
    pub fn one<'a>(&self, key: &str, name: &str, value: impl Into<FluentValue<'a>>) -> String {
        self.with(key, vec![(name, value.into())])
    }

    /// Returns a date: 23 November 2026, 23. November 2026.
    pub fn day(&self, time: chrono::DateTime<chrono::Utc>) -> String {
        let month = self.say(&format!("month-{}", time.format("%-m")));
        self.with(
            "day",
            vec![
                ("day", FluentValue::from(time.format("%-d").to_string())),
                ("month", FluentValue::from(month)),
                ("year", FluentValue::from(time.format("%Y").to_string())),
            ],
        )
    }

    /// Returns a date with hour and minute, UTC.
    pub fn moment(&self, time: chrono::DateTime<chrono::Utc>) -> String {
        let clock = time.format("%H:%M").to_string();
        self.with("moment", vec![("day", self.day(time).into()), ("time", clock.into())])
    }

    /// Returns a size in bytes for display: 12.3 MB.
    pub fn size(&self, bytes: u64) -> String {
        let (mut whole, mut unit_index) = (bytes, 0);
        let units = ["bytes", "kB", "MB", "GB", "TB"];
        let mut tenths = 0;
        while whole >= 1000 && unit_index + 1 < units.len() {
            tenths = whole % 1000 / 100;
            whole /= 1000;
            unit_index += 1;
        }
        let number = if unit_index == 0 {
            whole.to_string()
        } else {
            format!("{whole}{}{tenths}", self.say("decimal-point"))
        };
        let unit = units.get(unit_index).copied().unwrap_or_default();
        format!(
            "{number} {}",
            if unit == "bytes" { Cow::Owned(self.say("bytes")) } else { Cow::Borrowed(unit) }
        )
    }

    /// Returns a number for display: 12,345.
    pub fn number(&self, number: u64) -> String {
        let (digits, separator) = (number.to_string(), self.say("thousands-separator"));
        let mut text = String::new();
        for (position, digit) in digits.chars().enumerate() {
            if position > 0 && (digits.len() - position).is_multiple_of(3) {
                text.push_str(&separator);
            }
            text.push(digit);
        }
        text
    }
}

#[cfg(test)]
mod tests;
