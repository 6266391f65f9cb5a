//! The web service over HTTP and in a browser: the portal, the board, the newcomers' door.

mod access;
mod at_rest;
mod board;
mod browser;
mod clock;
mod confirm;
mod front;
mod instances;
mod large_files;
pub mod newcomers;
pub mod newcomers_api;
mod nginx;
mod portal;
mod sign_in;
mod sign_in_data;
mod store;
