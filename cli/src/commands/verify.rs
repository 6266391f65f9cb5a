//! `pappus verify`.

use std::num::NonZeroUsize;
use std::path::Path;

use pappus_engine::archive::encryption::DecryptWith;
use pappus_engine::archive::open::{AccountSignature, KeyOrigin, Origin, Verification};
use pappus_engine::validate::check_signatures;
use serde_json::json;

use super::{Outcome, counted, thousands};
use crate::archive::{self, owner};
use crate::arguments::Verify;
use crate::error::Failure;
use crate::output::Output;

/// Largest number of findings listed on the terminal.
const MAX_LISTED: usize = 20;

pub(crate) fn run(arguments: &Verify, output: &Output) -> Result<Outcome, Failure> {
    // Prompts once for all archives.
    let unlock = archive::unlock(arguments.passphrase.source().as_ref(), arguments.identity.as_deref())?;
    if let [path] = arguments.archives.as_slice() {
        let (document, outcome) = verify(path, unlock.as_ref(), output)?;
        output.document(&document);
        return Ok(outcome);
    }
    let (mut documents, mut good, mut failed) = (Vec::new(), 0, 0);
    for path in &arguments.archives {
        output.line(format!("{}:", path.display()));
        match verify(path, unlock.as_ref(), output) {
            Ok((mut document, outcome)) => {
                if let Some(fields) = document.as_object_mut() {
                    fields.insert("archive".to_owned(), json!(path));
                }
                documents.push(document);
                good += u64::from(outcome == Outcome::Done);
            }
            // A damaged archive does not stop the others.
            Err(failure) => {
                failure.print();
                let (error, code) = (failure.to_string(), failure.code());
                documents.push(json!({ "archive": path, "verified": false, "error": error, "code": code }));
                failed += 1;
            }
        }
    }
    let total = documents.len() as u64;
    output.line(format!(
        "{}: {} good, {} with findings, {} refused.",
        counted(total, "archive"),
        thousands(good),
        thousands(total - good - failed),
        thousands(failed)
    ));
    output.document(&json!({ "archives": documents, "good": good, "refused": failed }));
    Ok(match (failed, total - good) {
        (0, 0) => Outcome::Done,
        (0, _) => Outcome::Findings,
        _ => Outcome::Failed,
    })
}

/// Verifies and describes one archive; returns its JSON.
fn verify(
    path: &Path,
    unlock: Option<&DecryptWith>,
    output: &Output,
) -> Result<(serde_json::Value, Outcome), Failure> {
    let mut opened = archive::open_with(path, unlock, None, output)?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let signatures = check_signatures(&mut opened, &[], threads)?;
    let report = opened.report();
    describe(output, report);
    let reactions = signatures.good + signatures.bad + signatures.unknown_key + signatures.unsigned;
    if reactions > 0 {
        output.line(format!(
            "Signatures of {} by others: {} good, {} bad, {} without a known key, {} unsigned.",
            counted(reactions, "reaction"),
            thousands(signatures.good),
            thousands(signatures.bad),
            thousands(signatures.unknown_key),
            thousands(signatures.unsigned)
        ));
    }
    let findings = report.findings.list();
    for finding in findings.iter().take(MAX_LISTED) {
        let location =
            if finding.place.is_empty() { String::new() } else { format!(" at {}", finding.place) };
        output.line(format!("  {}{location}: {}", finding.code.as_str(), finding.message));
    }
    let total: u64 = report.findings.counts().values().sum();
    if total > MAX_LISTED as u64 {
        output.line(format!("  … {} in all", counted(total, "finding")));
    }
    let is_clean = total == 0 && signatures.bad == 0;
    Ok((document(report, &signatures, is_clean), if is_clean { Outcome::Done } else { Outcome::Findings }))
}

fn describe(output: &Output, report: &Verification) {
    let account = owner(report.account.as_ref());
    match &report.origin {
        Origin::Stock => {
            output.line(format!(
                "The archive of {account} was written by a stock pod. It can be read, but it is \
                 unsigned."
            ));
        }
        Origin::Pappus { account: signature, pod } => {
            output.line(format!("The archive of {account} is complete and unchanged."));
            match signature {
                AccountSignature::Good { fingerprint, key } => {
                    output.line(format!("Signed by the account's key, {fingerprint}."));
                    if *key == KeyOrigin::Manifest {
                        output.line("  The key was taken from the archive itself: compare it with the one the old pod publishes.");
                    }
                }
                AccountSignature::Absent => {
                    output.line("Not signed by the account: it has no usable private key.");
                }
            }
            output.line(format!("Signed by the pod's archive key, {pod}."));
            output.line("  This counts only if the pod is known to use this key.");
            if !report.for_stock_pods {
                output.line(
                    "The ZIP was repacked, and a stock pod may not accept it as it is: `pappus convert` creates \
                     files it accepts.",
                );
            }
        }
    }
}

fn document(
    report: &Verification,
    signatures: &pappus_engine::validate::SignatureReport,
    is_clean: bool,
) -> serde_json::Value {
    let origin = match &report.origin {
        Origin::Stock => json!({ "kind": "stock" }),
        Origin::Pappus { account, pod } => {
            let account = match account {
                AccountSignature::Good { fingerprint, key } => {
                    let key_source = if *key == KeyOrigin::Manifest { "manifest" } else { "private_key" };
                    json!({ "signed_by": fingerprint, "key_from": key_source })
                }
                AccountSignature::Absent => serde_json::Value::Null,
            };
            json!({ "kind": "pappus", "account": account, "pod": { "signed_by": pod } })
        }
    };
    let findings: Vec<_> = report
        .findings
        .list()
        .iter()
        .map(|finding| json!({ "code": finding.code.as_str(), "place": finding.place, "message": finding.message }))
        .collect();
    json!({
        "verified": true,
        "clean": is_clean,
        "account": report.account,
        "origin": origin,
        "counts": report.counts,
        "relayable_signatures": {
            "good": signatures.good,
            "bad": signatures.bad,
            "unknown_key": signatures.unknown_key,
            "unsigned": signatures.unsigned,
        },
        "findings": findings,
        "for_stock_pods": report.for_stock_pods,
    })
}
