//! A catalog's store, and as whom the server reaches it.

use std::time::Duration;

use merak_model::storage_config::{Provider, WILDCARD};
use merak_model::{Location, RealmId, StorageConfig};

use crate::Error;
use crate::vend::{DataAccess, LocationGrant, Session, VendRequest};

/// How the server itself reaches a catalog's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerIdentity {
    /// As the catalog's clients do: in its role, as its service account, narrowed to the allowed
    /// location that the file is in. So the server needs no rights on files of its own.
    OfCatalog,
    /// As itself: `SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION`.
    Own,
}

/// A catalog's store, and as whom the server reaches it.
#[derive(Debug, Clone)]
pub struct CatalogStore {
    /// The realm that the catalog is in.
    pub realm: RealmId,
    /// Its storage.
    pub config: StorageConfig,
    /// As whom.
    pub identity: ServerIdentity,
    /// How long credentials are to live that the server gets for it.
    pub lifetime: Duration,
}

impl CatalogStore {
    /// The request for the credentials that the server reaches a file with; nothing where it comes
    /// as itself. It does so, too, where S3 has no role to act in, or no STS.
    pub(crate) fn server_request(&self, file: &Location) -> Result<Option<VendRequest>, Error> {
        if self.server_comes_as_itself() {
            return Ok(None);
        }
        let home = self.allowed_location_of(file).into_iter().collect();
        let grant = LocationGrant::new(home, DataAccess::Write).ok_or_else(|| Error::Refused {
            location: file.to_string(),
            status: None,
            reason: "it is outside the catalog's allowed locations".to_owned(),
        })?;
        Ok(Some(VendRequest {
            realm: self.realm.clone(),
            config: self.config.clone(),
            grant,
            session: Session::default(),
            lifetime: self.lifetime,
        }))
    }

    /// Whether the server reaches the store with its own credentials.
    pub(crate) fn server_comes_as_itself(&self) -> bool {
        let acts_for_catalog = match &self.config.provider {
            Provider::S3(s3) => s3.role_arn.is_some() && s3.sts_unavailable != Some(true),
            Provider::Azure(_) | Provider::Gcs(_) => true,
            Provider::File {} => false,
        };
        self.identity == ServerIdentity::Own || !acts_for_catalog
    }

    /// The allowed location that a file is in; its bucket where every location is allowed.
    fn allowed_location_of(&self, file: &Location) -> Option<Location> {
        let bucket = || {
            let (scheme, _) = file.as_str().split_once("://")?;
            Location::parse(&format!("{scheme}://{}", file.authority())).ok()
        };
        self.config.allowed_locations.iter().find_map(|allowed| {
            if allowed == WILDCARD {
                return bucket();
            }
            Location::parse(allowed).ok().filter(|allowed| allowed.contains(file))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(json: &str) -> CatalogStore {
        CatalogStore {
            realm: RealmId::new("r"),
            config: StorageConfig::from_json(json).unwrap(),
            identity: ServerIdentity::OfCatalog,
            lifetime: Duration::from_hours(1),
        }
    }

    fn granted(json: &str, file: &str) -> Option<String> {
        let store = store(json);
        let request = store.server_request(&Location::parse(file).unwrap()).unwrap()?;
        assert_eq!(request.grant.access(), DataAccess::Write);
        let [only] = request.grant.locations() else { panic!("{:?}", request.grant) };
        Some(only.to_string())
    }

    #[test]
    fn the_server_comes_in_the_role_and_reaches_the_allowed_location_only() {
        let json = r#"{"storageType":"S3","roleArn":"arn:aws:iam::1:role/r",
            "allowedLocations":["s3://a/x","s3://b/y"]}"#;

        assert_eq!(granted(json, "s3://b/y/t/m.json").as_deref(), Some("s3://b/y"));
        let outside = Location::parse("s3://b/yy/t/m.json").unwrap();
        assert!(matches!(store(json).server_request(&outside), Err(Error::Refused { .. })));
    }

    #[test]
    fn it_comes_as_itself_where_there_is_no_role_to_act_in() {
        let files = "s3://a/x/m.json";
        for json in [
            r#"{"storageType":"S3","allowedLocations":["s3://a"]}"#,
            r#"{"storageType":"S3","allowedLocations":["s3://a"],"roleArn":"r","stsUnavailable":true}"#,
        ] {
            assert_eq!(granted(json, files), None, "{json}");
        }
    }

    #[test]
    fn where_every_location_is_allowed_it_reaches_the_bucket() {
        let json = r#"{"storageType":"GCS","allowedLocations":["*"]}"#;

        assert_eq!(granted(json, "gs://b/t/m.json").as_deref(), Some("gs://b"));
    }
}
