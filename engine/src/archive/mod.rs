//! The archive, format `pappus/1`: one ZIP that carries an account, says what is in it, and is signed.
//!
//! `docs/archive-format.md` describes it for people; this room writes it ([`writer`]), reads it and what
//! stock pods write ([`open`]), and turns it into the two files a stock pod takes ([`convert`]).

pub mod convert;
pub mod document;
pub mod encryption;
pub mod limits;
pub mod manifest;
pub mod names;
pub mod open;
pub mod schemas;
pub mod view;

pub mod writer;
