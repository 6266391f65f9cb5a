//! `pappus worker`.

use super::Outcome;
use crate::arguments::Worker;
use crate::campaign;
use crate::error::Failure;
use crate::output::Output;

pub(crate) async fn run(arguments: Worker, output: &Output) -> Result<Outcome, Failure> {
    campaign::join(arguments, output).await
}
