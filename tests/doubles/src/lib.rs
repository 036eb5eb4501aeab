//! Strict doubles of the cloud services that no emulator plays: they refuse what the real ones would refuse.
//!
//! For tests only. They listen on loopback, and keep what they are given in memory.

pub mod azure;
pub mod google;
