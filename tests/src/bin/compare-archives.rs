//! Compares the document of one of our archives with what diaspora* itself wrote for the same account,
//! record for record and field for field, and prints each difference.
//!
//! Lists that diaspora* writes in no particular order are compared as sets. What Pappus does better on
//! purpose is printed as an improvement and does not count as a difference.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use serde_json::Value;

/// Compare our archive with diaspora*'s own.
#[derive(Parser)]
struct Arguments {
    /// Our archive (.zip), or its document
    ours: PathBuf,
    /// What diaspora* wrote (.json.gz, .json or .zip)
    stock: PathBuf,
}

type Failure = Box<dyn std::error::Error>;

/// Lists without an order of their own.
const UNORDERED: &[&str] = &[
    "blocks",
    "post_subscriptions",
    "followed_tags",
    "contact_groups_membership",
    "subscribed_pods_uris",
    "subscribed_users_ids",
];

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match compare(&arguments.ours, &arguments.stock) {
        Ok(report) => {
            for (text, count) in &report.improvements {
                println!("improvement: {text} ({count} times)");
            }
            for difference in &report.differences {
                println!("different: {difference}");
            }
            println!("{} records compared, {} differences", report.records, report.differences.len());
            if report.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("compare-archives: {error}");
            ExitCode::from(2)
        }
    }
}

#[derive(Default)]
struct Report {
    records: usize,
    differences: Vec<String>,
    improvements: BTreeMap<&'static str, usize>,
}

fn document(path: &Path) -> Result<Value, Failure> {
    let file = BufReader::new(File::open(path)?);
    let ends_with = |ending: &str| path.extension().is_some_and(|found| found == ending);
    let mut text = Vec::new();
    if ends_with("zip") {
        let mut zip = zip::ZipArchive::new(file)?;
        let names: Vec<String> = (0..zip.len())
            .map(|at| zip.by_index_raw(at).and_then(|entry| Ok(entry.name()?.into_owned())))
            .collect::<Result<_, _>>()?;
        let entry =
            names.into_iter().find(|name| Path::new(name).extension().is_some_and(|ending| ending == "json"));
        zip.by_name(&entry.ok_or("there is no .json in the ZIP")?)?.read_to_end(&mut text)?;
    } else if ends_with("gz") {
        flate2::read::GzDecoder::new(file).read_to_end(&mut text)?;
    } else {
        { file }.read_to_end(&mut text)?;
    }
    Ok(serde_json::from_slice(&text)?)
}

fn compare(ours: &Path, stock: &Path) -> Result<Report, Failure> {
    let (mut ours, mut stock) = (document(ours)?, document(stock)?);
    let mut report = Report::default();
    if let Some(others) = ours["others_data"].as_object_mut()
        && let Some(Value::Array(authors)) = others.shift_remove("non_contact_authors")
    {
        *report.improvements.entry("keys of authors who are no contacts are included").or_default() +=
            authors.len();
    }
    if let Some(profile) = stock["user"]["profile"]["entity_data"].as_object_mut()
        && profile.get("image_url").and_then(Value::as_str).is_some_and(|url| url.contains("user/default"))
    {
        profile.shift_remove("image_url");
        *report
            .improvements
            .entry("the pod's default picture is not given out as the person's own")
            .or_default() += 1;
    }
    for (section, list) in
        [("user", "contacts"), ("user", "posts"), ("user", "relayables"), ("others_data", "relayables")]
    {
        let place = format!("{section}.{list}");
        let (ours, stock) = (take(&mut ours, section, list), take(&mut stock, section, list));
        report.list(&place, &ours, &stock);
    }
    report.value("document", &ours, &stock);
    Ok(report)
}

fn take(document: &mut Value, section: &str, list: &str) -> Vec<Value> {
    match document[section][list].take() {
        Value::Array(records) => records,
        _ => Vec::new(),
    }
}

/// What a record is known by.
fn key(record: &Value) -> String {
    let data = &record["entity_data"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match record.get("account_id") {
        Some(id) => text(id),
        None => format!("{} {}", text(&record["entity_type"]), text(&data["guid"])),
    }
}

impl Report {
    fn list(&mut self, place: &str, ours: &[Value], stock: &[Value]) {
        let index = |records: &[Value]| -> BTreeMap<String, Value> {
            records.iter().map(|record| (key(record), record.clone())).collect()
        };
        let (our_index, stock_index) = (index(ours), index(stock));
        self.records += stock.len();
        if ours.len() != our_index.len() {
            self.differences.push(format!("{place}: ours has records twice"));
        }
        for (key, record) in &stock_index {
            match our_index.get(key) {
                None => self.differences.push(format!("{place}: {key} is missing in ours")),
                Some(our) => self.value(&format!("{place}[{key}]"), our, record),
            }
        }
        for key in our_index.keys().filter(|key| !stock_index.contains_key(*key)) {
            self.differences.push(format!("{place}: {key} is in ours only"));
        }
        let order = |records: &[Value]| -> Vec<String> { records.iter().map(key).collect() };
        if order(ours) != order(stock) && our_index.len() == stock_index.len() {
            self.differences.push(format!("{place}: the records are in another order"));
        }
    }

    fn value(&mut self, place: &str, ours: &Value, stock: &Value) {
        match (ours, stock) {
            (Value::Object(our), Value::Object(their)) => {
                let names: BTreeSet<&String> = our.keys().chain(their.keys()).collect();
                for name in names {
                    let place = format!("{place}.{name}");
                    match (our.get(name), their.get(name)) {
                        (Some(our), Some(their)) if UNORDERED.contains(&name.as_str()) => {
                            self.set(&place, our, their);
                        }
                        (Some(our), Some(their)) => self.value(&place, our, their),
                        (Some(our), None) => {
                            self.differences.push(format!("{place} is in ours only: {}", short(our)));
                        }
                        (None, their) => {
                            self.differences.push(format!(
                                "{place} is missing in ours: {}",
                                short(their.unwrap_or(&Value::Null))
                            ));
                        }
                    }
                }
            }
            (Value::Array(our), Value::Array(their)) if our.len() == their.len() => {
                for (position, (our, their)) in our.iter().zip(their).enumerate() {
                    self.value(&format!("{place}[{position}]"), our, their);
                }
            }
            _ if ours == stock => {}
            _ => self.differences.push(format!("{place}: {} instead of {}", short(ours), short(stock))),
        }
    }

    fn set(&mut self, place: &str, ours: &Value, stock: &Value) {
        let sorted = |value: &Value| {
            let mut texts: Vec<String> =
                value.as_array().into_iter().flatten().map(Value::to_string).collect();
            texts.sort();
            texts
        };
        if sorted(ours) != sorted(stock) {
            self.differences.push(format!("{place}: {} instead of {}", short(ours), short(stock)));
        }
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 160 { text.chars().take(160).collect::<String>() + "…" } else { text }
}
