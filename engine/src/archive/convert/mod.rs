//! Converts an archive to what other software accepts: one file for each target.

mod diaspora;

pub use diaspora::{ConvertError, Converted, convert_in, convert_to_diaspora};
