//! `pappus check`.

use pappus_engine::export::{Forecast, ForecastPhotos, Forecaster};
use pappus_engine::pod::config::PodUrl;
use pappus_engine::pod::database::Snapshot;
use pappus_engine::pod::survey::{AccountSize, Survey, account_sizes, survey};
use pappus_engine::pod::uploads::PhotoStore;
use serde_json::{Value, json};

use super::{Outcome, counted, megabytes, thousands};
use crate::arguments::Check;
use crate::error::Failure;
use crate::output::Output;
use crate::progress::Bar;
use crate::{omission_text, pod};

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
    let photos = pod::uploads(&config).await;
    match &photos {
        Ok(photos) => output.line(format!("Its photos can be read: {photos}.")),
        Err(error) => output.line(format!("Its photos cannot be read: {error}.")),
    }
    let pod_survey = survey(&mut snapshot, &config.url).await?;
    let sizes = match &photos {
        Ok(photos) if arguments.accounts => Some(photos.original_sizes().await?),
        _ => None,
    };
    let accounts = account_sizes(&mut snapshot, sizes.as_ref()).await?;
    describe(output, &config.url, &pod_survey);
    let forecast = match &photos {
        Ok(photos) if !arguments.quick => {
            Some(forecast_omissions(&mut snapshot, &config.url, photos, &accounts, output).await?)
        }
        _ => None,
    };
    print_forecast(
        output,
        forecast.as_ref(),
        if photos.is_ok() { "--quick" } else { "the photos cannot be read" },
    );
    if arguments.accounts {
        list(output, &accounts, forecast.as_ref());
    }
    let is_ready = photos.is_ok();
    output.line(if is_ready {
        "Everything needed for an export is there."
    } else {
        "An export needs the photos: see above."
    });
    output.document(&json!({
        "pod": config.url.as_str(),
        "database": snapshot.dialect().to_string(),
        "software": schema.software(),
        "schema_version": schema.as_str(),
        "uploads": photos.as_ref().map(ToString::to_string).ok(),
        "ready": is_ready,
        "survey": pod_survey,
        "forecast": forecast,
        "accounts": if arguments.accounts { documents(&accounts, forecast.as_ref()) } else { json!([]) },
    }));
    photos?;
    let is_clean = forecast.as_ref().is_none_or(Forecast::is_clean) && pod_survey.other_hosts.is_empty();
    Ok(if is_clean { Outcome::Done } else { Outcome::Findings })
}

/// Largest number of records in one batch of accounts.
const BATCH_RECORDS: u64 = 2_000;
/// Largest number of accounts in one batch.
const BATCH_ACCOUNTS: usize = 100;

/// Reads every account as an export would.
async fn forecast_omissions(
    snapshot: &mut Snapshot,
    url: &PodUrl,
    photos: &PhotoStore,
    accounts: &[AccountSize],
    output: &Output,
) -> Result<Forecast, Failure> {
    let bar = if Bar::is_wanted(output.is_json()) {
        Bar::records("accounts", accounts.iter().map(AccountSize::records).sum())
    } else {
        Bar::hidden()
    };
    let mut forecaster = Forecaster::new(url, ForecastPhotos::of(photos).await?, &bar);
    let (mut batch, mut records) = (Vec::new(), 0);
    for account in accounts {
        if account.records() > BATCH_RECORDS / 10 {
            forecaster.account(snapshot, account.user_id, &account.username).await?;
            continue;
        }
        batch.push((account.user_id, account.username.clone()));
        records += account.records();
        if records > BATCH_RECORDS || batch.len() == BATCH_ACCOUNTS {
            forecaster.accounts(snapshot, &batch).await?;
            (batch, records) = (Vec::new(), 0);
        }
    }
    forecaster.accounts(snapshot, &batch).await?;
    Ok(forecaster.finish())
}

fn describe(output: &Output, url: &PodUrl, survey: &Survey) {
    if let Some(sentence) = pod::other_hosts(url, &survey.other_hosts) {
        output.line(sentence);
    }
    if !survey.without_statistics.is_empty() {
        output.line(format!(
            "The database has no statistics about {}, as after a restore, and an export would take much longer. \
             Run ANALYZE in it first.",
            survey.without_statistics.join(", ")
        ));
    }
    output.line(format!(
        "Accounts: {}; {} of them closed and {} locked, which are exported too.",
        thousands(survey.accounts),
        thousands(survey.closed),
        thousands(survey.locked)
    ));
    output.line(format!(
        "They wrote {}, {} and {}, and uploaded {}.",
        counted(survey.posts, "post"),
        counted(survey.comments, "comment"),
        counted(survey.likes, "like"),
        counted(survey.photos, "photo")
    ));
}

/// Prints the expected omissions, or the reason why they were not examined.
fn print_forecast(output: &Output, forecast: Option<&Forecast>, reason: &str) {
    let Some(forecast) = forecast else {
        output.line(format!("Omissions were not examined ({reason})."));
        return;
    };
    if forecast.is_clean() {
        output.line("Nothing will be left out.");
        return;
    }
    if !forecast.omissions.is_empty() {
        output.line("What will be left out or replaced, each listed in its archive:");
    }
    for omission in &forecast.omissions {
        output.line(format!("  {}.", omission_text::line(omission)));
    }
    if !forecast.broken_accounts.is_empty() {
        output.line(format!(
            "{} will have no archive:",
            counted(forecast.broken_accounts.len() as u64, "account")
        ));
    }
    for (name, reason) in forecast.broken_accounts.iter().take(MAX_LISTED) {
        output.line(format!("  {name}: {reason}."));
    }
    let unlisted = forecast.broken_accounts.len().saturating_sub(MAX_LISTED);
    if unlisted > 0 {
        output.line(format!("  … and {} more.", thousands(unlisted as u64)));
    }
}

/// Largest number of accounts listed by name.
const MAX_LISTED: usize = 20;

/// Returns the number of omissions that the archive of an account will list.
fn omissions_of(account: &AccountSize, forecast: Option<&Forecast>) -> Option<u64> {
    forecast.map(|forecast| forecast.accounts.get(&account.username).copied().unwrap_or(0))
}

fn documents(accounts: &[AccountSize], forecast: Option<&Forecast>) -> Value {
    let document = |account: &AccountSize| {
        let mut value = json!(account);
        value["omissions"] = json!(omissions_of(account, forecast));
        value
    };
    accounts.iter().map(document).collect()
}

fn list(output: &Output, accounts: &[AccountSize], forecast: Option<&Forecast>) {
    if accounts.is_empty() || output.is_json() {
        return;
    }
    let mut table = super::table();
    table.set_header([
        "account",
        "posts",
        "comments",
        "likes",
        "contacts",
        "photos",
        "photo files",
        "left out",
        "",
    ]);
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
            .chain(std::iter::once(
                omissions_of(account, forecast).map_or_else(|| "unknown".to_owned(), thousands),
            ))
            .chain(std::iter::once(state.to_owned()));
        table.add_row(row);
    }
    for column in 1..8 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    output.line(table);
}
