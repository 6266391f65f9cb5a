//! `soak`: hostile archives, one after another, at the door of a pod. The service stays up, takes no more memory than it
//! should with all its processes, answers, and people with good archives come in between.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use pappus_tests::door::{ARCHIVE, DoorError, Mover, PHOTOS};
use pappus_tests::hostile::Hostile;
use pappus_tests::program::pappus;
use pappus_tests::sample::{KeySize, PASSWORD, build};
use pappus_tests::schema::{Pool, create};
use pappus_tests::service::{Browser, Service};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tokio::task::JoinSet;

/// Uploads hostile archives.
#[derive(Parser)]
struct Arguments {
    /// Hostile archives
    #[arg(long, default_value_t = 1000)]
    uploads: u64,
    /// Which ones; the same number gives the same archives
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Uploads at the same time
    #[arg(long, default_value_t = 4)]
    together: usize,
    /// Most memory of the service with all its processes, in megabytes
    #[arg(long, default_value_t = 512)]
    megabytes: u64,
    /// Longest time for an answer of /health, in milliseconds
    #[arg(long, default_value_t = 100)]
    patience: u64,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Longest wait for one archive.
const LONGEST: Duration = Duration::from_mins(10);

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The two pods.
struct Scene {
    folder: tempfile::TempDir,
    good: Vec<PathBuf>,
}

impl Scene {
    async fn new() -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name);
        let old = format!("sqlite:{}", path("old.sqlite3").display());
        let pool = Pool::connect(&old).await?;
        build(&pool, &path("old-uploads"), KeySize::Small).await?;
        let new = Pool::connect(&format!("sqlite:{}", path("new.sqlite3").display())).await?;
        create(&new).await?;
        std::fs::create_dir_all(path("uploads/images"))?;
        let (out, state, uploads) = (path("out"), path("old-state"), path("old-uploads"));
        let (out, state, uploads) = (text(&out), text(&state), text(&uploads));
        let mut command = vec!["export", "--all", "--plain", "--out", &out, "--state", &state];
        command.extend([
            "--database-url",
            &old,
            "--pod-url",
            "https://closing.example/",
            "--uploads",
            &uploads,
        ]);
        let exported = pappus(command)?;
        let mut good: Vec<PathBuf> = std::fs::read_dir(&out)
            .map_err(|error| format!("{error}: {exported:?}"))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        good.retain(|path| path.extension().is_some_and(|ending| ending == "zip"));
        good.sort();
        Ok(Self { folder, good })
    }

    fn serve(&self, pin: &str) -> Result<Service, Failure> {
        let path = |name: &str| text(&self.folder.path().join(name));
        let sections = format!(
            "[pod]\ndatabase_url = {:?}\nurl = \"https://haven.example/\"\nuploads = {:?}\n[store]\nstate = \"state\"\n\
             [newcomers]\nenabled = true\nadmission = \"open\"\nask_pods = false\nkeep_free_megabytes = 1\n\
             per_day = 1000000\nper_address = 1000000\nundo_minutes = 1440\ntrusted_pods = [{pin:?}]\n",
            format!("sqlite:{}", path("new.sqlite3")),
            path("uploads"),
        );
        Ok(Service::start(self.folder.path(), &sections)?)
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A file of an archive.
fn inside(archive: &Path, name: &str) -> Result<Value, Failure> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(archive)?)?;
    Ok(serde_json::from_reader(zip.by_name(name)?)?)
}

/// What is seen while the service works.
#[derive(Default)]
struct Seen {
    over: AtomicBool,
    peak_kilobytes: AtomicUsize,
    slowest_micros: AtomicUsize,
    answers: AtomicUsize,
    slow_answers: AtomicUsize,
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let scene = Scene::new().await?;
    // The last account's archive is what hostile ones are made of; nobody good comes with it.
    let (base, good) = scene.good.split_last().ok_or("no archive was exported")?;
    let verified: Value = serde_json::from_str(&pappus(["verify", &text(base), "--json"])?.stdout)?;
    let key = verified["origin"]["pod"]["signed_by"].as_str().ok_or("the archive has no signature")?;
    let pin = format!("closing.example={key}");
    let documents = vec![inside(base, "diaspora.json")?];
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/hostile");
    let attacker = Arc::new(Hostile::new(&vectors, vec![std::fs::read(base)?], documents)?);
    let service = scene.serve(&pin)?;
    let seen = Arc::new(Seen::default());
    let watching =
        tokio::spawn(watch(service.url.clone(), service.id(), Arc::clone(&seen), arguments.patience));
    let store = scene.folder.path().join("state/pods/haven.example/pappus.sqlite3");
    let store = SqliteConnectOptions::new().filename(store).busy_timeout(Duration::from_secs(20));
    let store = SqlitePool::connect_with(store).await?;
    let careless = tokio::spawn(let_all_in(store, Arc::clone(&seen)));
    let begun = Instant::now();
    let every = (arguments.uploads / (good.len() as u64 + 1)).max(1);
    let (mut tasks, mut kinds) = (JoinSet::new(), std::collections::BTreeMap::<String, u64>::new());
    let mut people = good.iter();
    for number in 0..arguments.uploads {
        if number % every == every / 2
            && let Some(archive) = people.next()
        {
            come_in(&service.url, archive, number).await?;
        }
        let (url, attacker) = (service.url.clone(), Arc::clone(&attacker));
        let which = arguments.seed * 1_000_000 + number;
        tasks.spawn(async move { attack(&url, &attacker, which).await });
        if tasks.len() >= arguments.together
            && let Some(done) = tasks.join_next().await
        {
            *kinds.entry(done??).or_default() += 1;
        }
    }
    while let Some(done) = tasks.join_next().await {
        *kinds.entry(done??).or_default() += 1;
    }
    seen.over.store(true, Ordering::SeqCst);
    watching.await??;
    careless.await??;
    let came = good.len() - people.len();
    say(&kinds, &seen, begun.elapsed(), came);
    judge(&arguments, &seen, came)
}

fn say(kinds: &std::collections::BTreeMap<String, u64>, seen: &Seen, took: Duration, came: usize) {
    for (kind, count) in kinds {
        println!("{count:6}  {kind}");
    }
    let megabytes = seen.peak_kilobytes.load(Ordering::SeqCst) / 1000;
    let slowest = Duration::from_micros(seen.slowest_micros.load(Ordering::SeqCst) as u64);
    let (answers, slow) = (seen.answers.load(Ordering::SeqCst), seen.slow_answers.load(Ordering::SeqCst));
    println!("{came} people with good archives came in between; all in {} s", took.as_secs());
    println!("most memory of the service with its processes: {megabytes} MB");
    println!("slowest of {answers} answers of /health: {} ms, {slow} too slow", slowest.as_millis());
}

fn judge(arguments: &Arguments, seen: &Seen, came: usize) -> Result<(), Failure> {
    if seen.peak_kilobytes.load(Ordering::SeqCst) as u64 / 1000 >= arguments.megabytes {
        return Err("too much memory".into());
    }
    if seen.slow_answers.load(Ordering::SeqCst) > 0 {
        return Err("/health was too slow".into());
    }
    if came == 0 {
        return Err("nobody good came".into());
    }
    Ok(())
}

/// One hostile upload, until nothing goes on with it by itself. Gives what it was and where it ended.
async fn attack(url: &str, attacker: &Hostile, which: u64) -> Result<String, String> {
    let tried = async {
        let upload = attacker.upload(which)?;
        let mut mover = Mover::begin(url, &json!({})).await?;
        match hand_in(&mut mover, upload.archive, upload.photos).await {
            // Empty files are refused at once.
            Err(DoorError::Answer { status, .. }) if status.is_client_error() => {
                return Ok(format!("{}: refused at the door", upload.kind));
            }
            other => other?,
        }
        let mut now = settled(&mut mover).await?;
        if now["state"] == "checked" {
            mover.choose(&format!("hostile{which}"), PASSWORD).await?;
            now = settled(&mut mover).await?;
        }
        let state = now["state"].as_str().unwrap_or_default();
        let problem = now["problem"].as_str().filter(|_| state != "imported").unwrap_or_default();
        Ok::<_, Failure>(format!("{}: {state} {problem}", upload.kind).trim_end().to_owned())
    };
    tried.await.map_err(|error| format!("upload {which}: {error}"))
}

async fn hand_in(mover: &mut Mover, archive: Vec<u8>, photos: Option<Vec<u8>>) -> Result<(), DoorError> {
    mover.upload(ARCHIVE, archive).await?;
    if let Some(photos) = photos {
        mover.upload(PHOTOS, photos).await?;
    }
    mover.look().await
}

/// A podmin who says yes to everybody, so that hostile archives get further.
async fn let_all_in(store: SqlitePool, seen: Arc<Seen>) -> Result<(), Failure> {
    while !seen.over.load(Ordering::SeqCst) {
        let yes = "UPDATE pappus_newcomers SET state = 'importing', approved = 1, due_at = 0 \
                   WHERE state = 'waiting'";
        sqlx::query(yes).execute(&store).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

/// Waits until nothing happens by itself any more.
async fn settled(mover: &mut Mover) -> Result<Value, Failure> {
    let begun = Instant::now();
    loop {
        let now = mover.now().await?;
        if !matches!(now["state"].as_str(), Some("checking" | "waiting" | "importing")) {
            return Ok(now);
        }
        if begun.elapsed() > LONGEST {
            return Err(format!("still {now}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn come_in(url: &str, archive: &Path, number: u64) -> Result<(), Failure> {
    let mut mover = Mover::begin(url, &json!({})).await?;
    hand_in(&mut mover, std::fs::read(archive)?, None).await?;
    let checked = settled(&mut mover).await?;
    if checked["state"] == "checked" {
        mover.choose(&format!("good{number}"), PASSWORD).await?;
    }
    let arrived = settled(&mut mover).await?;
    if arrived["state"] != "imported" {
        return Err(format!("{} did not come in: {arrived}", archive.display()).into());
    }
    Ok(())
}

/// Looks at memory and answers until it is over.
async fn watch(url: String, service: u32, seen: Arc<Seen>, patience: u64) -> Result<(), Failure> {
    let mut visitor = Browser::new(&url)?;
    while !seen.over.load(Ordering::SeqCst) {
        seen.peak_kilobytes.fetch_max(memory(service)?, Ordering::SeqCst);
        let asked = Instant::now();
        let answer = visitor.get("/health").await?;
        let took = asked.elapsed();
        if !answer.status.is_success() {
            return Err(format!("/health says {}", answer.status).into());
        }
        seen.answers.fetch_add(1, Ordering::SeqCst);
        seen.slowest_micros.fetch_max(usize::try_from(took.as_micros())?, Ordering::SeqCst);
        if took > Duration::from_millis(patience) {
            seen.slow_answers.fetch_add(1, Ordering::SeqCst);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// What a process and its children take of the memory, in kilobytes; what they share counts once.
fn memory(service: u32) -> Result<usize, Failure> {
    let mut total = proportional(service).ok_or("the service is gone")?;
    for task in std::fs::read_dir(format!("/proc/{service}/task"))?.flatten() {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|child| child.parse().ok());
        // One that has just ended takes nothing.
        total += children.filter_map(proportional).sum::<usize>();
    }
    Ok(total)
}

fn proportional(process: u32) -> Option<usize> {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().trim_end_matches(" kB").trim().parse().ok()
}
