//! `sample-pod DIR`: an invented pod to try things on, database and files included.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use pappus_tests::sample::{
    KeySize, OTP_SECRET, PASSWORD, POD_URL, SampleError, SamplePod, build, write_pod_directory,
};
use pappus_tests::schema::Pool;

/// Builds an invented diaspora* pod.
#[derive(Parser)]
struct Arguments {
    /// Folder to make; it gets config/, public/uploads/ and, without --database, db.sqlite3
    directory: PathBuf,
    /// An empty database: postgres://…, mysql://… or sqlite:…
    #[arg(long)]
    database: Option<String>,
    /// Give some people keys of 4096 bits, as on a grown pod
    #[arg(long)]
    mixed_keys: bool,
}

async fn run(arguments: &Arguments) -> Result<(SamplePod, String), SampleError> {
    let file = |source| SampleError::File { path: arguments.directory.display().to_string(), source };
    std::fs::create_dir_all(&arguments.directory).map_err(file)?;
    let directory = std::path::absolute(&arguments.directory).map_err(file)?;
    let database = arguments.database.clone().unwrap_or_else(|| sqlite(&directory));
    write_pod_directory(&directory, &database)?;
    let pool = Pool::connect(&database).await?;
    let size = if arguments.mixed_keys { KeySize::Mixed } else { KeySize::Small };
    let pod = build(&pool, &directory.join("public/uploads"), size).await;
    pool.close().await;
    Ok((pod?, database))
}

fn sqlite(directory: &Path) -> String {
    format!("sqlite:{}", directory.join("db.sqlite3").display())
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok((pod, database)) => {
            println!("pod       {POD_URL}");
            println!("directory {}", arguments.directory.display());
            println!("database  {database}");
            println!("rows      {}", pod.rows);
            println!("photos    {}", pod.photos.len());
            println!("password  {PASSWORD} (everybody's)");
            println!("one-time codes: jonas signs in with one too, by the secret {OTP_SECRET}");
            for person in &pod.people {
                println!("{:32} {}", person.diaspora_id, person.about);
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("sample-pod: {error}");
            ExitCode::FAILURE
        }
    }
}
