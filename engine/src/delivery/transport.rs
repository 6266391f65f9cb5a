//! What carries a delivery to a pod, and what the pod's answer means.

use std::time::Duration;

use url::Url;

use crate::domain::Timestamp;
use crate::http::{self, Client, HttpError};

/// What a pod answered.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<RetryAfter>,
    /// The beginning of the body; a few hundred bytes are enough.
    pub body: Vec<u8>,
}

/// When a pod wants to be asked again (RFC 9110, 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// So much later.
    Delay(Duration),
    /// Then.
    At(Timestamp),
}

/// Why there was no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransportError {
    /// The pod took too long.
    #[error("no answer within {} seconds", .0.as_secs())]
    Timeout(Duration),
    /// No connection, a broken one, or an answer that is none.
    #[error("{0}")]
    Unreachable(String),
    /// Pappus may not connect to that address (see the configuration); trying again would not help.
    #[error("{0}")]
    Forbidden(String),
}

/// Sends one request; does not follow redirects, does not try again.
pub trait Transport: Sync {
    /// POSTs a body. The time an answer may take is limited by the caller.
    fn post(
        &self,
        url: &Url,
        content_type: &str,
        body: Vec<u8>,
    ) -> impl Future<Output = Result<Answer, TransportError>> + Send;
}

impl Transport for Client {
    async fn post(&self, url: &Url, content_type: &str, body: Vec<u8>) -> Result<Answer, TransportError> {
        match Self::post(self, url, content_type, body).await {
            Ok(answer) => {
                let retry_after = answer.retry_after.map(|after| match after {
                    http::RetryAfter::Delay(delay) => RetryAfter::Delay(delay),
                    http::RetryAfter::At(time) => RetryAfter::At(time),
                });
                Ok(Answer { status: answer.status, retry_after, body: answer.body })
            }
            // A redirect is an answer, and one that may be mended.
            Err(HttpError::Redirect { status, .. }) => Ok(Answer { status, ..Answer::default() }),
            Err(HttpError::Timeout { after, .. }) => Err(TransportError::Timeout(after)),
            Err(error @ (HttpError::NotPublic(_) | HttpError::NotHttps(_) | HttpError::BadUrl(_))) => {
                Err(TransportError::Forbidden(error.to_string()))
            }
            Err(error) => Err(TransportError::Unreachable(error.to_string())),
        }
    }
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The pod took it.
    Delivered,
    /// The pod will never take it.
    Rejected,
    /// This one again later; the pod itself is there.
    Later,
    /// The pod is not there, or asks to be left alone: none of its deliveries now.
    PodLater,
}

/// The status with its verdict.
///
/// diaspora* answers 202 before it has looked at what came, so delivered does not mean accepted.
pub(super) fn verdict(answer: &Result<Answer, TransportError>) -> Verdict {
    match answer {
        Err(TransportError::Timeout(_) | TransportError::Unreachable(_)) => Verdict::PodLater,
        Err(TransportError::Forbidden(_)) => Verdict::Rejected,
        Ok(answer) => match answer.status {
            200..=299 => Verdict::Delivered,
            408 | 425 => Verdict::Later,
            // "Too many", and what a proxy says when the pod behind it is down (520 to 523: Cloudflare's).
            429 | 502..=504 | 520..=523 => Verdict::PodLater,
            400..=499 => Verdict::Rejected,
            _ => Verdict::Later,
        },
    }
}

/// The longest error that is kept.
const LONGEST_ERROR: usize = 200;

/// The first line with anything in it, without control characters, shortened.
fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().filter(|letter| !letter.is_control()).take(LONGEST_ERROR).collect()
}

/// One sentence on what went wrong, or nothing.
pub(super) fn error_text(answer: &Result<Answer, TransportError>) -> Option<String> {
    match answer {
        Err(error) => Some(first_line(&error.to_string())),
        Ok(_) if verdict(answer) == Verdict::Delivered => None,
        Ok(answer) => {
            let line = first_line(&String::from_utf8_lossy(&answer.body));
            let colon = if line.is_empty() { "" } else { ": " };
            Some(format!("the pod answered {}{colon}{line}", answer.status))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_verdict() {
        for (statuses, expected) in [
            (&[200, 202, 204][..], Verdict::Delivered),
            (&[400, 401, 403, 404, 410, 422, 499], Verdict::Rejected),
            (&[100, 301, 302, 307, 408, 425, 500, 501, 505, 599, 600, 0], Verdict::Later),
            (&[429, 502, 503, 504, 522], Verdict::PodLater),
        ] {
            for status in statuses {
                let answer = Ok(Answer { status: *status, ..Answer::default() });
                assert_eq!(verdict(&answer), expected, "{status}");
                assert_eq!(error_text(&answer).is_none(), expected == Verdict::Delivered);
            }
        }
        assert_eq!(verdict(&Err(TransportError::Unreachable(String::new()))), Verdict::PodLater);
        assert_eq!(verdict(&Err(TransportError::Forbidden(String::new()))), Verdict::Rejected);
    }

    #[test]
    fn errors_are_one_short_line() {
        let body = format!("\n \r\n  no\0t fo\x1b[31mund{}\nmore", "é".repeat(500));
        let text =
            error_text(&Ok(Answer { status: 404, body: body.into_bytes(), retry_after: None })).unwrap();
        assert!(text.starts_with("the pod answered 404: not fo[31mundéé"), "{text}");
        assert_eq!(text.chars().count(), LONGEST_ERROR + "the pod answered 404: ".len());
        let empty = Ok(Answer { status: 404, ..Answer::default() });
        assert_eq!(error_text(&empty).unwrap(), "the pod answered 404");
        let timeout = Err(TransportError::Timeout(Duration::from_secs(30)));
        assert_eq!(error_text(&timeout).unwrap(), "no answer within 30 seconds");
    }
}
