//! Where the server listens.

use super::reader::Reader;
use super::registry::{HTTP_HOST, HTTP_PORT, MANAGEMENT_HOST, MANAGEMENT_PORT};

/// The two listeners. A host is a name or an address; port 0 takes any that is free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// The host of the APIs.
    pub host: String,
    /// The port of the APIs.
    pub port: u16,
    /// The host of health and metrics.
    pub management_host: String,
    /// The port of health and metrics.
    pub management_port: u16,
}

impl Bind {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let host = reader.get(&HTTP_HOST);
        let port = reader.get(&HTTP_PORT);
        let management_host = reader.get(&MANAGEMENT_HOST).unwrap_or_else(|| host.clone());
        let management_port = reader.get(&MANAGEMENT_PORT);
        if port == management_port && port != 0 && host == management_host {
            let why = format!("is the port of {} too", HTTP_PORT.row.key);
            reader.refuse(&MANAGEMENT_PORT.row, None, why);
        }
        Self { host, port, management_host, management_port }
    }
}
