//! The server: configuration, wiring, commands.
//!
//! Only this crate reads the environment, and only it knows which database and which clouds there
//! are.

pub mod asking;
mod background;
pub mod cli;
pub mod config;
mod data_dir;
pub mod doctor;
pub mod explain;
mod listen;
mod metrics;
pub mod quickstart;
mod realms;
pub mod records;
mod server;
mod spelling;
pub mod telemetry;
mod wire_up;

pub use merak_authn::NewCredentials;
pub use merak_metastore::Metastore;
pub use merak_storage::{Error as StorageError, FileOperation, Interposer};
pub use realms::{Outcome as BootstrapOutcome, bootstrap_realm, print_credentials};
pub use server::Server;
pub use wire_up::{Parts, open_metastore, wire_up, wire_up_interposed};
