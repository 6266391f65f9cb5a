//! The public part of a profile: the data that a pod stores about people of other pods whom it has looked up and who
//! have not sent their profile yet.

use crate::domain::Profile;
use crate::sql::Dialect;

/// The longest first or last name that diaspora* allows, in characters (`Profile`, `HCardValidator`).
const MAX_NAME_CHARS: usize = 32;
/// The maximum length of `profiles.full_name`, in characters.
const MAX_FULL_NAME_CHARS: usize = 70;
/// The maximum length of the addresses of photos in MySQL and MariaDB, in characters; unlimited elsewhere.
const MAX_MYSQL_ADDRESS_CHARS: usize = 255;

/// Names, avatar, and visibility in the search: the columns of `profiles` that an hCard fills
/// (`save_person_after_webfinger` in diaspora*'s `config/initializers/diaspora_federation.rb`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonProfile {
    /// First part of the display name, at most 32 characters.
    pub first_name: Option<String>,
    /// Second part of the display name, at most 32 characters.
    pub last_name: Option<String>,
    /// Avatar, 300 pixels wide.
    pub image_url: Option<String>,
    /// Avatar, 100 pixels wide.
    pub image_url_medium: Option<String>,
    /// Avatar, 50 pixels wide.
    pub image_url_small: Option<String>,
    /// True if the pod's search finds the person by name.
    pub searchable: bool,
}

impl PersonProfile {
    /// Reads an hCard. A person without first and last name gets them from the display name: other software may
    /// publish only that.
    pub fn from_hcard(card: &Profile) -> Self {
        let part = |name: &Option<String>| non_empty(shortened(name.as_deref().unwrap_or_default()));
        let (mut first_name, mut last_name) = (part(&card.first_name), part(&card.last_name));
        if (&first_name, &last_name) == (&None, &None) {
            (first_name, last_name) = name_parts(card.full_name.as_deref().unwrap_or_default());
        }
        Self {
            first_name,
            last_name,
            image_url: card.image_url.clone(),
            image_url_medium: card.image_url_medium.clone(),
            image_url_small: card.image_url_small.clone(),
            searchable: card.searchable == Some(true),
        }
    }

    /// Creates a profile from a display name: archives contain nothing else about other people.
    ///
    /// An archive does not say whether they want to be found, so the search does not find them. Those who want that
    /// send it with the next change of their profile.
    pub fn from_display_name(name: &str) -> Self {
        let (first_name, last_name) = name_parts(name);
        Self {
            first_name,
            last_name,
            image_url: None,
            image_url_medium: None,
            image_url_small: None,
            searchable: false,
        }
    }

    /// Removes addresses that the pod's database cannot store.
    pub(crate) fn without_long_addresses(mut self, dialect: Dialect) -> Self {
        if dialect == Dialect::MySql {
            for address in [&mut self.image_url, &mut self.image_url_medium, &mut self.image_url_small] {
                address.take_if(|address| address.chars().nth(MAX_MYSQL_ADDRESS_CHARS).is_some());
            }
        }
        self
    }

    /// Returns `profiles.full_name`, by which the search finds people: as `Profile#construct_full_name` builds it, in
    /// lowercase character by character, as Ruby does, without a final sigma.
    pub fn full_name(&self) -> String {
        let [first, last] =
            [&self.first_name, &self.last_name].map(|name| name.as_deref().unwrap_or_default());
        let lowercase: String = format!("{first} {last}").chars().flat_map(char::to_lowercase).collect();
        lowercase.trim().chars().take(MAX_FULL_NAME_CHARS).collect()
    }
}

/// Returns whether earlier versions would have derived these names from a display name: the first one with all of it,
/// as far as it fitted, and the last one with the rest.
pub(crate) fn were_joined(first: &str, last: &str) -> bool {
    let (first_part, last_part) = name_parts(format!("{first} {last}").trim());
    (first_part.as_deref().unwrap_or_default(), last_part.as_deref().unwrap_or_default()) == (first, last)
}

/// Splits a display name into first and last name: all in the first one if it fits.
fn name_parts(name: &str) -> (Option<String>, Option<String>) {
    let name: String = name.chars().filter(|c| *c != ';').collect();
    let name = name.trim();
    if name.chars().count() <= MAX_NAME_CHARS {
        return (non_empty(name.to_owned()), None);
    }
    let fits = |(index, _): &(usize, char)| {
        name.get(..*index).is_some_and(|first| first.chars().count() <= MAX_NAME_CHARS)
            && name.get(*index..).is_some_and(|last| last.trim().chars().count() <= MAX_NAME_CHARS)
    };
    let spaces = name.char_indices().filter(|(_, c)| *c == ' ');
    let index = spaces.filter(fits).map(|(index, _)| index).next_back();
    match index.and_then(|index| name.split_at_checked(index)) {
        Some((first, last)) => (non_empty(shortened(first)), non_empty(shortened(last))),
        None => (non_empty(shortened(name)), None),
    }
}

/// Returns a part of a name as diaspora* allows it: without surrounding whitespace and semicolons, and cut to length.
fn shortened(name: &str) -> String {
    let name: String = name.chars().filter(|c| *c != ';').collect();
    name.trim().chars().take(MAX_NAME_CHARS).collect::<String>().trim_end().to_owned()
}

fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(first: &str, last: &str, full: &str) -> Profile {
        let text = serde_json::json!({
            "author": "ann@pod.example", "first_name": first, "last_name": last, "full_name": full,
            "searchable": false,
        });
        serde_json::from_value(text).unwrap()
    }

    fn names(profile: &PersonProfile) -> String {
        let text = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
        format!("{}|{}|{}", text(&profile.first_name), text(&profile.last_name), profile.full_name())
    }

    #[test]
    fn first_and_last_name_stay_as_the_hcard_has_them() {
        let of = |first, last, full| names(&PersonProfile::from_hcard(&card(first, last, full)));
        assert_eq!(of("Ann", "Bee", "Ann Bee"), "Ann|Bee|ann bee");
        assert_eq!(of("Ann Bee", "", "Ann Bee"), "Ann Bee|-|ann bee");
        assert_eq!(of("", " ΟΔΥΣΣΕΥΣ ", "x"), "-|ΟΔΥΣΣΕΥΣ|οδυσσευσ");
        assert_eq!(of("", "", "Only Here"), "Only Here|-|only here");
        assert_eq!(of("", "", ""), "-|-|");
        assert_eq!(of(&"a;b".repeat(20), "", ""), format!("{0}|-|{0}", "ab".repeat(16)));
        let long = PersonProfile::from_hcard(&card(&"İ".repeat(32), &"İ".repeat(32), ""));
        assert_eq!(long.full_name().chars().count(), MAX_FULL_NAME_CHARS);
    }

    #[test]
    fn people_known_only_from_an_archive_are_not_searchable() {
        let of = |name: &str| names(&PersonProfile::from_display_name(name));
        assert_eq!(of("Ann B"), "Ann B|-|ann b");
        assert_eq!(
            of("Anneliese-Margarethe von Hohenstaufen zu Lichtenberg"),
            "Anneliese-Margarethe von|Hohenstaufen zu Lichtenberg|\
             anneliese-margarethe von hohenstaufen zu lichtenberg"
        );
        assert_eq!(of(&"x".repeat(40)), format!("{0}|-|{0}", "x".repeat(32)));
        assert_eq!(of(" ; "), "-|-|");
        assert!(!PersonProfile::from_display_name("Ann").searchable);
    }

    #[test]
    fn joined_names_are_recognized() {
        let long = "Anneliese-Margarethe von Hohenstaufen zu Lichtenberg";
        let (first, last) = name_parts(long);
        assert!(were_joined(&first.unwrap(), &last.unwrap()));
        assert!(were_joined("Ann Bee", "") && were_joined("", "") && were_joined(&"x".repeat(32), ""));
        assert!(!were_joined("Ann", "Bee") && !were_joined("", "Bee"));
    }
}
