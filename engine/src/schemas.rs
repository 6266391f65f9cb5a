//! The JSON Schemas of an archive's documents, generated from the types that read and write them.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use crate::archive::manifest::Manifest;
use crate::campaign::CampaignList;
use crate::domain::{Account, Extras, OthersData};

/// The whole archive document.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ArchiveDocument")]
struct Document {
    /// Always `2.0`.
    version: String,
    /// The account.
    user: Account,
    /// Contributions of other people.
    #[serde(default)]
    others_data: OthersData,
}

/// Returns the file name and schema of every document.
pub fn all() -> Vec<(&'static str, Schema)> {
    vec![
        (
            "archive-2.0.schema.json",
            schema::<Document>("diaspora* archive document, version 2.0, as Pappus reads and writes it"),
        ),
        ("campaign-1.schema.json", schema::<CampaignList>("campaign.json of an export of a whole pod")),
        ("extras-1.schema.json", schema::<Extras>("extras.json of a Pappus archive")),
        ("manifest-1.schema.json", schema::<Manifest>("manifest.json of a Pappus archive")),
    ]
}

fn schema<T: JsonSchema>(title: &str) -> Schema {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema
}
