//! `pappus`: exports accounts of a diaspora* pod as signed archives, verifies and converts archives, and imports
//! them.
//!
//! One file per subcommand under `commands/`; all logic is in the engine.

mod announcement;
mod archive;
mod arguments;
mod campaign;
mod clock;
mod commands;
mod error;
mod examples;
mod interrupt;
mod network;
mod omission_text;
mod output;
mod passphrase;
mod pod;
mod progress;
mod store;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use arguments::{Arguments, Command};
use output::Output;

fn main() -> ExitCode {
    let matches = examples::attach(Arguments::command(), "").get_matches();
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let output = Output::new(arguments.json);
    // Packing and HTML pages have their own threads; the reading thread also waits for the database, because waking
    // it from another thread takes longer than the database's answer.
    let runtime = match &arguments.command {
        // Parallel accounts use all cores.
        Command::Worker(_) | Command::Serve(_) => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()
        }
        Command::Export(export) if export.all => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()
        }
        _ => tokio::runtime::Builder::new_current_thread().enable_all().build(),
    };
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(run_until_interrupted(arguments.command, &output));
            // A thread may still be generating a key that is no longer needed.
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(error::Failure::new("the program could not start", error)),
    };
    match result {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit_code()
        }
    }
}

/// Runs a command until it ends or a signal ends it; then removes its temporary files.
async fn run_until_interrupted(
    command: Command,
    output: &Output,
) -> Result<commands::Outcome, error::Failure> {
    let mut signals = interrupt::Listener::start()
        .map_err(|error| error::Failure::new("the program cannot listen for signals", error))?;
    let result = tokio::select! {
        biased;
        interrupted = signals.interrupted() => return Err(error::Failure::interrupted(interrupted)),
        result = run(command, output) => result,
    };
    // A prompt, or a command that was asked for a passphrase, may have ended before the signal was handled.
    match (result, signals.received()) {
        (Err(_), Some(interrupted)) => Err(error::Failure::interrupted(interrupted)),
        (result, _) => result,
    }
}

async fn run(command: Command, output: &Output) -> Result<commands::Outcome, error::Failure> {
    match command {
        // The futures of exports, and of an import with its announcement, are too large for the stack.
        Command::Export(arguments) => Box::pin(commands::export::run(*arguments, output)).await,
        Command::Worker(arguments) => commands::worker::run(arguments, output).await,
        Command::Campaign(arguments) => commands::campaign::run(arguments, output).await,
        Command::Check(arguments) => commands::check::run(arguments, output).await,
        Command::Verify(arguments) => commands::verify::run(&arguments, output),
        Command::Show(arguments) => commands::show::run(&arguments, output),
        Command::Convert(arguments) => commands::convert::run(&arguments, output),
        Command::Merge(arguments) => commands::merge::run(&arguments, output),
        Command::Import(arguments) => Box::pin(commands::import::run(*arguments, output)).await,
        Command::Imports(arguments) => commands::imports::run(arguments, output).await,
        Command::Announce(arguments) => commands::announce::run(arguments, output).await,
        Command::Deliver(arguments) => commands::deliver::run(arguments, output).await,
        Command::Deliveries(arguments) => commands::deliveries::run(arguments, output).await,
        Command::Resend(arguments) => commands::resend::run(arguments, output).await,
        Command::Repair(arguments) => commands::repair::run(arguments, output).await,
        Command::Undo(arguments) => commands::undo::run(arguments, output).await,
        Command::Keys(arguments) => commands::keys::run(arguments, output).await,
        Command::Serve(arguments) => commands::serve::run(arguments, output).await,
        // Its future contains a whole import, as above.
        Command::NewcomerStep => Box::pin(commands::newcomer_step::run()).await,
        Command::Completions(arguments) => commands::completions::run(&arguments),
        Command::Manual(arguments) => commands::manual::run(&arguments),
        Command::Schemas(arguments) => commands::schemas::run(&arguments),
    }
}
