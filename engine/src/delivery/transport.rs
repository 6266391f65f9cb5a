//! The transport of deliveries to pods, and the meaning of their answers.

use url::Url;

use super::system::System;
use crate::http::{Answer, Client, HttpError};

/// Sends one request; does not follow redirects, does not retry.
pub trait Transport: Sync {
    /// GETs a document of a type such as `application/json`.
    fn get(&self, url: &Url, accept: &str) -> impl Future<Output = Result<Answer, HttpError>> + Send;

    /// POSTs a body. The caller also limits the time for an answer.
    fn post(
        &self,
        url: &Url,
        content_type: &str,
        body: Vec<u8>,
    ) -> impl Future<Output = Result<Answer, HttpError>> + Send;
}

impl Transport for Client {
    async fn get(&self, url: &Url, accept: &str) -> Result<Answer, HttpError> {
        Client::get(self, &self.upgraded(url), accept).await
    }

    async fn post(&self, url: &Url, content_type: &str, body: Vec<u8>) -> Result<Answer, HttpError> {
        Client::post(self, &self.upgraded(url), content_type, body).await
    }
}

/// The result of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeliveryResult {
    /// The pod accepted it.
    Delivered,
    /// The pod will never accept it.
    Rejected,
    /// To be retried; the pod itself is up.
    Later,
    /// The pod is down, or asks for a pause: none of its deliveries now.
    PodLater,
}

/// Returns the meaning of an answer, or of its absence, for a delivery to a pod of this software; `None` if it is not known.
///
/// diaspora* answers 202 before it processes the message, so delivered does not mean accepted.
pub(super) fn classify(answer: &Result<Answer, HttpError>, system: Option<System>) -> DeliveryResult {
    match answer {
        Err(error) if error.is_dead_host() => DeliveryResult::PodLater,
        // A redirect may be a mistake that gets fixed.
        Err(HttpError::Redirect { .. } | HttpError::TooLarge { .. }) => DeliveryResult::Later,
        // Errors that a retry would not change.
        Err(_) => DeliveryResult::Rejected,
        Ok(answer) => match answer.status {
            200..=299 => DeliveryResult::Delivered,
            // About the message itself: its form, which a retry would not change.
            413 | 415 | 422 => DeliveryResult::Rejected,
            // From diaspora* itself, gone for good. Elsewhere, front ends answer so as well, and pods that move to
            // another server.
            410 if system == Some(System::Diaspora) => DeliveryResult::Rejected,
            // "Too many", and proxies' answers when the pod behind them is down (520 to 523: Cloudflare's).
            429 | 502..=504 | 520..=523 => DeliveryResult::PodLater,
            // All others are transient: Hubzilla answers 400 if it could not fetch the sender's key, and 401 to 405
            // come from front ends under repair.
            _ => DeliveryResult::Later,
        },
    }
}

/// Returns the HTTP status, if any.
pub(super) fn status(answer: &Result<Answer, HttpError>) -> Option<u16> {
    match answer {
        Ok(answer) => Some(answer.status),
        Err(HttpError::Redirect { status, .. }) => Some(*status),
        Err(_) => None,
    }
}

/// Longest error text that is stored, in characters.
const LONGEST_ERROR: usize = 200;

/// Returns the first non-empty line, without control characters, truncated.
fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().filter(|letter| !letter.is_control()).take(LONGEST_ERROR).collect()
}

/// Returns a sentence on the error, or none.
pub(super) fn error_text(answer: &Result<Answer, HttpError>) -> Option<String> {
    match answer {
        Err(error) => Some(first_line(&error.to_string())),
        Ok(answer) if answer.is_success() => None,
        Ok(answer) => {
            let line = first_line(&String::from_utf8_lossy(&answer.body));
            let colon = if line.is_empty() { "" } else { ": " };
            Some(format!("the pod answered {}{colon}{line}", answer.status))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "it is what a transport gives")]
    fn answer(status: u16, body: &str) -> Result<Answer, HttpError> {
        Ok(Answer { status, content_type: None, retry_after: None, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn every_status_has_its_verdict() {
        for (statuses, expected) in [
            (&[200, 202, 204][..], DeliveryResult::Delivered),
            (&[413, 415, 422], DeliveryResult::Rejected),
            (
                &[
                    400, 401, 403, 404, 405, 410, 499, 100, 301, 302, 307, 408, 425, 500, 501, 505, 599, 600,
                    0,
                ],
                DeliveryResult::Later,
            ),
            (&[429, 502, 503, 504, 522], DeliveryResult::PodLater),
        ] {
            for status in statuses {
                let answer = answer(*status, "");
                assert_eq!(classify(&answer, None), expected, "{status}");
                assert_eq!(error_text(&answer).is_none(), expected == DeliveryResult::Delivered);
                // The software decides about one status only.
                let from_diaspora = if *status == 410 { DeliveryResult::Rejected } else { expected };
                assert_eq!(classify(&answer, Some(System::Diaspora)), from_diaspora, "{status}");
                for system in [System::Hubzilla, System::Friendica, System::Socialhome, System::Unknown] {
                    assert_eq!(classify(&answer, Some(system)), expected, "{status} {system}");
                }
            }
        }
    }

    #[test]
    fn so_has_every_error() {
        let host = || "pod.example".to_owned();
        for (error, expected) in [
            (HttpError::Connect { host: host(), reason: String::new() }, DeliveryResult::PodLater),
            (HttpError::Broken { host: host(), reason: String::new() }, DeliveryResult::PodLater),
            (HttpError::Timeout { host: host(), after: Duration::from_secs(30) }, DeliveryResult::PodLater),
            (HttpError::NotPublic(host()), DeliveryResult::PodLater),
            (HttpError::Redirect { host: host(), status: 301, location: None }, DeliveryResult::Later),
            (HttpError::NotHttps(host()), DeliveryResult::Rejected),
            (HttpError::BadUrl(host()), DeliveryResult::Rejected),
        ] {
            assert_eq!(classify(&Err(error), None), expected);
        }
        assert_eq!(
            status(&Err(HttpError::Redirect { host: host(), status: 301, location: None })),
            Some(301)
        );
    }

    #[test]
    fn errors_are_one_short_line() {
        let body = format!("\n \r\n  no\0t fo\x1b[31mund{}\nmore", "é".repeat(500));
        let text = error_text(&answer(404, &body)).unwrap();
        assert!(text.starts_with("the pod answered 404: not fo[31mundéé"), "{text}");
        assert_eq!(text.chars().count(), LONGEST_ERROR + "the pod answered 404: ".len());
        assert_eq!(error_text(&answer(404, "")).unwrap(), "the pod answered 404");
        let late = HttpError::Timeout { host: "pod.example".to_owned(), after: Duration::from_secs(30) };
        assert_eq!(error_text(&Err(late)).unwrap(), "pod.example did not answer within 30 s");
    }
}
