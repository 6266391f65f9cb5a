//! `pappus schemas`: the JSON Schemas and the OpenAPI document under `schemas/`, generated from the types.

use super::Outcome;
use crate::arguments::Folder;
use crate::error::Failure;

pub(crate) fn run(arguments: &Folder) -> Result<Outcome, Failure> {
    std::fs::create_dir_all(&arguments.folder)?;
    for (name, schema) in pappus_engine::schemas::all() {
        let text = serde_json::to_string_pretty(&schema)? + "\n";
        std::fs::write(arguments.folder.join(name), text)?;
    }
    std::fs::write(arguments.folder.join("openapi-1.json"), pappus_server::api::document_text())?;
    Ok(Outcome::Done)
}
