//! `portal-load`: so many people sign in to the portal of a closing pod and press the button within a minute, while
//! archives are made; how long pages take meanwhile, how much memory the service needs, and whether everybody gets
//! exactly one archive.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::Store;
use pappus_tests::cluster::PostgresCluster;
use pappus_tests::heavy::{KeyBits, WholePod, whole_pod};
use pappus_tests::sample::PASSWORD;
use pappus_tests::service::{Browser, Service};
use reqwest::StatusCode;
use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// Measures the portal under many people.
#[derive(Parser)]
struct Arguments {
    /// People
    #[arg(long, default_value_t = 2000)]
    people: usize,
    /// Seconds within which all of them ask
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How often a waiting person's page reloads, in seconds
    #[arg(long, default_value_t = 5)]
    reload: u64,
    /// Archives made at the same time
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Kill the service in the middle, and start it anew
    #[arg(long)]
    kill: bool,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long each answer took.
type Times = Arc<Mutex<Vec<Duration>>>;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("portal-load: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let cluster = PostgresCluster::start().await?;
    let url = cluster.create_database("portal").await?;
    let size = WholePod { accounts: arguments.people, posts: 100, keys: KeyBits::Usual };
    whole_pod(&PgPool::connect(&url).await?, &size).await?;
    let folder = tempfile::tempdir()?;
    std::fs::create_dir_all(folder.path().join("uploads/images"))?;
    let sections = format!(
        "[pod]\ndatabase_url = \"{url}\"\nurl = \"https://closing.example/\"\nuploads = \"uploads\"\n\
         [store]\nstate = \"state\"\n[archives]\nworkers = {}\n[closing]\nenabled = true\n",
        arguments.workers
    );
    let mut service = Service::start(folder.path(), &sections)?;
    let people = sign_in(&service, arguments.people).await?;
    eprintln!("{} people have signed in", people.len());

    let (times, begun) = (Times::default(), Instant::now());
    let step = Duration::from_secs(arguments.seconds) / u32::try_from(arguments.people.max(1))?;
    let reload = Duration::from_secs(arguments.reload);
    let mut waiting = JoinSet::new();
    for (number, browser) in (0..).zip(people) {
        waiting.spawn(person(browser, step * number, reload, Arc::clone(&times)));
    }
    if arguments.kill {
        tokio::time::sleep(Duration::from_secs(arguments.seconds) / 2).await;
        service.kill_and_start()?;
        eprintln!("killed, and started anew");
    }
    let (mut served, mut refused) = (0, 0);
    while let Some(person) = waiting.join_next().await {
        refused += person??;
        served += 1;
    }
    let took = begun.elapsed();
    let archives = archives(folder.path()).await?;
    report(&mut times.lock().await, took, memory(service.id()));
    println!("people with an archive: {served}; archives: {archives}; answers other than 200: {refused}");
    if archives != i64::try_from(arguments.people)? {
        return Err("not everybody has exactly one archive".into());
    }
    Ok(())
}

async fn sign_in(service: &Service, people: usize) -> Result<Vec<Browser>, Failure> {
    let pristine = Browser::new(&service.url)?;
    let mut browsers = Vec::with_capacity(people);
    for number in 1..=people {
        let mut browser = pristine.clone();
        let answer = browser.sign_in(&format!("user{number}"), PASSWORD).await?;
        if !answer.text().contains("/archive/ask") {
            return Err(format!("user{number} cannot sign in: {}", answer.text()).into());
        }
        browsers.push(browser);
    }
    Ok(browsers)
}

/// Asks, reloads until the archive is there; gives how many answers were not as they should be.
async fn person(
    mut browser: Browser,
    wait: Duration,
    reload: Duration,
    times: Times,
) -> Result<u64, Failure> {
    tokio::time::sleep(wait).await;
    let (mut wrong, mut asked) = (0, false);
    loop {
        let begun = Instant::now();
        let answer =
            if asked { browser.open("/archive").await } else { browser.submit("/archive/ask", &[]).await };
        let took = begun.elapsed();
        match answer {
            Ok(answer) if answer.status == StatusCode::OK => {
                times.lock().await.push(took);
                asked |= answer.text().contains("data-progress") || answer.text().contains("/file/");
                if answer.text().contains("/file/") {
                    return Ok(wrong);
                }
            }
            // While the service is being killed.
            _ => wrong += 1,
        }
        tokio::time::sleep(reload).await;
    }
}

async fn archives(folder: &std::path::Path) -> Result<i64, Failure> {
    let file = folder.join("state/pods/closing.example/pappus.sqlite3");
    let store = Store::open(&DatabaseUrl::from_file(&file)?).await?;
    let sql = "SELECT COUNT(*) AS found FROM pappus_requests WHERE state = 'done'";
    let row = store.first("counting archives", sql, &[]).await?;
    Ok(row.map_or(Ok(0), |row| row.get("found"))?)
}

fn report(times: &mut [Duration], took: Duration, memory: u64) {
    times.sort();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    println!(
        "{} answers in {:.1} s; half within {:.1} ms, 95 % within {:.1} ms, 99 % within {:.1} ms, the slowest {:.1} ms",
        times.len(),
        took.as_secs_f64(),
        at(50).as_secs_f64() * 1e3,
        at(95).as_secs_f64() * 1e3,
        at(99).as_secs_f64() * 1e3,
        times.last().copied().unwrap_or_default().as_secs_f64() * 1e3,
    );
    println!("most memory of the service: {} MB", memory / 1000);
}

/// The most memory a program had, in kB.
fn memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or(0)
}
