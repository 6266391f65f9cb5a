//! Mail: an outbox in the store, in which a unique key per mail prevents duplicates; mails are sent at a limited
//! rate, and retried while the mail server is unavailable.

mod letters;
mod outbox;
mod send;
mod transport;

pub use letters::{Mail, archive_ended, queue, signature};
pub use outbox::{Outbox, OutboxError};
pub use send::send;
