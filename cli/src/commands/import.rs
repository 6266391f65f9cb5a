//! `pappus import`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use comfy_table::{CellAlignment, ContentArrangement, Table};
use pappus_engine::archive::sha256_of_file;
use pappus_engine::import::{
    self, FindingCode, ImportError, ImportOptions, Imported, Needs, PendingKey, Proof, Report, Subject,
};
use pappus_engine::pod::config::PodConfig;
use pappus_engine::pod::database::PodWriter;
use pappus_engine::store::Store;
use serde_json::{Value, json};

use super::{Outcome, counted, megabytes, thousands};
use crate::announcement::{Announcement, FollowUp, Intent};
use crate::arguments::Import;
use crate::error::Failure;
use crate::output::Output;
use crate::progress::Steps;
use crate::{archive, clock, network, pod, store};

/// Largest number of findings listed on the terminal.
const MAX_LISTED: usize = 20;

pub(crate) async fn run(arguments: Import, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let key = if arguments.dry_run {
        None
    } else {
        PodWriter::recover_sqlite_journal(&config.database).await?;
        Some(PendingKey::begin())
    };
    pod::open(&config).await?; // reports problems with the pod before any work starts
    let file = &arguments.archive.archive;
    let source = arguments.archive.passphrase.source();
    let unlock = archive::unlock(source.as_ref(), arguments.archive.identity.as_deref())?;
    let mut opened = archive::open_with(file, unlock.as_ref(), arguments.photos.as_deref(), output)?;
    let intent = Intent::new(&mut opened, &arguments)?;
    let store = if arguments.dry_run {
        store::open_existing(&arguments.store, &config.url).await?
    } else {
        Some(store::open(&arguments.store, &config.url).await?)
    };
    let options = options(&arguments, &config, store.as_ref(), output).await?;
    let started_at = Instant::now();
    let failed = |error: ImportError| {
        Failure::new(format!("{} was not imported", file.display()), &error).with_code(error.code())
    };
    let (Some(key), Some(store)) = (key, &store) else {
        let planned = import::plan(opened, &config.database, &config.url, store.as_ref(), &options).await;
        if let Some(store) = store {
            store.close().await;
        }
        let planned = planned.map_err(failed)?;
        // Removes the progress bar.
        drop(options);
        let intent = intent.with_proof(planned.proof);
        let seconds = started_at.elapsed().as_secs_f64();
        describe(output, &planned, true, seconds);
        intent.describe(output);
        output.document(&document(&planned, true, seconds, &intent.document()));
        return Ok(intent.outcome(outcome(&planned.report, planned.proof, planned.needs.fits())));
    };
    let imported = import::import(opened, &config.database, &config.url, store, &options, key).await;
    let imported = imported.map_err(failed)?;
    let (seconds, archive_sha256) = (started_at.elapsed().as_secs_f64(), options.archive_sha256.clone());
    // Removes the progress bar.
    drop(options);
    describe(output, &imported, false, seconds);
    let follow_up = FollowUp {
        arguments: &arguments,
        config: &config,
        store,
        unlock: unlock.as_ref(),
        archive_sha256: &archive_sha256,
        imported: &imported,
    };
    let announcement = follow_up.run(intent.with_proof(imported.proof), output).await;
    announcement.describe(output, &follow_up);
    store.clone().close().await;
    output.document(&document(&imported, false, seconds, &announcement.document()));
    if let Announcement::Failed(failure) = &announcement {
        failure.print();
    }
    Ok(announcement.outcome(outcome(&imported.report, imported.proof, true)))
}

async fn options(
    arguments: &Import,
    config: &PodConfig,
    store: Option<&Store>,
    output: &Output,
) -> Result<ImportOptions, Failure> {
    let file = &arguments.archive.archive;
    Ok(ImportOptions {
        owner: None,
        username: arguments.username.clone(),
        reserved_names: config.reserved_names.clone(),
        email: arguments.email.clone(),
        // The user sets one with "forgot your password?".
        encrypted_password: None,
        accept_unproven: arguments.accept_unproven,
        pinned_pods: arguments.trust.trust_pod.clone(),
        discovery: if arguments.offline { None } else { Some(network::discovery(&arguments.network)?) },
        uploads: pod::uploads(config).await?,
        now: clock::now()?,
        archive_sha256: sha256_of_file(file)
            .map_err(|error| Failure::new(format!("{} cannot be read", file.display()), error))?,
        keys: store.and_then(|store| store::keys(&arguments.store, store, &config.url)),
        progress: Arc::new(Steps::new(output.is_json())),
    })
}

fn outcome(report: &Report, proof: Proof, fits: bool) -> Outcome {
    let is_clean = report.total_left_out() == 0 && proof != Proof::Unproven && fits;
    if is_clean { Outcome::Done } else { Outcome::Findings }
}

fn describe(output: &Output, imported: &Imported, dry_run: bool, seconds: f64) {
    let Imported { old, new, proof, evidence, import, report, needs } = imported;
    if dry_run {
        output.line(format!("{old} would come to this pod as {new}. Nothing was written."));
        describe_needs(output, needs);
    } else {
        output.line(format!("{old} has come to this pod as {new}, in {seconds:.1} s."));
    }
    output.line(match proof {
        Proof::HCard => {
            "The old pod publishes the key that signed the archive: the archive is the account's."
        }
        Proof::CachedPerson => "This pod already knew the account's key: the archive is the account's.",
        Proof::PinnedPodKey => "The archive is signed by a pod you trust.",
        Proof::Unproven => "Nothing proves whose archive it is; you chose to accept it anyway.",
    });
    if let (Proof::Unproven, Some(fingerprint)) = (proof, &evidence.archive) {
        output.line(format!(
            "The account's key in it: {fingerprint}. Compare it with the one the person reads out to you."
        ));
    }
    output.line(table(report));
    if report.fetched_posts > 0 {
        output.line(format!(
            "  Fetched from other pods: {} that the account has answered, liked or reshared.",
            counted(report.fetched_posts, "post")
        ));
    }
    describe_earlier(output, report);
    list_findings(output, report);
    if let Some(import) = import {
        output.line(format!(
            "Import {import}. The user can request a new password from this pod (\"forgot your password?\"); the \
             e-mail address was imported."
        ));
    }
}

/// Prints how many records an earlier import has brought, and how many of them were deleted since.
fn describe_earlier(output: &Output, report: &Report) {
    let (imported_before, deleted) = (report.imported_before, report.deleted_since());
    if imported_before + deleted > 0 {
        output.line(format!(
            "  Imported before: {}; deleted since, and not restored: {}.",
            counted(imported_before, "record"),
            thousands(deleted)
        ));
    }
}

fn describe_needs(output: &Output, needs: &Needs) {
    let free_space = match needs.free_bytes {
        Some(free) => format!(" ({} are free)", megabytes(free)),
        None => String::new(),
    };
    output.line(format!(
        "Space needed: {}{} in the database.",
        match needs.photo_files {
            0 => String::new(),
            files => format!(
                "about {} for {} with all sizes{free_space}, and ",
                megabytes(needs.photo_bytes),
                counted(files, "photo")
            ),
        },
        counted(needs.records, "record")
    ));
    output.line(format!(
        "Estimated time: about {}, without asking other pods.",
        counted(needs.seconds.max(1), "second")
    ));
    if needs.photo_files > 0 {
        output.line("Photos are decoded only during the import: damaged ones are left out then.");
    }
    if !needs.fits() {
        output.line("The photos do not fit: the import would be refused. Free up space first.");
    }
}

fn table(report: &Report) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["", "in the archive", "new here", "already here", "left out"]);
    for (kind, tally) in &report.kinds {
        let left_out: u64 = tally.left_out.values().sum();
        let numbers = [tally.in_archive, tally.imported, tally.adopted, left_out].map(thousands);
        table.add_row(std::iter::once(kind.label().to_owned()).chain(numbers));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn list_findings(output: &Output, report: &Report) {
    let mut by_reason: BTreeMap<(FindingCode, Subject), (u64, &str)> = BTreeMap::new();
    for finding in &report.findings {
        by_reason.entry((finding.code, finding.kind)).or_insert((0, &finding.record)).0 += 1;
    }
    for ((code, subject), (count, first)) in by_reason.iter().take(MAX_LISTED) {
        let others = if *count > 1 { " and others" } else { "" };
        let subject = match subject {
            Subject::Account => "account".to_owned(),
            Subject::Profile => "profile".to_owned(),
            Subject::Record(kind) => format!("{} {}", thousands(*count), kind.label_for(*count)),
        };
        output.line(format!("  {subject}: {} ({}; {first}{others})", code.meaning(), code.as_str()));
    }
    if report.more_findings > 0 {
        output.line(format!("  … and {} more, counted only", thousands(report.more_findings)));
    }
}

fn document(imported: &Imported, dry_run: bool, seconds: f64, announcement: &Value) -> Value {
    json!({
        "dry_run": dry_run,
        "import": imported.import,
        "old": imported.old,
        "new": imported.new,
        "proof": imported.proof.as_str(),
        "evidence": imported.evidence,
        "kinds": imported.report.kinds,
        "findings": imported.report.findings,
        "more_findings": imported.report.more_findings,
        "fetched_posts": imported.report.fetched_posts,
        "imported_before": imported.report.imported_before,
        "deleted_since": imported.report.deleted_since(),
        "needs": imported.needs,
        "seconds": seconds,
        "announcement": announcement,
    })
}
