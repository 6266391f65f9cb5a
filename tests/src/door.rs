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

/// Somebody who has begun.
pub struct Mover(Browser);

impl Mover {
    /// Begins at a service.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn begin(url: &str) -> Result<Self, DoorError> {
        let mut mover = Self(Browser::new(url)?);
        let begun = mover.call(Method::POST, "", Some(json!({})), StatusCode::CREATED).await?;
        let secret = begun["secret"].as_str().unwrap_or_default();
        mover.0.headers.push(("authorization", format!("Bearer {secret}")));
        Ok(mover)
    }

    async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
        status: StatusCode,
    ) -> Result<Value, DoorError> {
        let path = format!("/api/v1/newcomers{path}");
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let answer = self.0.send(method, &path, &[("content-type", "application/json")], body).await?;
        let answer = expect(&path, answer, status)?;
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// Uploads a file whole, as a part of what is handed in.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn upload(&mut self, part: &str, bytes: Vec<u8>) -> Result<(), DoorError> {
        let length = bytes.len().to_string();
        let headers =
            [("tus-resumable", "1.0.0"), ("upload-length", length.as_str()), ("upload-metadata", part)];
        let path = "/newcomers/uploads";
        let made = self.0.send(Method::POST, path, &headers, Vec::new()).await?;
        let place = expect(path, made, StatusCode::CREATED)?.location().to_owned();
        let headers = [
            ("tus-resumable", "1.0.0"),
            ("upload-offset", "0"),
            ("content-type", "application/offset+octet-stream"),
        ];
        let sent = self.0.send(Method::PATCH, &place, &headers, bytes).await?;
        expect(&place, sent, StatusCode::NO_CONTENT).map(drop)
    }

    /// Has what was uploaded looked at.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn look(&mut self) -> Result<(), DoorError> {
        self.call(Method::POST, "/me/look", Some(json!({})), StatusCode::ACCEPTED).await.map(drop)
    }

    /// Chooses a name.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn choose(&mut self, name: &str, password: &str) -> Result<(), DoorError> {
        let choice =
            json!({ "username": name, "email": format!("{name}@mail.example"), "password": password });
        self.call(Method::POST, "/me/choice", Some(choice), StatusCode::ACCEPTED).await.map(drop)
    }

    /// How the move stands.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn now(&mut self) -> Result<Value, DoorError> {
        self.call(Method::GET, "/me", None, StatusCode::OK).await
    }
}
