//! Range and conditional requests (RFC 9110, sections 13 and 14).

use axum::http::HeaderMap;
use axum::http::header::{IF_NONE_MATCH, IF_RANGE, RANGE};

/// The part of the file to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The whole file.
    Whole,
    /// From the first byte to the last, both included.
    Range(u64, u64),
    /// The range lies beyond the end.
    Beyond,
    /// The client already has the file.
    Unchanged,
}

/// Parses the headers for a file of this size with a strong ETag. Several ranges at once are answered with the whole
/// file.
pub(super) fn part(headers: &HeaderMap, size: u64, etag: &str) -> Part {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let matches = |list: &str| {
        list.split(',').any(|entry| entry.trim().trim_start_matches("W/") == etag || entry.trim() == "*")
    };
    if text(IF_NONE_MATCH).is_some_and(matches) {
        return Part::Unchanged;
    }
    // A weak tag or a date does not identify the bytes.
    if text(IF_RANGE).is_some_and(|value| value.trim() != etag) {
        return Part::Whole;
    }
    let Some(range) = text(RANGE).and_then(|range| range.trim().strip_prefix("bytes=")) else {
        return Part::Whole;
    };
    let Some((first, last)) = range.split_once('-').filter(|(_, last)| !last.contains(',')) else {
        return Part::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        return match last.parse::<u64>() {
            Ok(0) => Part::Beyond,
            Ok(_) if size == 0 => Part::Beyond,
            Ok(count) => Part::Range(size.saturating_sub(count), size - 1),
            Err(_) => Part::Whole,
        };
    }
    let Ok(first) = first.parse::<u64>() else { return Part::Whole };
    let last = if last.is_empty() { Ok(u64::MAX) } else { last.parse::<u64>() };
    match last {
        Ok(last) if last < first => Part::Whole,
        Ok(_) if first >= size => Part::Beyond,
        Ok(last) => Part::Range(first, last.min(size - 1)),
        Err(_) => Part::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&'static str, &'static str)]) -> Part {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        part(&headers.collect(), 100, "\"tag\"")
    }

    #[test]
    fn one_range_or_the_whole_file() {
        for (range, expected) in [
            ("bytes=0-9", Part::Range(0, 9)),
            ("bytes=90-", Part::Range(90, 99)),
            ("bytes=-10", Part::Range(90, 99)),
            ("bytes=-1000", Part::Range(0, 99)),
            ("bytes=50-1000", Part::Range(50, 99)),
            ("bytes=100-", Part::Beyond),
            ("bytes=-0", Part::Beyond),
            ("bytes=9-5", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=", Part::Whole),
            ("lines=1-2", Part::Whole),
            ("bytes=99999999999999999999-", Part::Whole),
        ] {
            assert_eq!(parse(&[("range", range)]), expected, "{range}");
        }
    }

    #[test]
    fn ranges_need_the_same_etag() {
        let range = ("range", "bytes=10-19");
        assert_eq!(parse(&[range, ("if-range", "\"tag\"")]), Part::Range(10, 19));
        assert_eq!(parse(&[range, ("if-range", "\"other\"")]), Part::Whole);
        assert_eq!(parse(&[range, ("if-range", "W/\"tag\"")]), Part::Whole);
        assert_eq!(parse(&[("if-none-match", "\"a\", W/\"tag\"")]), Part::Unchanged);
        assert_eq!(parse(&[("if-none-match", "\"a\"")]), Part::Whole);
    }
}
