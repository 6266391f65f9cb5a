//! The transport of deliveries to pods, and the meaning of their answers.

use url::Url;

use super::system::System;
use crate::http::{Answer, Client, HttpError};

/// Sends one request; does not follow redirects, does not retry.
pub trait Transport: Sync {
    /// GETs a document of a type such as `application/json`.
    fn get(&self, url: &Url, accept: &str) -> impl Future<Output = Result<Answer, HttpError>> + Send;

    /// POSTs a body. The caller limits the time for an answer as well.
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
    Retry,
    /// The pod is down or requests a pause: all its deliveries are to be retried.
    RetryPod,
}

/// Returns the result of a delivery to a pod of this software (`None` if it is not known) that had this answer or
/// error.
///
/// diaspora* answers 202 before it processes the message, so delivered does not mean accepted.
pub(super) fn classify(answer: &Result<Answer, HttpError>, system: Option<System>) -> DeliveryResult {
    match answer {
        Err(error) if error.is_dead_host() => DeliveryResult::RetryPod,
        // A redirect may be a mistake that gets fixed.
        Err(HttpError::Redirect { .. } | HttpError::TooLarge { .. }) => DeliveryResult::Retry,
        // Errors that a retry would not change.
        Err(_) => DeliveryResult::Rejected,
        Ok(answer) => match answer.status {
            200..=299 => DeliveryResult::Delivered,
            // The form of the message is rejected, which a retry would not change.
            413 | 415 | 422 => DeliveryResult::Rejected,
            // From diaspora* itself: gone permanently. In front of other software, it may also come from a front end,
            // or from a pod that is moving to another server.
            410 if system == Some(System::Diaspora) => DeliveryResult::Rejected,
            // "Too many requests", and the answers of proxies whose pod is down (520 to 523: Cloudflare).
            429 | 502..=504 | 520..=523 => DeliveryResult::RetryPod,
            // All others may be temporary: Hubzilla answers 400 if it could not fetch the sender's key, and front ends
            // under maintenance answer 401 to 405.
            _ => DeliveryResult::Retry,
        },
    }
}

/// Returns the HTTP status; `None` without an answer.
pub(super) fn status(answer: &Result<Answer, HttpError>) -> Option<u16> {
    match answer {
        Ok(answer) => Some(answer.status),
        Err(HttpError::Redirect { status, .. }) => Some(*status),
        Err(_) => None,
    }
}

/// Longest error text that is stored, in characters.
const MAX_ERROR_CHARS: usize = 200;

/// Returns the first non-empty line, without control characters, truncated.
fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().filter(|character| !character.is_control()).take(MAX_ERROR_CHARS).collect()
}

/// Returns a sentence about the error; `None` after success.
pub(super) fn error_text(answer: &Result<Answer, HttpError>) -> Option<String> {
    match answer {
        Err(error) => Some(first_line(&error.to_string())),
        Ok(answer) if answer.is_success() => None,
        Ok(answer) => {
            let line = first_line(&String::from_utf8_lossy(&answer.body));
            let separator = if line.is_empty() { "" } else { ": " };
            Some(format!("the pod answered {}{separator}{line}", answer.status))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "the type that a transport returns")]
    fn answer(status: u16, body: &str) -> Result<Answer, HttpError> {
        Ok(Answer { status, content_type: None, retry_after: None, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn every_status_has_a_result() {
        for (statuses, expected) in [
            (&[200, 202, 204][..], DeliveryResult::Delivered),
            (&[413, 415, 422], DeliveryResult::Rejected),
            (
                &[
                    400, 401, 403, 404, 405, 410, 499, 100, 301, 302, 307, 408, 425, 500, 501, 505, 599, 600,
                    0,
                ],
                DeliveryResult::Retry,
            ),
            (&[429, 502, 503, 504, 522], DeliveryResult::RetryPod),
        ] {
            for status in statuses {
                let answer = answer(*status, "");
                assert_eq!(classify(&answer, None), expected, "{status}");
                assert_eq!(error_text(&answer).is_none(), expected == DeliveryResult::Delivered);
                // Only the result of 410 depends on the software.
                let from_diaspora = if *status == 410 { DeliveryResult::Rejected } else { expected };
                assert_eq!(classify(&answer, Some(System::Diaspora)), from_diaspora, "{status}");
                for system in [System::Hubzilla, System::Friendica, System::Socialhome, System::Unknown] {
                    assert_eq!(classify(&answer, Some(system)), expected, "{status} {system}");
                }
            }
        }
    }

    #[test]
    fn every_error_has_a_result() {
        let host = || "pod.example".to_owned();
        for (error, expected) in [
            (HttpError::Connect { host: host(), reason: String::new() }, DeliveryResult::RetryPod),
            (HttpError::Broken { host: host(), reason: String::new() }, DeliveryResult::RetryPod),
            (HttpError::Timeout { host: host(), after: Duration::from_secs(30) }, DeliveryResult::RetryPod),
            (HttpError::NotPublic(host()), DeliveryResult::RetryPod),
            (HttpError::Redirect { host: host(), status: 301, location: None }, DeliveryResult::Retry),
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
        assert_eq!(text.chars().count(), MAX_ERROR_CHARS + "the pod answered 404: ".len());
        assert_eq!(error_text(&answer(404, "")).unwrap(), "the pod answered 404");
        let timeout = HttpError::Timeout { host: "pod.example".to_owned(), after: Duration::from_secs(30) };
        assert_eq!(error_text(&Err(timeout)).unwrap(), "pod.example did not answer within 30 s");
    }
}
