//! What goes wrong between the server and what it stands on, and what clients then hear and find.

mod chance;
mod checks;
mod clients;
mod files;
mod judge;
mod metastore;
mod model;
mod order;
mod passing;
mod plan;
mod scripts;
mod seeded;
mod single;
mod truth;
mod world;
