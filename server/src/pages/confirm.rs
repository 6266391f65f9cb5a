//! A confirmation page for actions that cannot be undone.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::Page;
use crate::error::WebError;

/// A question that asks for confirmation.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// The action.
    pub title: String,
    /// Its consequences, in numbers.
    pub texts: Vec<String>,
    /// The label of the button.
    pub button: String,
    /// The target of the form, which receives the field `confirmed`.
    pub action: String,
    /// Other fields of the form.
    pub fields: Vec<(&'static str, String)>,
    /// The target of the cancel link.
    pub back: &'static str,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    page: &'a Page,
    question: Question,
}

impl Page {
    /// Shows the question.
    ///
    /// # Errors
    /// [`WebError::Internal`].
    pub fn ask(&self, question: Question) -> Result<Response, WebError> {
        self.show(StatusCode::OK, &ConfirmPage { page: self, question })
    }
}
