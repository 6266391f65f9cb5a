//! The way to the pods without a network.

use pappus_engine::delivery::Transport;
use pappus_engine::http::{Answer, HttpError};
use url::Url;

use super::clock::TwinClock;
use super::home::Home;
use super::world::World;

/// Carries what is sent to the pods of a world, and asks the target pod.
#[derive(Debug)]
pub struct TwinTransport<'a> {
    /// The pods.
    pub world: &'a World,
    /// The target pod.
    pub home: &'a Home,
    /// What host it has.
    pub home_host: &'a str,
    /// What time it is.
    pub clock: &'a TwinClock,
}

fn answer(status: u16, body: String) -> Answer {
    Answer { status, content_type: None, retry_after: None, body: body.into_bytes() }
}

fn unreachable(host: &str) -> HttpError {
    HttpError::Connect { host: host.to_owned(), reason: "connection refused".to_owned() }
}

impl Transport for TwinTransport<'_> {
    async fn get(&self, url: &Url, _: &str) -> Result<Answer, HttpError> {
        let host = url.authority();
        if host == self.home_host {
            let (status, body) = self
                .home
                .get(url.path(), url.query().unwrap_or_default())
                .await
                .map_err(|_| unreachable(host))?;
            return Ok(answer(status, body));
        }
        let place = (url.path(), url.query().unwrap_or_default());
        let (status, body) = self.world.get(host, place, url.scheme()).ok_or_else(|| unreachable(host))?;
        Ok(answer(status, body))
    }

    async fn post(&self, url: &Url, _: &str, body: Vec<u8>) -> Result<Answer, HttpError> {
        // Somebody else may be quicker, and a killed program stops here.
        tokio::task::yield_now().await;
        let host = url.authority();
        let status = self.world.post(host, url.path(), &body, self.clock.millis());
        tokio::task::yield_now().await;
        Ok(answer(status.ok_or_else(|| unreachable(host))?, String::new()))
    }
}
