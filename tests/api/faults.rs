//! What goes wrong between the server and what it stands on, and what clients then hear and find.

mod chance;
mod checks;
mod clients;
mod files;
mod generic_tables;
mod judge;
mod metastore;
mod model;
mod order;
mod passing;
mod plan;
mod policies;
mod scripts;
mod seeded;
mod single;
mod steps;
mod truth;
mod world;

pub(crate) use chance::Chance;
pub(crate) use metastore::Between;
pub(crate) use plan::Plan;
pub(crate) use scripts::{FileFault, Script, Scripts, StoreFault};
pub(crate) use seeded::seeds;
pub(crate) use steps::{AWAY, UNKNOWN, all_files, down, file, with, writes};
pub(crate) use world::World;
