//! What people of a pod notice of a campaign that runs gently: how long a simple question to its database takes.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pappus_tests::heavy::{KeyBits, WholePod, whole_pod};
use serde_json::Value;
use sqlx::PgPool;

use super::whole_pod::archives;
use super::{Bench, Failure, text};

/// How long is asked, with the campaign and without; by turns, for the machine's speed changes.
const TURN: Duration = Duration::from_secs(20);
const TURNS: usize = 3;
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(10);
/// Enough that the campaign does not end before.
const ACCOUNTS: usize = 3000;

impl Bench<'_> {
    /// The 95th percentile while a campaign runs, beside the same without it.
    pub(super) async fn gentle(&mut self) -> Result<(), Failure> {
        let url = self.cluster.create_database("gentle").await?;
        let pool = PgPool::connect(&url).await?;
        whole_pod(&pool, &WholePod { accounts: ACCOUNTS, posts: 100, keys: KeyBits::Usual }).await?;
        sqlx::query("ANALYZE").execute(&pool).await?;
        let (mut alone, mut beside) = (Vec::new(), Vec::new());
        // What comes first fills caches.
        ask(&pool, TURN / 4).await?;
        for _ in 0..TURNS {
            alone.extend(ask(&pool, TURN).await?);
            let mut campaign = self.campaign(&url)?;
            // The list is written first.
            tokio::time::sleep(Duration::from_secs(2)).await;
            beside.extend(ask(&pool, TURN).await?);
            if let Some(status) = campaign.try_wait()? {
                return Err(format!("the campaign ended too early: {status}").into());
            }
            campaign.kill()?;
            campaign.wait()?;
            // The server notices that nobody is there any more.
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        // Whoever does nothing disturbs nobody.
        let made = archives(&self.path("gentle"))?.len();
        if made < TURNS {
            return Err(format!("the campaign made {made} archives in {TURNS} turns").into());
        }
        let label = format!(
            "gentle campaign: 95th percentile of {} simple questions, while {made} accounts were exported",
            beside.len()
        );
        let limit = ("without a campaign", percentile(alone, 95));
        self.row(&label, percentile(beside, 95), limit, &Value::Null);
        pool.close().await;
        Ok(())
    }

    fn campaign(&self, url: &str) -> Result<std::process::Child, Failure> {
        let (uploads, out, state) = (self.path("uploads"), self.path("gentle"), self.path("gentle-state"));
        std::fs::create_dir_all(uploads.join("images"))?;
        let (uploads, out, state) = (text(&uploads), text(&out), text(&state));
        let mut command = Command::new(&self.arguments.pappus);
        command.args(["export", "--all", "--plain", "--gentle", "--name", "gentle", "--lease", "2"]);
        command.args(["--database-url", url, "--pod-url", "https://closing.example/"]);
        command.args(["--uploads", &uploads, "--out", &out, "--state", &state]);
        Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
    }
}

/// Asks for somebody's newest posts, again and again: how long each answer took.
async fn ask(pool: &PgPool, time: Duration) -> Result<Vec<Duration>, Failure> {
    let mut link = pool.acquire().await?;
    let (started, mut taken, mut person) = (Instant::now(), Vec::new(), 1_i32);
    while started.elapsed() < time {
        let asked = Instant::now();
        sqlx::query("SELECT * FROM posts WHERE author_id = $1 ORDER BY id DESC LIMIT 15")
            .bind(person)
            .fetch_all(&mut *link)
            .await?;
        taken.push(asked.elapsed());
        person = person % 1000 + 1;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(taken)
}

fn percentile(mut times: Vec<Duration>, hundredths: usize) -> Duration {
    times.sort();
    times.get(times.len() * hundredths / 100).or(times.last()).copied().unwrap_or_default()
}
