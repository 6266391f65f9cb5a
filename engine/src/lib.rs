//! Pappus engine.
