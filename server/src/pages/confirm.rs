//! A page that asks before something is done that cannot be taken back.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::Page;
use crate::error::WebError;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// What would be done.
    pub title: String,
    /// What is lost by it, in numbers.
    pub texts: Vec<String>,
    /// What the button says.
    pub button: String,
    /// Where the form goes; it comes there with the field `confirmed`.
    pub action: String,
    /// Other fields of the form.
    pub fields: Vec<(&'static str, String)>,
    /// Where those go who do not want it.
    pub back: &'static str,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    page: &'a Page,
    question: Question,
}

impl Page {
    /// Asks.
    ///
    /// # Errors
    /// [`WebError::Internal`].
    pub fn ask(&self, question: Question) -> Result<Response, WebError> {
        self.show(StatusCode::OK, &ConfirmPage { page: self, question })
    }
}
