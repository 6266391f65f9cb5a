//! `pappus verify`.

use std::num::NonZeroUsize;

use pappus_engine::archive::open::{AccountSignature, KeyOrigin, Origin, Verification};
use pappus_engine::validate::check_signatures;
use serde_json::json;

use super::{Outcome, thousands};
use crate::archive::{self, owner};
use crate::arguments::ReadArchive;
use crate::error::Failure;
use crate::output::Output;

/// At most so many findings are listed on the terminal.
const SHOWN: usize = 20;

pub(crate) fn run(arguments: &ReadArchive, output: &Output) -> Result<Outcome, Failure> {
    let mut opened = archive::open(arguments, output)?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let signatures = check_signatures(&mut opened, &[], threads)?;
    let report = opened.report();
    describe(output, report);
    output.line(format!(
        "Signatures of {} reactions by others: {} good, {} bad, {} without a known key, {} unsigned.",
        thousands(signatures.good + signatures.bad + signatures.unknown_key + signatures.unsigned),
        thousands(signatures.good),
        thousands(signatures.bad),
        thousands(signatures.unknown_key),
        thousands(signatures.unsigned)
    ));
    let findings = report.findings.list();
    for finding in findings.iter().take(SHOWN) {
        let place = if finding.place.is_empty() { String::new() } else { format!(" at {}", finding.place) };
        output.line(format!("  {}{place}: {}", finding.code.as_str(), finding.message));
    }
    let total: u64 = report.findings.counts().values().sum();
    if total > SHOWN as u64 {
        output.line(format!("  … {} findings in all", thousands(total)));
    }
    let clean = total == 0 && signatures.bad == 0;
    output.document(&document(report, &signatures, clean));
    Ok(if clean { Outcome::Done } else { Outcome::Findings })
}

fn describe(output: &Output, report: &Verification) {
    let account = owner(report.account.as_ref());
    match &report.origin {
        Origin::Stock => {
            output.line(format!("The archive of {account} was written by a stock pod. It can be read, but nobody vouches for it."));
        }
        Origin::Pappus { account: signature, pod } => {
            output.line(format!("The archive of {account} is whole and unchanged."));
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
            output.line("  It means something only if the pod is known to use this key.");
            if !report.for_stock_pods {
                output.line(
                    "The ZIP was packed anew, and a stock pod may not take it as it is: `pappus convert` makes the files it takes.",
                );
            }
        }
    }
}

fn document(
    report: &Verification,
    signatures: &pappus_engine::validate::SignatureReport,
    clean: bool,
) -> serde_json::Value {
    let origin = match &report.origin {
        Origin::Stock => json!({ "kind": "stock" }),
        Origin::Pappus { account, pod } => {
            let account = match account {
                AccountSignature::Good { fingerprint, key } => {
                    let from = if *key == KeyOrigin::Manifest { "manifest" } else { "private_key" };
                    json!({ "signed_by": fingerprint, "key_from": from })
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
        "clean": clean,
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
