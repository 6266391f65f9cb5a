//! Mail: what is to be sent stands in the store, each under a name of its own, so nobody gets it twice; it is sent
//! slowly, and again while the mail server is away.

mod letters;
mod outbox;
mod send;
mod transport;

pub use letters::{Letter, archive_ended, queue, signature};
pub use outbox::{Outbox, OutboxError};
pub use send::send;
