//! The web service around the engine: the portal of a pod that closes, the podmin's board, and the door of a pod that
//! takes people in.
//!
//! Every room has `routes() -> Router<App>`; [`router`] puts them together. What handlers say when something is wrong
//! is an [`error::WebError`], which becomes a page or a JSON document at one place.

pub mod api;
pub mod app;
mod at_rest;
pub mod audit;
pub mod board;
pub mod check;
pub mod config;
mod connections;
pub mod error;
mod failure_reason;
pub mod health;
pub mod mail;
pub mod newcomers;
pub mod pages;
pub mod place;
pub mod podmin_words;
pub mod portal;
pub mod router;
pub mod security;
pub mod serve;
pub mod sessions;
pub mod sign_in;
pub mod tokens;
mod watched;
pub mod words;
