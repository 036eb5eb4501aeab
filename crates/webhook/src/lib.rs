//! Tells a web server of events: batches of `CloudEvents` by HTTP.
//!
//! It does not know which events there are, nor when one is told again: `merak-service` does.
#![warn(missing_docs)]

mod cloud_events;
mod url;
mod webhook;

pub use cloud_events::CONTENT_TYPE;
pub use url::{InvalidUrl, WebhookUrl};
pub use webhook::{Error, Webhook, WebhookSettings};
