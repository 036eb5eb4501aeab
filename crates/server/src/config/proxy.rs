//! What a proxy before the server is believed.

use super::reader::Reader;
use super::registry as settings;

/// Which header tells the addresses of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarding {
    /// None: the address is that of the connection.
    Ignored,
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded`, of RFC 7239.
    Forwarded,
}

impl Forwarding {
    /// One header and no more, as in Quarkus: the other one is the client's to write.
    pub(super) fn read(reader: &mut Reader) -> Self {
        let is_on = reader.get(&settings::PROXY_FORWARDING);
        let allows_forwarded = reader.get(&settings::PROXY_FORWARDED);
        let allows_x_forwarded = reader.get(&settings::PROXY_X_FORWARDED);
        if is_on && allows_forwarded {
            Self::Forwarded
        } else if is_on && allows_x_forwarded {
            Self::XForwardedFor
        } else {
            Self::Ignored
        }
    }
}
