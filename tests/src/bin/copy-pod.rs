//! `copy-pod FROM TO`: a pod's rows from one database into another, empty one.

use std::process::ExitCode;

use clap::Parser;
use pappus_tests::copy::copy_pod;
use pappus_tests::schema::{Pool, SchemaError};

/// Copies a pod between databases: postgres://…, mysql://…, sqlite:…
#[derive(Parser)]
struct Arguments {
    /// The pod's database
    from: String,
    /// An empty database
    to: String,
}

async fn run(arguments: &Arguments) -> Result<u64, SchemaError> {
    let (from, to) = (Pool::connect(&arguments.from).await?, Pool::connect(&arguments.to).await?);
    let copied = copy_pod(&from, &to).await?;
    from.close().await;
    to.close().await;
    Ok(copied)
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(rows) => {
            println!("{rows} rows copied");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("copy-pod: {error}");
            ExitCode::FAILURE
        }
    }
}
