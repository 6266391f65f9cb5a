//! Transport: a mail server, or a folder for demos and tests.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{AsyncFileTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::outbox::ClaimedMail;
use crate::config::MailSection;

/// Timeout for responses of the mail server.
const SERVER_TIMEOUT: Duration = Duration::from_secs(30);

/// The mail transport.
pub(super) struct Transport {
    connection: Connection,
    from: Mailbox,
}

enum Connection {
    Server(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Folder(AsyncFileTransport<Tokio1Executor>),
}

/// The reason why a mail was not sent.
pub(super) struct SendError {
    pub(super) reason: String,
    /// True if retrying is pointless.
    pub(super) is_permanent: bool,
}

impl Transport {
    /// Opens the transport; `None` if mail is disabled.
    pub(super) fn open(section: &MailSection) -> Result<Option<Self>, String> {
        let connection = match (&section.server, &section.folder) {
            (Some(server), _) => {
                let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(server);
                let builder = builder
                    .map_err(|error| format!("mail.server is not the address of a mail server: {error}"))?;
                Connection::Server(Box::new(builder.timeout(Some(SERVER_TIMEOUT)).build()))
            }
            (None, Some(folder)) => {
                let folder = PathBuf::from(folder);
                std::fs::create_dir_all(&folder).map_err(|error| format!("mail.folder: {error}"))?;
                Connection::Folder(AsyncFileTransport::new(folder))
            }
            (None, None) => return Ok(None),
        };
        let from = section.from.as_deref().unwrap_or_default();
        let from = from.parse().map_err(|error| format!("mail.from {from:?} is not an address: {error}"))?;
        Ok(Some(Self { connection, from }))
    }

    pub(super) async fn send(&self, mail: &ClaimedMail) -> Result<(), SendError> {
        let permanent = |reason: String| SendError { reason, is_permanent: true };
        let to: Mailbox = mail.to.parse().map_err(|error| permanent(format!("not an address: {error}")))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject.clone())
            // Prevents automatic replies.
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.body.clone())
            .map_err(|error| permanent(error.to_string()))?;
        match &self.connection {
            Connection::Server(server) => server.send(message).await.map(drop).map_err(|error| SendError {
                reason: without_addresses(&error.to_string(), &mail.to),
                is_permanent: error.is_permanent(),
            }),
            Connection::Folder(folder) => folder
                .send(message)
                .await
                .map(drop)
                .map_err(|error| SendError { reason: error.to_string(), is_permanent: false }),
        }
    }
}

/// Removes e-mail addresses from a mail server's response, which often contains the recipient: it is logged, and
/// stored for longer than the mail.
fn without_addresses(response: &str, recipient: &str) -> String {
    let recipient = recipient.to_lowercase();
    let name = recipient.split('@').next().unwrap_or_default();
    let is_address = |word: &str| {
        let word = word.to_lowercase();
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        word.contains('@') || (!name.is_empty() && word == name)
    };
    let words = response.split(' ').map(|word| if is_address(word) { "(address)" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// The header `Auto-Submitted: auto-generated` (RFC 3834).
#[derive(Clone, Copy)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::without_addresses;

    #[test]
    fn addresses_are_removed_from_responses() {
        for (response, expected) in [
            ("550 5.1.1 <Ida@mail.example>: User unknown", "550 5.1.1 (address) User unknown"),
            ("no mailbox here for ida, sorry", "no mailbox here for (address) sorry"),
            ("450 try later", "450 try later"),
        ] {
            assert_eq!(without_addresses(response, "ida@mail.example"), expected);
        }
    }
}
