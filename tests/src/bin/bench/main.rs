//! `bench`: what Pappus needs, each figure beside the limit measured in the same run.
//!
//! Limits are what somebody else needs for the unavoidable part: PostgreSQL to copy the same rows out,
//! `sha256sum` to read the same bytes, the crypto library to verify or make the same signatures.

mod gentle;
mod statements;
mod whole_pod;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use futures_util::StreamExt as _;
use pappus_engine::domain::PrivateKey;
use pappus_tests::cluster::PostgresCluster;
use pappus_tests::crowd::Crowd;
use pappus_tests::heavy::{HeavyAccount, KeyBits, Signatures, heavy_account};
use pappus_tests::network::Network;
use pappus_tests::schema::{Pool, tables};
use pappus_tests::watched::{Watched, watch};
use serde_json::Value;
use sqlx::PgPool;
use whole_pod::{Stored, on_all_cores};

/// Measures Pappus against what limits it.
#[derive(Parser)]
struct Arguments {
    /// The program to measure, a release build
    #[arg(long, default_value = "target/release/pappus")]
    pappus: PathBuf,
    /// Accounts of the whole pod
    #[arg(long, default_value_t = 2000)]
    accounts: usize,
    /// Posts of the whole pod, in hundredths of what such a pod usually has
    #[arg(long, default_value_t = 100)]
    posts: usize,
    /// Give the whole pod's people keys of 2048 bits instead of 4096
    #[arg(long)]
    small_keys: bool,
    /// Measure the whole pod only; with `all-signatures`, one with ten times the posts
    #[arg(long, value_name = "STORED", num_args = 0..=1, default_missing_value = "others-signatures")]
    whole_pod: Option<Stored>,
    /// Write down how far the whole pod is as time goes by, as a table of comma-separated values
    #[arg(long, value_name = "FILE")]
    curve: Option<PathBuf>,
    /// Measure only what a gentle campaign does to the pod
    #[arg(long)]
    gentle: bool,
    /// Runs of each measurement; the median counts
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

impl Arguments {
    fn keys(&self) -> KeyBits {
        if self.small_keys { KeyBits::Small } else { KeyBits::Usual }
    }
}

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(tables) => {
            for table in tables {
                println!("{table}\n");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Bench<'a> {
    arguments: &'a Arguments,
    cluster: PostgresCluster,
    folder: tempfile::TempDir,
    table: comfy_table::Table,
    /// What PostgreSQL did for the last whole pod.
    statements: Option<comfy_table::Table>,
}

async fn run(arguments: &Arguments) -> Result<Vec<comfy_table::Table>, Failure> {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header(["work", "Pappus", "limit, same run", "ratio", "peak memory"]);
    let cluster = PostgresCluster::start_counting().await?;
    let folder = tempfile::tempdir()?;
    let mut bench = Bench { arguments, cluster, folder, table, statements: None };
    bench.measure().await?;
    Ok(std::iter::once(bench.table).chain(bench.statements).collect())
}

impl Bench<'_> {
    async fn measure(&mut self) -> Result<(), Failure> {
        let accounts = self.arguments.accounts;
        if self.arguments.gentle {
            return self.gentle().await;
        }
        if let Some(stored) = self.arguments.whole_pod {
            return self.whole_pod(stored).await;
        }
        eprintln!("a heavy account, then one ten times as large");
        self.heavy(1).await?;
        self.heavy(10).await?;
        eprintln!("the heavy account comes to another pod");
        self.import(true).await?;
        self.import(false).await?;
        eprintln!("a whole pod of {accounts} accounts, then one with ten times the posts, all signed");
        self.whole_pod(Stored::OthersSignatures).await?;
        self.whole_pod(Stored::AllSignatures).await?;
        eprintln!("a campaign beside people who use the pod");
        self.gentle().await?;
        eprintln!("verifying");
        self.verify().await?;
        self.signatures()?;
        eprintln!("ten thousand contacts on a thousand pods");
        self.announce().await
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program once: what it says, and how long the whole process took.
    fn pappus(&self, arguments: &[&str]) -> Result<(Value, Duration), Failure> {
        let started = Instant::now();
        let output = Command::new(&self.arguments.pappus)
            .args(arguments)
            .arg("--json")
            .stderr(Stdio::inherit())
            .output()?;
        let took = started.elapsed();
        if !matches!(output.status.code(), Some(0 | 10)) {
            return Err(format!("pappus {} failed", arguments.join(" ")).into());
        }
        Ok((serde_json::from_slice(&output.stdout)?, took))
    }

    fn export(&self, names: &[String], url: &str, out: &str) -> Result<(Value, Duration), Failure> {
        let (uploads, out, state) = (self.path("uploads"), self.path(out), self.path("state"));
        if out.exists() {
            std::fs::remove_dir_all(&out)?;
        }
        std::fs::create_dir_all(uploads.join("images"))?;
        let mut arguments: Vec<&str> = vec!["export"];
        arguments.extend(names.iter().map(String::as_str));
        arguments.extend(["--database-url", url, "--pod-url", "https://closing.example/"]);
        let (uploads, out, state) = (text(&uploads), text(&out), text(&state));
        arguments.extend(["--uploads", &uploads, "--out", &out, "--state", &state]);
        self.pappus(&arguments)
    }

    fn row(&mut self, work: &str, ours: Duration, limit: (&str, Duration), memory: &Value) {
        let ratio = ours.as_secs_f64() / limit.1.as_secs_f64();
        let memory =
            memory.as_u64().map_or_else(|| "-".to_owned(), |kilobytes| format!("{} MB", kilobytes / 1024));
        let limit = format!("{} {}", time(limit.1), limit.0);
        self.table.add_row([work.to_owned(), time(ours), limit, format!("{ratio:.2}"), memory]);
    }

    async fn heavy(&mut self, times: usize) -> Result<(), Failure> {
        let normal = HeavyAccount::default();
        let size =
            HeavyAccount { posts: normal.posts * times, relayables: normal.relayables * times, ..normal };
        let url = self.cluster.create_database(&format!("heavy{times}")).await?;
        let pool = PgPool::connect(&url).await?;
        heavy_account(&pool, Some(&self.path("uploads")), &size).await?;
        let label = format!("export: {} posts, {} relayables", size.posts, size.relayables);
        let names = ["alice".to_owned()];
        let copy = copy_out(&pool).await?;
        let (report, first) = self.export(&names, &url, "heavy")?;
        self.row(&format!("{label}, first time"), first, ("COPY", copy), &report["peak_memory_kb"]);
        let (mut taken, mut limits, mut memory) = (Vec::new(), Vec::new(), Value::Null);
        for _ in 0..self.arguments.runs {
            limits.push(copy_out(&pool).await?);
            let (report, took) = self.export(&names, &url, "heavy")?;
            taken.push(took);
            memory = report["peak_memory_kb"].clone();
        }
        self.row(&label, median(taken), ("COPY", median(limits)), &memory);
        pool.close().await;
        Ok(())
    }

    /// The heavy account comes to an empty pod, with its photos or without.
    async fn import(&mut self, photos: bool) -> Result<(), Failure> {
        let size = HeavyAccount {
            photos: if photos { HeavyAccount::default().photos } else { 0 },
            signatures: Signatures::Real,
            ..HeavyAccount::default()
        };
        let source = self.cluster.create_database(&format!("leaves_{photos}")).await?;
        let pool = PgPool::connect(&source).await?;
        heavy_account(&pool, Some(&self.path("uploads")), &size).await?;
        let copy = copy_out(&pool).await?;
        let names: Vec<String> =
            sqlx::query_scalar("SELECT remote_photo_name FROM photos").fetch_all(&pool).await?;
        for (name, tint) in names.iter().zip(0_u8..) {
            // As large as phones make them; what is in the heavy account is no picture.
            let picture = image::RgbImage::from_fn(1600, 1200, |x, y| {
                image::Rgb([tint, (x ^ y).to_le_bytes()[0], (x * y / 97).to_le_bytes()[0]])
            });
            picture.save(self.path("uploads/images").join(name))?;
        }
        pool.close().await;
        let (report, _) = self.export(&["alice".to_owned()], &source, "leaves")?;
        let archive = report["exported"][0]["archive"].as_str().ok_or("no archive")?.to_owned();
        let (verified, _) = self.pappus(&["verify", &archive])?;
        let signed_by = verified["origin"]["pod"]["signed_by"].as_str().ok_or("no pod key")?;
        let host = verified["account"].as_str().and_then(|account| account.split_once('@'));
        let pin = format!("{}={signed_by}", host.ok_or("no account")?.1);
        let (mut taken, mut records, mut memory) = (Vec::new(), 0, Value::Null);
        for run in 0..self.arguments.runs {
            let target = self.cluster.create_database(&format!("arrives_{photos}_{run}")).await?;
            pappus_tests::schema::create(&Pool::connect(&target).await?).await?;
            let (uploads, state) = (self.path(&format!("arrived{run}")), self.path(&format!("journal{run}")));
            std::fs::create_dir_all(uploads.join("images"))?;
            let (uploads, state) = (text(&uploads), text(&state));
            let mut arguments = vec!["import", &archive, "--as", "alice", "--offline", "--hold"];
            arguments.extend(["--trust-pod", &pin]);
            arguments.extend(["--database-url", &target, "--pod-url", "https://new.example/"]);
            arguments.extend(["--uploads", &uploads, "--state", &state]);
            let (report, took) = self.pappus(&arguments)?;
            let kinds = report["kinds"].as_object().ok_or("no report")?;
            records = kinds.values().filter_map(|tally| tally["imported"].as_u64()).sum();
            taken.push(took);
            memory = report["peak_memory_kb"].clone();
        }
        let took = median(taken);
        let rate = f64::from(u32::try_from(records)?) / took.as_secs_f64();
        let with = if photos { "with photos in four sizes" } else { "without photos" };
        let label = format!("import: {records} records, {with} ({rate:.0} records/s)");
        self.row(&label, took, ("COPY of the same rows", copy), &memory);
        Ok(())
    }

    async fn verify(&mut self) -> Result<(), Failure> {
        let url = self.cluster.create_database("photos").await?;
        let pool = PgPool::connect(&url).await?;
        let size = HeavyAccount {
            posts: 300,
            relayables: 600,
            photos: 300,
            photo_bytes: 1_000_000,
            ..HeavyAccount::default()
        };
        heavy_account(&pool, Some(&self.path("uploads")), &size).await?;
        let (report, _) = self.export(&["alice".to_owned()], &url, "photos")?;
        let archive = report["exported"][0]["archive"].as_str().ok_or("no archive")?.to_owned();
        let (mut taken, mut limits, mut memory) = (Vec::new(), Vec::new(), Value::Null);
        for _ in 0..self.arguments.runs {
            let started = Instant::now();
            Command::new("sha256sum").arg(&archive).stdout(Stdio::null()).status()?;
            limits.push(started.elapsed());
            let (report, took) = self.pappus(&["verify", &archive])?;
            taken.push(took);
            memory = report["peak_memory_kb"].clone();
        }
        let bytes = std::fs::metadata(&archive)?.len();
        self.row(
            &format!("verify: {} MB of photos", bytes / 1_000_000),
            median(taken),
            ("sha256sum", median(limits)),
            &memory,
        );
        Ok(())
    }

    /// Relayables of an archive, all signatures good, against the library's bare rate on as many cores.
    fn signatures(&mut self) -> Result<(), Failure> {
        let (archive, relayables) = pappus_tests::heavy::signed_document(4000)?;
        let path = self.path("signed.json");
        std::fs::write(&path, archive)?;
        let threads = std::thread::available_parallelism()?;
        let (mut taken, mut limits) = (Vec::new(), Vec::new());
        for _ in 0..self.arguments.runs {
            limits.push(relayables.raw_verification());
            let opened = pappus_engine::archive::open::Archive::open(
                &path,
                pappus_engine::archive::limits::Limits::default(),
                None,
            )?;
            let mut opened = opened.verify(&())?;
            let started = Instant::now();
            let report = pappus_engine::validate::check_signatures(&mut opened, &[], threads)?;
            taken.push(started.elapsed());
            if report.good != relayables.len() as u64 {
                return Err(format!("{} of {} signatures are good", report.good, relayables.len()).into());
            }
        }
        let label = format!("check {} signatures of relayables, 4096 bits", relayables.len());
        self.row(&label, median(taken), ("bare verification, all cores", median(limits)), &Value::Null);
        Ok(())
    }

    /// A move is announced and told to pods of which a third are dead, by programs as a podmin runs them.
    async fn announce(&mut self) -> Result<(), Failure> {
        const CONTACTS: usize = 10_000;
        const PODS: usize = 1000;
        let folder = self.path("crowd");
        std::fs::create_dir_all(&folder)?;
        let database = self.cluster.create_database("crowd").await?;
        let network = Network::start().await?;
        let size = (CONTACTS, PODS);
        let crowd = Crowd::gather(&self.arguments.pappus, &folder, &database, &network, size).await?;
        let announced = went_well(watch(crowd.announce(), &folder, || false)?)?;
        let label = format!("announce: {CONTACTS} contacts on {PODS} pods, queued");
        let limit = ("bare signatures, all cores", bare_signatures(CONTACTS)?);
        self.row(&label, announced.took, limit, &announced.memory.into());
        let started = Instant::now();
        let delivered = went_well(watch(crowd.command(&["deliver"]), &folder, || false)?)?;
        let live = network.last().map_or(delivered.took, |last| last - started);
        let label = format!("deliver: all live pods told, with {} files open at most", delivered.files);
        self.row(&label, live, ("goal", Duration::from_mins(1)), &delivered.memory.into());
        let label = "deliver: until the last pod that hangs was waited for";
        self.row(label, delivered.took, ("goal", Duration::from_mins(1)), &delivered.memory.into());
        Ok(())
    }
}

fn went_well(ended: Watched) -> Result<Watched, Failure> {
    match ended.code {
        Some(0 | 10) => Ok(ended),
        _ => Err(format!("pappus ended badly: {}", ended.stderr).into()),
    }
}

/// So many signatures with 4096 bits.
fn bare_signatures(number: usize) -> Result<Duration, Failure> {
    let key = PrivateKey::generate()?.signing_key()?;
    on_all_cores(number, |_| Ok(key.sign(&[0; 500]).map(drop)?))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 0.01 { format!("{:.3} ms", seconds * 1000.0) } else { format!("{seconds:.3} s") }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// PostgreSQL copying out every row of the pod.
async fn copy_out(pool: &PgPool) -> Result<Duration, Failure> {
    let mut link = pool.acquire().await?;
    let started = Instant::now();
    for table in tables() {
        let sql = format!("COPY \"{}\" TO STDOUT", table.name);
        let mut rows = link.copy_out_raw(&sql).await?;
        while let Some(part) = rows.next().await {
            part?;
        }
    }
    Ok(started.elapsed())
}
