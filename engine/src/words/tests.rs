use super::*;

#[test]
fn the_browsers_preferred_language_is_chosen() {
    let translations = Translations::built_in().unwrap();
    for (header, expected) in [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr-FR,fr;q=0.9,de;q=0.5", "de"),
        ("fr", "en"),
        ("", "en"),
        ("*;q=x,,;;", "en"),
        ("en-GB,de;q=0.3", "en"),
    ] {
        assert_eq!(translations.accepted(header).code(), expected, "{header}");
    }
    assert!(translations.named("de").is_some() && translations.named("xx").is_none());
}

#[test]
fn numbers_and_dates_are_formatted_by_language() {
    let translations = Translations::built_in().unwrap();
    let (english, german) = (translations.named("en").unwrap(), translations.named("de").unwrap());
    let time = chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    assert_eq!(
        (english.day(time), german.day(time)),
        ("18 November 2026".into(), "18. November 2026".into())
    );
    assert_eq!(english.size(12_345_678), "12.3 MB");
    assert_eq!(german.size(12_345_678), "12,3 MB");
    assert_eq!((english.number(1_234_567), german.number(999)), ("1,234,567".into(), "999".into()));
    assert_eq!(german.number(1000), "1.000");
    assert_eq!(english.say("no such key"), "no such key");
}
