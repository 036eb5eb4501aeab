//! The server: configuration, wiring, commands.
//!
//! Only this crate reads the environment, and only it knows which database and which clouds there
//! are.

pub mod asking;
pub mod cli;
pub mod config;
mod data_dir;
pub mod doctor;
pub mod explain;
mod listen;
mod metrics;
pub mod quickstart;
mod realms;
mod server;
pub mod telemetry;
mod wire_up;

pub use merak_authn::NewCredentials;
pub use realms::{Outcome as BootstrapOutcome, bootstrap_realm, print_credentials};
pub use server::Server;
pub use wire_up::{Parts, open_metastore, wire_up};
