//! Somebody who moves to a pod by program.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::service::{Answer, Browser};

/// The part of an upload that is the archive itself, as its metadata names it.
pub const ARCHIVE: &str = "part YXJjaGl2ZQ==";
/// The ZIP of photos beside it.
pub const PHOTOS: &str = "part cGhvdG9z";

/// Why the door did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// No answer came.
    #[error(transparent)]
    Request(#[from] reqwest::Error),
    /// Another answer came than the one that was expected.
    #[error("{path} was answered with {status}: {text}")]
    Answer {
        /// What was asked.
        path: String,
        /// The status.
        status: StatusCode,
        /// What came with it.
        text: String,
    },
    /// The answer is no JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

fn expect(path: &str, answer: Answer, status: StatusCode) -> Result<Answer, DoorError> {
    if answer.status == status {
        return Ok(answer);
    }
    Err(DoorError::Answer { path: path.to_owned(), status: answer.status, text: answer.text() })
}

/// Somebody who has begun: a program with their secret. It is a [`Browser`] for everything that has no name here.
#[derive(Debug, Clone)]
pub struct Mover(Browser);

impl std::ops::Deref for Mover {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.0
    }
}

impl std::ops::DerefMut for Mover {
    fn deref_mut(&mut self) -> &mut Browser {
        &mut self.0
    }
}

impl Mover {
    /// Begins at a service, with what it is told at the beginning: an invitation, or nothing (`{}`).
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn begin(url: &str, beginning: &Value) -> Result<Self, DoorError> {
        Self::begin_as(Browser::new(url)?, beginning).await
    }

    /// The same with a program that finds the service in a way of its own.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn begin_as(browser: Browser, beginning: &Value) -> Result<Self, DoorError> {
        let mut mover = Self(browser);
        let begun = mover.call(Method::POST, "", Some(beginning), StatusCode::CREATED).await?;
        let secret = begun["secret"].as_str().unwrap_or_default();
        mover.0.headers.push(("authorization", format!("Bearer {secret}")));
        Ok(mover)
    }

    /// The secret that says who this is.
    pub fn secret(&self) -> &str {
        let header = self.0.headers.iter().find(|(name, _)| *name == "authorization");
        header.and_then(|(_, value)| value.strip_prefix("Bearer ")).unwrap_or_default()
    }

    async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        status: StatusCode,
    ) -> Result<Value, DoorError> {
        let answer = self.ask(method, path, body).await?;
        let answer = expect(path, answer, status)?;
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// Asks the door for something, whatever it answers. Paths begin behind `/api/v1/newcomers`.
    ///
    /// # Errors
    /// No answer came.
    pub async fn ask(&mut self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<Answer> {
        let headers: &[_] = if body.is_some() { &[("content-type", "application/json")] } else { &[] };
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.0.send(method, &format!("/api/v1/newcomers{path}"), headers, body).await
    }

    /// Announces an upload of so many bytes; its address stands in the answer.
    ///
    /// # Errors
    /// No answer came.
    pub async fn create(&mut self, part: &str, bytes: usize) -> reqwest::Result<Answer> {
        let length = bytes.to_string();
        let headers = [TUS, ("upload-length", length.as_str()), ("upload-metadata", part)];
        self.0.send(Method::POST, "/newcomers/uploads", &headers, Vec::new()).await
    }

    /// Uploads a file whole, as a part of what is handed in.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn upload(&mut self, part: &str, bytes: Vec<u8>) -> Result<(), DoorError> {
        let made = self.create(part, bytes.len()).await?;
        let place = expect("/newcomers/uploads", made, StatusCode::CREATED)?.location().to_owned();
        let sent = send_piece(&mut self.0, &place, 0, bytes).await?;
        expect(&place, sent, StatusCode::NO_CONTENT).map(drop)
    }

    /// Has what was uploaded looked at.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn look(&mut self) -> Result<(), DoorError> {
        self.call(Method::POST, "/me/look", Some(&json!({})), StatusCode::ACCEPTED).await.map(drop)
    }

    /// Chooses a name.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn choose(&mut self, name: &str, password: &str) -> Result<(), DoorError> {
        let choice =
            json!({ "username": name, "email": format!("{name}@mail.example"), "password": password });
        self.call(Method::POST, "/me/choice", Some(&choice), StatusCode::ACCEPTED).await.map(drop)
    }

    /// How the move stands.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn now(&mut self) -> Result<Value, DoorError> {
        self.call(Method::GET, "/me", None, StatusCode::OK).await
    }
}

/// The version of the protocol for uploads.
pub const TUS: (&str, &str) = ("tus-resumable", "1.0.0");

/// Sends a piece of an upload that begins at an offset.
///
/// # Errors
/// No answer came.
pub async fn send_piece(
    browser: &mut Browser,
    place: &str,
    at: usize,
    bytes: Vec<u8>,
) -> reqwest::Result<Answer> {
    let at = at.to_string();
    let headers = [TUS, ("content-type", "application/offset+octet-stream"), ("upload-offset", at.as_str())];
    browser.send(Method::PATCH, place, &headers, bytes).await
}
