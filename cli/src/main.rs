//! pappus
fn main() {}
