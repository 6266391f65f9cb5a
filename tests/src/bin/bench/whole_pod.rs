//! A whole pod out by a campaign, beside what nobody can avoid: PostgreSQL copying the rows out, packing the same
//! bytes, their digests, and the signatures.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use pappus_engine::archive::writer::DEFLATE_LEVEL;
use pappus_engine::domain::{PrivateKey, SigningKey};
use pappus_tests::heavy::{WholePod, store_missing_signatures, whole_pod};
use pappus_tests::watched::processor_seconds;
use serde_json::Value;
use sqlx::PgPool;

use super::{Bench, Failure, copy_out, statements, text};

/// Archives whose bytes are packed once more; the rest is taken to be like them.
const SAMPLE: usize = 400;
/// Signatures by which the rate of the cores is found.
const SIGNATURES: usize = 400;

/// How often the curve gets a point.
const MOMENT: Duration = Duration::from_secs(10);

/// What had to be done besides reading.
struct Unavoidable {
    copy: Duration,
    packing: Duration,
    signing: Duration,
}

/// Which signatures of relayables a whole pod has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Stored {
    /// An old pod's shape: ten times the posts, and all signatures are stored.
    AllSignatures,
    /// diaspora* stores none for what its own people write to each other
    OthersSignatures,
}

impl Bench<'_> {
    pub(super) async fn whole_pod(&mut self, stored: Stored) -> Result<(), Failure> {
        let accounts = self.arguments.accounts;
        let times = if stored == Stored::AllSignatures { 10 } else { 1 };
        let size = WholePod { accounts, posts: self.arguments.posts * times, keys: self.arguments.keys() };
        let name = if stored == Stored::AllSignatures { "whole_signed" } else { "whole" };
        let url = self.cluster.create_database(name).await?;
        let pool = PgPool::connect(&url).await?;
        whole_pod(&pool, &size).await?;
        if stored == Stored::AllSignatures {
            store_missing_signatures(&pool, size.keys).await?;
        }
        let bytes: i64 =
            sqlx::query_scalar("SELECT pg_database_size(current_database())").fetch_one(&pool).await?;
        eprintln!("  {} MB in PostgreSQL, {url}", bytes / 1_000_000);
        let (uploads, out, state) =
            (self.path("uploads"), self.path(name), self.path(&format!("{name}-state")));
        let copy = copy_out(&pool).await?;
        std::fs::create_dir_all(uploads.join("images"))?;
        let (uploads, out_text, state) = (text(&uploads), text(&out), text(&state));
        let mut arguments = vec!["export", "--all", "--plain", "--no-gentle"];
        arguments.extend(["--database-url", &url, "--pod-url", "https://closing.example/"]);
        arguments.extend(["--uploads", &uploads, "--out", &out_text, "--state", &state]);
        let counts = statements::reset(&pool).await.is_ok();
        let before = self.processor_time();
        let (report, took) = self.with_curve(&arguments, &out)?;
        let after = self.processor_time();
        let records: i64 = report["totals"]["records"].as_i64().ok_or("no records")?;
        let archives = archives(&out)?;
        if archives.len() != accounts {
            return Err(format!("{} archives of {accounts} accounts", archives.len()).into());
        }
        let bytes: u64 = archives.iter().filter_map(|path| path.metadata().ok()).map(|data| data.len()).sum();
        let signing = signing(&pool, &size, stored).await?;
        let limit = Unavoidable { copy, packing: packing(&archives)?, signing };
        let signed = if stored == Stored::AllSignatures { "all signatures stored, " } else { "" };
        let label = format!(
            "whole pod, {signed}{accounts} accounts ({:.0}/s), {records} records, {} MB of archives; \
             processor: Pappus {:.1} s, PostgreSQL {:.1} s",
            count(accounts) / took.as_secs_f64(),
            bytes / 1_000_000,
            after.0 - before.0,
            after.1 - before.1,
        );
        let parts = format!(
            "COPY {:.1} s, packing and digests {:.1} s, signatures {:.1} s",
            limit.copy.as_secs_f64(),
            limit.packing.as_secs_f64(),
            limit.signing.as_secs_f64()
        );
        let sum = limit.copy + limit.packing + limit.signing;
        self.row(&label, took, (&parts, sum), &report["peak_memory_kb"]);
        if counts {
            self.statements = Some(statements::dearest(&pool).await?);
        }
        std::fs::remove_dir_all(&out)?;
        pool.close().await;
        Ok(())
    }

    /// Seconds of processor time: of the programs run so far, and of PostgreSQL.
    fn processor_time(&self) -> (f64, f64) {
        let ours = processor_seconds(std::process::id()).unwrap_or_default();
        (ours, self.cluster.processor_seconds().unwrap_or_default())
    }
}

impl Bench<'_> {
    /// Runs the program, and writes down how far it is as time goes by, when somebody wants to know that.
    fn with_curve(&self, arguments: &[&str], out: &Path) -> Result<(Value, Duration), Failure> {
        let Some(place) = &self.arguments.curve else { return self.pappus(arguments) };
        let mut curve = File::create(place)?;
        writeln!(curve, "seconds,processor_seconds,accounts")?;
        let (over, is_over) = mpsc::channel::<()>();
        let started = Instant::now();
        std::thread::scope(|scope| {
            let watching = scope.spawn(move || -> std::io::Result<()> {
                while is_over.recv_timeout(MOMENT) == Err(mpsc::RecvTimeoutError::Timeout) {
                    let (spent, done) = (
                        seconds_of_writer(out).unwrap_or_default(),
                        archives(out).map_or(0, |all| all.len()),
                    );
                    writeln!(curve, "{:.0},{spent:.1},{done}", started.elapsed().as_secs_f64())?;
                }
                Ok(())
            });
            let done = self.pappus(arguments);
            drop(over);
            watching.join().map_err(|_| "the curve was lost")??;
            done
        })
    }
}

/// What the processor has done for the program that writes to a folder.
fn seconds_of_writer(out: &Path) -> Option<f64> {
    let out = out.to_str()?;
    let ours = std::fs::read_dir("/proc").ok()?.flatten().find(|process| {
        let line = std::fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        line.split('\0').any(|word| word == out)
    })?;
    processor_seconds(ours.file_name().to_str()?.parse().ok()?)
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn count(number: usize) -> f64 {
    number as f64
}

/// The archives in a folder.
pub(super) fn archives(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut archives = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "zip") {
            archives.push(path);
        }
    }
    archives.sort();
    Ok(archives)
}

/// Packing everything once more, on all cores.
fn packing(archives: &[PathBuf]) -> Result<Duration, Failure> {
    let step = archives.len().div_ceil(SAMPLE).max(1);
    let sample: Vec<&PathBuf> = archives.iter().step_by(step).collect();
    let mut plain = Vec::new();
    for path in &sample {
        let mut archive = zip::ZipArchive::new(File::open(path)?)?;
        for index in 0..archive.len() {
            let mut bytes = Vec::new();
            archive.by_index(index)?.read_to_end(&mut bytes)?;
            plain.push(bytes);
        }
    }
    let level = flate2::Compression::new(DEFLATE_LEVEL.try_into()?);
    let took = on_all_cores(plain.len(), |number| {
        let Some(bytes) = plain.get(number) else { return Ok(()) };
        let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), level);
        packed.write_all(bytes)?;
        packed.finish()?;
        std::hint::black_box(digest(&SHA256, bytes));
        Ok(())
    })?;
    Ok(took.mul_f64(count(archives.len()) / count(sample.len())))
}

/// As many signatures as the archives need: two each, and one for whatever people of this pod wrote under each
/// other's posts, unless it is stored.
async fn signing(pool: &PgPool, size: &WholePod, stored: Stored) -> Result<Duration, Failure> {
    let unsigned: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM comments r JOIN posts p ON p.id = r.commentable_id \
         WHERE r.author_id <= $1 AND r.author_id <> p.author_id) + (SELECT count(*) FROM likes r \
         JOIN posts p ON p.id = r.target_id WHERE r.author_id <= $1 AND r.author_id <> p.author_id)",
    )
    .bind(i64::try_from(size.accounts)?)
    .fetch_one(pool)
    .await?;
    let pem: String =
        sqlx::query_scalar("SELECT serialized_private_key FROM users LIMIT 1").fetch_one(pool).await?;
    let own = PrivateKey::from_pem(pem).signing_key()?;
    let archive_key = PrivateKey::generate_archive_key()?.archive_signing_key()?;
    let missing = if stored == Stored::AllSignatures { 0 } else { usize::try_from(unsigned)? };
    let by_accounts = missing + size.accounts;
    let rate = |key: &SigningKey| {
        let took = on_all_cores(SIGNATURES, |_| key.sign(&[0; 500]).map(drop).map_err(Failure::from))?;
        Ok::<_, Failure>(took.div_f64(count(SIGNATURES)))
    };
    let by_pod = rate(&archive_key)?.mul_f64(count(size.accounts));
    Ok(rate(&own)?.mul_f64(count(by_accounts)) + by_pod)
}

/// How long all cores together take for so many pieces of work.
pub(super) fn on_all_cores(
    pieces: usize,
    work: impl Fn(usize) -> Result<(), Failure> + Sync,
) -> Result<Duration, Failure> {
    let threads = std::thread::available_parallelism()?.get();
    let started = Instant::now();
    std::thread::scope(|scope| {
        let work = &work;
        // What went wrong is told as text: it crosses threads.
        let share = move |first: usize| {
            (first..pieces)
                .step_by(threads)
                .try_for_each(|piece| work(piece).map_err(|error| error.to_string()))
        };
        let working: Vec<_> = (0..threads).map(|first| scope.spawn(move || share(first))).collect();
        working
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a thread was lost")?.map_err(Failure::from))
    })?;
    Ok(started.elapsed())
}
