//! The way from a program to PostgreSQL, on which the program's words are counted, and on which it can be killed
//! at any of them: just before the database hears it, or some moments after.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::victim::Victim;

/// A message of a program to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// By its number among all.
    Message(usize),
    /// By its number among those that end a transaction: what comes next is what the other database must know.
    Commit(usize),
}

/// Where a program is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) at: At,
    /// So long after the database has got it; without, before it gets it.
    pub(crate) after: Option<Duration>,
}

/// How much a program has said.
#[derive(Default)]
pub(crate) struct Count {
    messages: AtomicUsize,
    commits: AtomicUsize,
}

impl Count {
    /// All messages, and those that end a transaction.
    pub(crate) fn both(&self) -> (usize, usize) {
        (self.messages.load(Ordering::SeqCst), self.commits.load(Ordering::SeqCst))
    }

    /// Whether this message is the one.
    fn reaches(&self, message: &[u8], at: Option<At>) -> bool {
        let number = 1 + self.messages.fetch_add(1, Ordering::SeqCst);
        if at == Some(At::Message(number)) {
            return true;
        }
        if !message.windows(6).any(|word| word.eq_ignore_ascii_case(b"commit")) {
            return false;
        }
        at == Some(At::Commit(1 + self.commits.fetch_add(1, Ordering::SeqCst)))
    }
}

/// A port of its own in front of a database server.
pub(crate) struct Wire {
    pub(crate) port: u16,
    pub(crate) count: Arc<Count>,
}

impl Wire {
    /// For one program, which is killed at a point if there is one.
    pub(crate) async fn new(server: u16, victim: Arc<Victim>, point: Option<Point>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let counting = Arc::new(Count::default());
        let count = Arc::clone(&counting);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                for socket in [&client, &server] {
                    socket.set_nodelay(true).unwrap();
                }
                let (from_client, mut to_client) = client.into_split();
                let (mut from_server, to_server) = server.into_split();
                let (count, victim) = (Arc::clone(&count), Arc::clone(&victim));
                tokio::spawn(async move { forward(from_client, to_server, &count, point, &victim).await });
                tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            }
        });
        Self { port, count: counting }
    }
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    count: &Count,
    point: Option<Point>,
    victim: &Victim,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let reached = count.reaches(&buffer[..length], point.map(|point| point.at));
        let point = point.filter(|_| reached);
        match point.map(|point| point.after) {
            Some(None) => return victim.kill(),
            after => {
                if to.write_all(&buffer[..length]).await.is_err() {
                    return;
                }
                if let Some(Some(pause)) = after {
                    tokio::time::sleep(pause).await;
                    victim.kill();
                }
            }
        }
    }
}
