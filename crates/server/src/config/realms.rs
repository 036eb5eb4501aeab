//! The tenants, and how a request says which one it is for.

use axum::http::HeaderName;
use merak_model::RealmId;

use super::reader::Reader;
use super::registry::{REALM_HEADER, REALMS, REQUIRE_REALM};

/// The realms there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realms {
    /// All realms, each once; the first is that of requests that name none. Never empty.
    pub all: Vec<RealmId>,
    /// The header that names a request's realm.
    pub header: HeaderName,
    /// Whether a request must have it.
    pub is_header_required: bool,
}

impl Realms {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut all: Vec<RealmId> = Vec::new();
        for name in reader.get(&REALMS) {
            let realm = RealmId::new(name);
            if !all.contains(&realm) {
                all.push(realm);
            }
        }
        if all.is_empty() {
            reader.refuse(&REALMS.row, None, "names no realm");
            all.push(RealmId::new(REALMS.row.default));
        }
        let header = reader.get(&REALM_HEADER);
        Self { all, header, is_header_required: reader.get(&REQUIRE_REALM) }
    }

    /// The realm of requests that name none.
    pub fn default_realm(&self) -> &RealmId {
        &self.all[0]
    }
}
