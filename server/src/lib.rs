//! The web service around the engine: the portal of a closing pod, the podmin's board, and imports into a pod that
//! stays open.
//!
//! Every module with pages has `routes() -> Router<App>`; [`router`] combines them. Errors of handlers are an
//! [`error::WebError`], which becomes a page or a JSON document in one place.

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
