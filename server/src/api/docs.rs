//! The API's documentation for people: one accessible page without scripts, generated from the `OpenAPI` document.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::Value;

use crate::app::App;
use crate::error::WebError;
use crate::pages::Page;

/// HTTP methods in display order.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

#[derive(Template)]
#[template(path = "api/docs.html")]
struct DocsPage<'a> {
    page: &'a Page,
    base: String,
    groups: Vec<Group>,
    schemas: Vec<Schema>,
}

/// Operations with the same tag.
struct Group {
    name: String,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    /// Required authentication.
    authentication: String,
    parameters: Vec<Field>,
    /// The request body.
    body: Vec<TypePart>,
    responses: Vec<OperationResponse>,
}

struct OperationResponse {
    status: String,
    description: String,
    body: Vec<TypePart>,
}

struct Schema {
    name: String,
    description: String,
    fields: Vec<Field>,
    /// The type, if it has no fields.
    kind: Vec<TypePart>,
}

struct Field {
    name: String,
    is_required: bool,
    kind: Vec<TypePart>,
    description: String,
}

/// A part of a type: text, or the name of a schema.
struct TypePart {
    text: String,
    is_schema: bool,
}

impl TypePart {
    fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_schema: false }
    }
}

/// Returns the routes of the page and of the document itself.
pub(super) fn routes(document: &utoipa::openapi::OpenApi) -> Router<App> {
    let document = serde_json::to_value(document).unwrap_or_default();
    Router::new()
        .route("/api/docs", get(show))
        .route("/api/docs/", get(async || Redirect::permanent("/api/docs")))
        .route("/api/openapi.json", get(async |Extension(Document(document))| Json(document)))
        .layer(Extension(Document(document)))
}

#[derive(Clone)]
struct Document(Value);

async fn show(
    State(app): State<App>,
    Extension(Document(document)): Extension<Document>,
    page: Page,
) -> Result<Response, WebError> {
    let template = DocsPage {
        base: app.config.web.public_url.to_string(),
        groups: groups(&document),
        schemas: schemas(&document),
        page: &page,
    };
    Ok(page.show(StatusCode::OK, &template)?.into_response())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn groups(document: &Value) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS.iter().filter(|method| item[**method].is_object()) {
            let operation = &item[*method];
            let tag = text(&operation["tags"][0]);
            let documented = operation_of(path, method, operation);
            match groups.iter_mut().find(|group| group.name == tag) {
                Some(group) => group.operations.push(documented),
                None => groups.push(Group { name: tag, operations: vec![documented] }),
            }
        }
    }
    groups
}

fn operation_of(path: &str, method: &str, operation: &Value) -> Operation {
    let parameter = |parameter: &Value| Field {
        name: text(&parameter["name"]),
        is_required: parameter["required"] == true,
        kind: kind(&parameter["schema"]),
        description: text(&parameter["description"]),
    };
    let response = |(status, response): (&String, &Value)| OperationResponse {
        status: status.clone(),
        description: text(&response["description"]),
        body: content(response),
    };
    let security = operation["security"].as_array().into_iter().flatten();
    let schemes: Vec<&str> =
        security.filter_map(|scheme| scheme.as_object()?.keys().next().map(String::as_str)).collect();
    Operation {
        id: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        authentication: schemes.join(", "),
        parameters: operation["parameters"].as_array().into_iter().flatten().map(parameter).collect(),
        body: content(&operation["requestBody"]),
        responses: operation["responses"].as_object().into_iter().flatten().map(response).collect(),
    }
}

/// Returns the type of a body.
fn content(value: &Value) -> Vec<TypePart> {
    let first = value["content"].as_object().and_then(|kinds| kinds.iter().next());
    first.map_or_else(Vec::new, |(media, body)| {
        let parts = kind(&body["schema"]);
        if parts.is_empty() { vec![TypePart::text(media.as_str())] } else { parts }
    })
}

fn schemas(document: &Value) -> Vec<Schema> {
    let all = document["components"]["schemas"].as_object().into_iter().flatten();
    let schema = |(name, schema): (&String, &Value)| {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let field = |(name, field): (&String, &Value)| Field {
            name: name.clone(),
            is_required: required.contains(&name.as_str()),
            kind: kind(field),
            description: text(&field["description"]),
        };
        let fields: Vec<Field> = schema["properties"].as_object().into_iter().flatten().map(field).collect();
        let kind = if fields.is_empty() { kind(schema) } else { Vec::new() };
        Schema { name: name.clone(), description: text(&schema["description"]), fields, kind }
    };
    all.map(schema).collect()
}

/// Describes a type in words: `list of Archive`, `integer or null`.
fn kind(schema: &Value) -> Vec<TypePart> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or(name);
        return vec![TypePart { text: name.to_owned(), is_schema: true }];
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(choices) = schema[choice].as_array() {
            return joined(choices.iter().map(kind));
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        return joined(values.iter().map(|value| vec![TypePart::text(text(value))]));
    }
    if schema["type"] == "array" {
        let mut parts = vec![TypePart::text("list of")];
        parts.extend(kind(&schema["items"]));
        return parts;
    }
    let mut parts = match &schema["type"] {
        Value::String(name) => vec![TypePart::text(name.as_str())],
        Value::Array(names) => joined(names.iter().map(|name| vec![TypePart::text(text(name))])),
        _ => Vec::new(),
    };
    if let Some(format) = schema["format"].as_str().filter(|format| !format.starts_with("int")) {
        parts.push(TypePart::text(format!("({format})")));
    }
    if schema["additionalProperties"].is_object() {
        parts.push(TypePart::text("of"));
        parts.extend(kind(&schema["additionalProperties"]));
    }
    parts
}

fn joined(kinds: impl Iterator<Item = Vec<TypePart>>) -> Vec<TypePart> {
    let mut parts = Vec::new();
    for kind in kinds {
        if !parts.is_empty() {
            parts.push(TypePart::text("or"));
        }
        parts.extend(kind);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_and_every_schema_is_on_the_page() {
        let document = serde_json::to_value(crate::api::document()).unwrap();
        let groups = groups(&document);
        let documented: usize = groups.iter().map(|group| group.operations.len()).sum();
        let all: usize =
            document["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
        assert_eq!(documented, all);
        let names: Vec<String> = schemas(&document).into_iter().map(|schema| schema.name).collect();
        let parts = groups.iter().flat_map(|group| &group.operations).flat_map(|operation| {
            let responses = operation.responses.iter().flat_map(|response| &response.body);
            operation.body.iter().chain(responses)
        });
        for part in parts.filter(|part| part.is_schema) {
            assert!(names.contains(&part.text), "{} is linked, but missing", part.text);
        }
        let is_described =
            |operation: &Operation| !operation.summary.is_empty() && !operation.responses.is_empty();
        assert!(groups.iter().flat_map(|group| &group.operations).all(is_described));
    }
}
