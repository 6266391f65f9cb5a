//! Forms that are accepted from our own pages only.

use axum::Form;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum_csrf::CsrfToken;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::error::WebError;

/// A form whose hidden field `token` matches the browser's cookie.
///
/// `CheckedForm<()>` is a form with only a button.
#[derive(Debug, Clone)]
pub struct CheckedForm<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for CheckedForm<T> {
    type Rejection = WebError;

    async fn from_request(request: Request, app: &App) -> Result<Self, WebError> {
        let (mut parts, body) = request.into_parts();
        let expected = CsrfToken::from_request_parts(&mut parts, app).await.map_err(|_| WebError::Form)?;
        let Form(pairs) = Form::<Vec<(String, String)>>::from_request(Request::from_parts(parts, body), app)
            .await
            .map_err(|error| WebError::BadRequest(error.body_text()))?;
        let token = pairs.iter().find(|(name, _)| name == "token").map(|(_, value)| value.as_str());
        expected.verify(token.unwrap_or_default()).map_err(|_| WebError::Form)?;
        let rest = pairs.into_iter().filter(|(name, _)| name != "token");
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(rest).finish();
        let value =
            serde_urlencoded::from_str(&text).map_err(|error| WebError::BadRequest(error.to_string()))?;
        Ok(Self(value))
    }
}
