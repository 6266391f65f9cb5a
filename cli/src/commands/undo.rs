//! `pappus undo`.

use pappus_engine::import::{find_import, undo};
use serde_json::json;

use super::{Outcome, counted, thousands};
use crate::arguments::Undo;
use crate::error::Failure;
use crate::output::Output;
use crate::{clock, pod, store};

pub(crate) async fn run(arguments: Undo, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let store = store::open(&arguments.store, &config.url).await?;
    let import = find_import(&store, &arguments.import).await?.ok_or_else(|| {
        Failure::message(format!(
            "no import, or more than one, has a name that begins with {:?}: `pappus imports` lists them",
            arguments.import
        ))
    })?;
    let uploads = pod::uploads(&config).await?;
    let keys = store::new_keys(&arguments.store, &store, &config.url)?;
    let undone = undo(&store, Some(&keys), &import, &config.database, &config.url, &uploads, clock::now()?)
        .await
        .map_err(|error| Failure::new(format!("import {} was not undone", import.id), error))?;
    store.close().await;
    output.line(format!(
        "{} was removed from this pod: {} removed, {} returned to the old account.",
        import.new_username,
        counted(undone.removed, "row"),
        thousands(undone.given_back)
    ));
    if undone.keeps_key {
        output.line(
            "Its key is kept, encrypted, because other pods may know the name with it. The same account gets both \
             again when it is imported under that name; no other account can take the name.",
        );
    }
    output.document(
        &json!({ "import": import.id, "removed": undone.removed, "given_back": undone.given_back, "keeps_key": undone.keeps_key }),
    );
    Ok(Outcome::Done)
}
