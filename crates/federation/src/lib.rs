//! Reaches the catalogs that own the tables of federated catalogs, over Iceberg's REST protocol.
//!
//! It judges connections and seals their secrets, finds out where the other catalog has its routes,
//! and shows it who the server is. What is asked of it is not judged here: whoever calls has a
//! proof. Nothing of a client's request goes along that is not given to it.
#![warn(missing_docs)]

mod address;
mod authentication;
mod draft;
mod error;
mod federation;
mod http;
mod judged;
mod kept;
mod keys;
mod oauth;
mod remote;
mod remote_config;
mod settings;
mod signed;
#[cfg(test)]
mod tests;

pub use address::{AllowedHosts, InvalidHosts};
pub use draft::{AuthenticationDraft, ConnectionDraft, Refused};
pub use error::Error;
pub use federation::Federation;
pub use keys::{KeyRing, KeyRingError, OpenError};
pub use remote::{Method, Remote, RemoteAnswer, RemoteRequest};
pub use remote_config::RemoteConfig;
pub use settings::{AwsServiceIdentity, FederationSettings};
