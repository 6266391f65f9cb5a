//! What the project says of itself, the terminal, and the pods that the other tests use.

mod cluster;
mod demo;
mod doc_examples;
mod generated;
mod heavy;
mod help;
mod integrity;
mod modules;
mod sample_pod;
mod schema;
mod terminal;
mod unit;
