//! Asks an Open Policy Agent who may do what, in Polaris' words: a policy written for Polaris
//! decides here as it does there.
//!
//! It makes no proof and knows no entities' privileges: `merak-authz` asks it, and does the rest.
#![warn(missing_docs)]

mod input;
mod opa;
mod policy_url;
mod settings;
mod token;

pub use opa::{Error, Opa};
pub use policy_url::{InvalidUrl, PolicyUrl};
pub use settings::{Credentials, OpaSettings, TokenFile, Trust};
pub use token::TokenError;
