//! `pappus check`.

use std::collections::BTreeSet;

use pappus_engine::pod::config::PodConfig;
use pappus_engine::pod::survey::{AccountSize, Survey, account_sizes, survey};
use pappus_engine::pod::uploads::UploadsError;

use super::{Outcome, counted, megabytes, thousands};
use crate::arguments::Check;
use crate::error::Failure;
use crate::output::Output;
use crate::pod;

pub(crate) async fn run(arguments: Check, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let (mut snapshot, schema) = pod::open(&config).await?;
    output.line(format!("The pod is {}.", config.url));
    output.line(format!(
        "Its database can be read: {}, tables of {} (version {}).",
        snapshot.dialect(),
        schema.software(),
        schema.as_str()
    ));
    let photos = photo_files(&config).await;
    match &photos {
        Ok((place, _)) => output.line(format!("Its photos can be read: {place}.")),
        Err(error) => output.line(format!("Its photos cannot be read: {error}.")),
    }
    let found = survey(&mut snapshot, &config.url, photos.as_ref().ok().map(|(_, names)| names)).await?;
    let accounts = if arguments.accounts {
        let sizes = match &photos {
            Ok(_) => Some(pod::uploads(&config).await?.original_sizes().await?),
            Err(_) => None,
        };
        account_sizes(&mut snapshot, sizes.as_ref()).await?
    } else {
        Vec::new()
    };
    if let Some(sentence) = pod::other_hosts(&config.url, &found.other_hosts) {
        output.line(sentence);
    }
    describe(output, &found);
    list(output, &accounts);
    let ready = photos.is_ok();
    output.line(if ready {
        "Everything needed for an export is there."
    } else {
        "An export needs the photos: see above."
    });
    output.document(&serde_json::json!({
        "pod": config.url.as_str(),
        "database": snapshot.dialect().to_string(),
        "software": schema.software(),
        "schema_version": schema.as_str(),
        "uploads": photos.as_ref().map(|(place, _)| place).ok(),
        "ready": ready,
        "survey": found,
        "accounts": accounts,
    }));
    photos?;
    Ok(if is_clean(&found) && found.other_hosts.is_empty() { Outcome::Done } else { Outcome::Findings })
}

/// Where the photo files are, and the names of the originals.
async fn photo_files(config: &PodConfig) -> Result<(String, BTreeSet<String>), UploadsError> {
    let photos = pod::uploads(config).await?;
    Ok((photos.to_string(), photos.originals().await?))
}

fn is_clean(survey: &Survey) -> bool {
    survey.missing_files == 0
        && survey.orphans == 0
        && survey.unusable_keys.is_empty()
        && survey.broken_accounts.is_empty()
}

fn describe(output: &Output, survey: &Survey) {
    let n = thousands;
    output.line(format!(
        "Accounts: {}; {} of them closed and {} locked, which are exported too.",
        n(survey.accounts),
        n(survey.closed),
        n(survey.locked)
    ));
    output.line(format!(
        "They wrote {}, {} and {}, and uploaded {}.",
        counted(survey.posts, "post"),
        counted(survey.comments, "comment"),
        counted(survey.likes, "like"),
        counted(survey.photos, "photo")
    ));
    if is_clean(survey) {
        output.line("Nothing stands out that would be left out.");
        return;
    }
    output.line("What will be left out, each listed in its archive:");
    if survey.missing_files > 0 {
        output.line(format!("  {} whose file is missing.", counted(survey.missing_files, "photo")));
    }
    if survey.orphans > 0 {
        output.line(format!(
            "  {} whose post is gone.",
            if survey.orphans == 1 {
                "1 comment or like".to_owned()
            } else {
                format!("{} comments and likes", n(survey.orphans))
            }
        ));
    }
    if !survey.unusable_keys.is_empty() {
        let names = shorten(&survey.unusable_keys);
        output.line(format!(
            "  The private key of {names}: missing or broken, so only the pod signs these archives."
        ));
    }
    if !survey.broken_accounts.is_empty() {
        let names = shorten(&survey.broken_accounts);
        output.line(format!("  The whole account of {names}: it has no person in the database."));
    }
}

fn shorten(names: &[String]) -> String {
    let shown = names.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > 10 { format!("{shown} and {} more", names.len() - 10) } else { shown }
}

fn list(output: &Output, accounts: &[AccountSize]) {
    if accounts.is_empty() || output.is_json() {
        return;
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(["account", "posts", "comments", "likes", "contacts", "photos", "photo files", ""]);
    for account in accounts {
        let state = match (account.closed, account.locked) {
            (true, _) => "closed",
            (false, true) => "locked",
            (false, false) => "",
        };
        let counts = [account.posts, account.comments, account.likes, account.contacts, account.photos];
        let row = std::iter::once(account.username.clone())
            .chain(counts.map(thousands))
            .chain(std::iter::once(match account.photo_bytes {
                None => "unknown".to_owned(),
                Some(0) => "–".to_owned(),
                Some(bytes) => megabytes(bytes),
            }))
            .chain(std::iter::once(state.to_owned()));
        table.add_row(row);
    }
    for column in 1..7 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    output.line(table);
}
