//! Starts the doubles as a process, for tests that are not written in Rust.

fn main() {}
