//! The functions of the pages as JSON under `/api/v1`, described by an `OpenAPI` document at `/api/openapi.json` and,
//! for people, at `/api/docs`. Callers use a session or a token; errors are problem documents (RFC 9457).

mod archives;
mod board;
mod caller;
mod docs;
pub(crate) mod problems;
mod requests;
mod tokens;

use axum::extract::Query;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::{Json, Router};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::WebError;
use crate::newcomers;

pub use caller::{Caller, Scope};
pub use problems::ProblemDocument;

/// The `OpenAPI` document without its paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Pappus",
        description = "Archives of accounts of a diaspora* pod: ask for one, watch it, fetch it, and bring one to a new pod. \
                       For podmins: the board.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    modifiers(&Security)
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        let token = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        components.add_security_scheme("token", token);
        let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("pappus")));
        components.add_security_scheme("session", session);
        // The secret of a newcomer.
        let newcomer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        components.add_security_scheme("newcomer", newcomer);
    }
}

/// Returns the request body, or an error that names what is invalid.
pub(crate) fn body<T>(request: Result<Json<T>, JsonRejection>) -> Result<T, WebError> {
    request.map(|Json(value)| value).map_err(|error| WebError::BadRequest(error.body_text()))
}

/// Returns the query parameters, or an error that names what is invalid.
pub(crate) fn query<T>(parameters: Result<Query<T>, QueryRejection>) -> Result<T, WebError> {
    parameters.map(|Query(value)| value).map_err(|error| WebError::BadRequest(error.body_text()))
}

/// Returns the routes of the API with their OpenAPI documentation.
fn documented_routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(caller::me))
        .routes(routes!(requests::list, requests::ask))
        .routes(routes!(requests::get, requests::cancel))
        .routes(routes!(archives::list))
        .routes(routes!(archives::contents))
        .routes(routes!(archives::file))
        .routes(routes!(archives::stock))
        .routes(routes!(tokens::list, tokens::make))
        .routes(routes!(tokens::remove))
        .merge(board::documented_routes())
        .merge(newcomers::documented_routes())
}

/// Builds the routes and the `OpenAPI` document.
fn parts() -> (Router<App>, utoipa::openapi::OpenApi) {
    let (router, mut document) = documented_routes().split_for_parts();
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_name(method, path));
            }
        }
    }
    (router, document)
}

/// Returns a unique operation ID, as OpenAPI requires: functions of different modules share names.
fn operation_name(method: &str, path: &str) -> String {
    let segments =
        path.trim_start_matches("/api/v1/").split(['/', '{', '}']).filter(|segment| !segment.is_empty());
    segments.fold(method.to_owned(), |name, segment| format!("{name}_{segment}"))
}

/// Returns the `OpenAPI` document.
pub fn document() -> utoipa::openapi::OpenApi {
    parts().1
}

/// Returns the `OpenAPI` document as checked in.
pub fn document_text() -> String {
    let text = document().to_pretty_json().unwrap_or_default();
    format!("{text}\n")
}

/// Returns the routes of this module.
pub fn routes() -> Router<App> {
    let (router, document) = parts();
    router.merge(docs::routes(&document))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn operation_ids_are_unique() {
        let document = serde_json::to_value(super::document()).unwrap();
        let mut names = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{method} {path}: {name}");
            }
        }
        assert!(names.contains("get_newcomers_me") && names.contains("put_board_closing"), "{names:?}");
    }
}
