//! Strict doubles of the cloud services that no emulator plays: they refuse what the real ones would refuse.
//!
//! For tests only. They listen on loopback, and keep what they are given in memory.

mod http_text;
mod jwt;
mod serving;
mod traffic;

pub mod aws;
pub mod azure;
pub mod google;

pub use traffic::Fault;
