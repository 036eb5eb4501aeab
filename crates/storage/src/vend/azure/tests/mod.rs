//! What is signed, and whom is asked for what.

mod double;
mod refusals;
mod scope;
mod vectors;
mod vendor;
