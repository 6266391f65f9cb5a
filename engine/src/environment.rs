//! Environment variables. The caller passes them, since the engine reads none itself.

/// Looks up an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;
