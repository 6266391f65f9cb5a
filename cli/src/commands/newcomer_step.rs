//! `pappus newcomer-step`: run by the web service for each step of a newcomer's archive.

use std::sync::Arc;

use super::Outcome;
use super::serve::now;
use crate::error::Failure;
use crate::pod;

pub(crate) async fn run() -> Result<Outcome, Failure> {
    pappus_server::newcomers::run_step_process(Arc::new(now), &pod::environment).await?;
    Ok(Outcome::Done)
}
