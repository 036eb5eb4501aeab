//! Wrong client secrets, counted, so that nobody gets to try many.
//!
//! Each client id has a bucket of attempts, whether or not there is such a client, and so has each
//! address. A wrong secret takes one out of both, and time puts it back; where either is empty, no
//! secret is looked at. A right secret takes nothing.
//!
//! By that alone, whoever knows a client's id could lock it out. So an address that a client showed
//! its right secret from has a bucket of its own for that client, and as long as something is in
//! it, the right secret is taken from there. A wrong one takes from all three, and is answered as
//! though there were only two: the limit tells nobody which ids there are.

use std::net::IpAddr;

use merak_model::RealmId;
use sha2::{Digest as _, Sha256};

use crate::buckets::{Buckets, Keep, Network, Size, Taken};
use crate::{GuessSettings, TokenError};

/// So much of a client id is logged. It is as long as whoever guesses likes.
const MAX_SHOWN_CHARS: usize = 64;

/// The attempts that are left to each.
///
/// Only a wrong secret that was looked at makes a bucket, so that whoever wants to be forgotten pays
/// for each place with an attempt.
#[derive(Debug)]
pub(crate) struct Guesses {
    clients: Buckets<ClientKey>,
    /// Of all realms together.
    addresses: Buckets<Network>,
    /// Where clients showed their right secrets from.
    known: Buckets<(ClientKey, Network)>,
}

/// Somebody who shows a secret.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    client_id: &'a str,
    address: IpAddr,
    client: ClientKey,
    network: Network,
}

/// A hash of a realm and a client id: as long for a long one as for a short one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ClientKey([u8; 16]);

impl<'a> Attempt<'a> {
    pub(crate) fn new(realm: &RealmId, client_id: &'a str, address: IpAddr) -> Self {
        let client = ClientKey::new(realm, client_id);
        Self { client_id, address, client, network: Network::of(address) }
    }

    fn shown_id(&self) -> &'a str {
        let end = self.client_id.char_indices().nth(MAX_SHOWN_CHARS);
        end.map_or(self.client_id, |(end, _)| &self.client_id[..end])
    }
}

impl Guesses {
    pub(crate) fn new(settings: &GuessSettings) -> Self {
        let of_client = Size::new(settings.per_client, settings.window_ms);
        let of_address = Size::new(settings.per_address, settings.window_ms);
        let max = settings.max_entries;
        // One that nobody asked for in all that time is surely full.
        let keep = Keep::ForMs(settings.window_ms);
        Self {
            clients: Buckets::new(of_client, max, keep),
            addresses: Buckets::new(of_address, max, keep),
            known: Buckets::new(of_client, max, Keep::WhileThereIsPlace),
        }
    }

    /// Refuses to look at the secret if too many were wrong.
    pub(crate) async fn admit(&self, attempt: &Attempt<'_>, now_ms: i64) -> Result<(), TokenError> {
        match self.wait_ms(attempt, now_ms).await {
            0 => Ok(()),
            wait_ms => Err(too_many(wait_ms)),
        }
    }

    /// Takes note of a right secret. It is refused all the same if too many were wrong while it was
    /// looked at, or else many at once would get more tries than one after the other.
    pub(crate) async fn right(&self, attempt: &Attempt<'_>, now_ms: i64) -> Result<(), TokenError> {
        self.admit(attempt, now_ms).await?;
        self.known.remember((attempt.client, attempt.network)).await;
        Ok(())
    }

    /// Takes note of a wrong secret, and says how it is to be answered.
    pub(crate) async fn wrong(&self, attempt: &Attempt<'_>, now_ms: i64) -> TokenError {
        let (client_id, address) = (attempt.shown_id(), attempt.address);
        tracing::info!(client_id, %address, "wrong client secret");
        let known = (attempt.client, attempt.network);
        if self.known.wait_ms(&known, now_ms).await.is_some() {
            self.known.take(known, now_ms).await;
        }
        let of_client = self.clients.take(attempt.client, now_ms).await;
        let of_address = self.addresses.take(attempt.network, now_ms).await;
        if of_client == Taken::Last {
            tracing::warn!(client_id, %address, "too many wrong secrets for one client id");
        }
        if of_address == Taken::Last {
            tracing::warn!(client_id, %address, "too many wrong secrets from one address");
        }
        match of_client.wait_ms().max(of_address.wait_ms()) {
            0 => TokenError::UnauthorizedClient,
            wait_ms => too_many(wait_ms),
        }
    }

    async fn wait_ms(&self, attempt: &Attempt<'_>, now_ms: i64) -> u64 {
        let known = (attempt.client, attempt.network);
        if let Some(wait_ms) = self.known.wait_ms(&known, now_ms).await {
            return wait_ms;
        }
        let of_client = self.clients.wait_ms(&attempt.client, now_ms).await;
        let of_address = self.addresses.wait_ms(&attempt.network, now_ms).await;
        of_client.max(of_address).unwrap_or(0)
    }
}

fn too_many(wait_ms: u64) -> TokenError {
    TokenError::TooManyAttempts { retry_after_s: wait_ms.div_ceil(1000) }
}

impl ClientKey {
    fn new(realm: &RealmId, client_id: &str) -> Self {
        let name = realm.as_str().as_bytes();
        let digest = Sha256::new()
            .chain_update(name.len().to_le_bytes())
            .chain_update(name)
            .chain_update(client_id)
            .finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Self(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_be_as_long_as_can_be_said() {
        let settings = GuessSettings { window_ms: u64::MAX, ..GuessSettings::default() };

        let _ = Guesses::new(&settings);
    }

    #[test]
    fn a_client_id_is_one_of_its_realm_wherever_the_realm_ends() {
        let key = |realm, client_id| ClientKey::new(&RealmId::new(realm), client_id);

        assert_eq!(key("ab", "c"), key("ab", "c"));
        for (realm, client_id) in [("a", "bc"), ("xy", "c"), ("ab", "d")] {
            assert_ne!(key("ab", "c"), key(realm, client_id), "{realm} {client_id}");
        }
    }

    #[test]
    fn of_a_long_client_id_the_beginning_is_logged() {
        let shown = |id: &str| {
            let address = IpAddr::from([192, 0, 2, 1]);
            Attempt::new(&RealmId::new("a"), id, address).shown_id().to_owned()
        };

        assert_eq!(shown(&"ü".repeat(64)), "ü".repeat(64));
        assert_eq!(shown(&"ü".repeat(65)), "ü".repeat(64));
    }
}
