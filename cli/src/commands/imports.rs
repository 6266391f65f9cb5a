//! `pappus imports`.

use pappus_engine::import::list_imports;
use serde_json::json;

use super::Outcome;
use crate::arguments::Imports;
use crate::error::Failure;
use crate::output::Output;
use crate::{pod, store};

pub(crate) async fn run(arguments: Imports, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let store = store::open(&arguments.store, &config.url).await?;
    let imports = list_imports(&store, Some(config.url.as_str())).await?;
    store.close().await;
    let mut table = super::table();
    table.set_header(["import", "who", "here as", "state", "since"]);
    let mut list = Vec::new();
    for import in &imports {
        let since = chrono::DateTime::from_timestamp_millis(import.created_at)
            .map_or_else(String::new, |time| time.format("%Y-%m-%d %H:%M UTC").to_string());
        let name = import.id.get(..8).unwrap_or(&import.id);
        let state = if import.is_being_undone { "being undone" } else { import.state.as_str() };
        table.add_row([name, &import.old_id, &import.new_username, state, &since]);
        list.push(json!({
            "import": import.id,
            "old": import.old_id,
            "new_username": import.new_username,
            "state": import.state.as_str(),
            "being_undone": import.is_being_undone,
            "since": since,
            "archive_sha256": import.archive_sha256,
        }));
    }
    if imports.is_empty() {
        output.line("No account has been imported into this pod yet.");
    } else {
        output.line(table);
    }
    output.document(&json!({ "imports": list }));
    Ok(Outcome::Done)
}
