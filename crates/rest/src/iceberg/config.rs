//! What a client needs to use a catalog.

use std::fmt::Write as _;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use merak_authz::CatalogPath;
use merak_authz::operations::GetConfig;
use merak_wire::iceberg::{ConfigResponse, Overrides};

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{Authenticated, QueryMap};

/// Every endpoint of Iceberg's that works, in Polaris' order. Clients compare these as text, and take what is
/// not listed for not there.
const ENDPOINTS: &[&str] = &[
    "GET /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "HEAD /v1/{prefix}/namespaces/{namespace}",
    "POST /v1/{prefix}/namespaces",
    "POST /v1/{prefix}/namespaces/{namespace}/properties",
    "DELETE /v1/{prefix}/namespaces/{namespace}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/namespaces/{namespace}/tables",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/tables/rename",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/unregister",
    "POST /v1/{prefix}/namespaces/{namespace}/register",
    "POST /v1/{prefix}/transactions/commit",
    "GET /v1/{prefix}/namespaces/{namespace}/views",
    "GET /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "POST /v1/{prefix}/namespaces/{namespace}/views",
    "POST /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "DELETE /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "POST /v1/{prefix}/views/rename",
    "POST /v1/{prefix}/namespaces/{namespace}/register-view",
];

/// Those of them that federated catalogs have not.
const NOT_FEDERATED: &[&str] = &["POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign"];

/// Those of generic tables: without a slash at the beginning, as Polaris spells them.
const GENERIC_TABLE_ENDPOINTS: &[&str] = &[
    "GET polaris/v1/{prefix}/namespaces/{namespace}/generic-tables",
    "POST polaris/v1/{prefix}/namespaces/{namespace}/generic-tables",
    "DELETE polaris/v1/{prefix}/namespaces/{namespace}/generic-tables/{generic-table}",
    "GET polaris/v1/{prefix}/namespaces/{namespace}/generic-tables/{generic-table}",
];

/// Those of policies.
const POLICY_ENDPOINTS: &[&str] = &[
    "GET /polaris/v1/{prefix}/namespaces/{namespace}/policies",
    "POST /polaris/v1/{prefix}/namespaces/{namespace}/policies",
    "GET /polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}",
    "PUT /polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}",
    "DELETE /polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}",
    "PUT /polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}/mappings",
    "POST /polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}/mappings",
    "GET /polaris/v1/{prefix}/applicable-policies",
];

/// `GET /v1/config`
pub(crate) async fn get_config(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let warehouse = query
        .get("warehouse")
        .filter(|name| !name.is_empty())
        .ok_or_else(|| ApiError::new(ErrorKind::BadRequest, "Please specify a warehouse"))?;
    let path = CatalogPath { catalog: warehouse.to_owned(), children: None, as_warehouse: true };
    let proof = app.authorizer.authorize(&caller, GetConfig, &path).await?;
    let catalog = app.service.get_config(proof).await?;
    let is_federated = catalog.has_connection();
    let mut endpoints = ENDPOINTS.to_vec();
    endpoints.retain(|endpoint| !is_federated || !NOT_FEDERATED.contains(endpoint));
    if !is_federated && app.service.has_generic_tables(&caller.realm) {
        endpoints.extend(GENERIC_TABLE_ENDPOINTS);
    }
    if app.service.policies(&caller.realm).is_ok() {
        endpoints.extend(POLICY_ENDPOINTS);
    }
    Ok(crate::json(&ConfigResponse {
        defaults: &catalog.properties,
        overrides: Overrides { namespace_separator: "%1F", prefix: &catalog.name },
        endpoints: &endpoints,
        // Keys go along to the catalog that owns the tables, which may know of none.
        idempotency_key_lifetime: app
            .settings
            .idempotency_lifetime
            .filter(|_| !is_federated)
            .map(iso_8601),
    }))
}

/// A duration in ISO 8601's words that Java reads too: hours at most.
fn iso_8601(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let mut text = "PT".to_owned();
    for (count, unit) in [(seconds / 3600, 'H'), (seconds / 60 % 60, 'M')] {
        if count > 0 {
            let _ = write!(text, "{count}{unit}");
        }
    }
    let (seconds, nanos) = (seconds % 60, duration.subsec_nanos());
    if nanos > 0 {
        let fraction = format!("{nanos:09}");
        let _ = write!(text, "{seconds}.{}S", fraction.trim_end_matches('0'));
    } else if seconds > 0 || text == "PT" {
        let _ = write!(text, "{seconds}S");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_java_reads_them() {
        for (millis, text) in [
            (0, "PT0S"),
            (1, "PT0.001S"),
            (1_500, "PT1.5S"),
            (60_000, "PT1M"),
            (1_800_000, "PT30M"),
            (3_661_000, "PT1H1M1S"),
            (90_000_000, "PT25H"),
        ] {
            assert_eq!(iso_8601(Duration::from_millis(millis)), text);
        }
    }
}
