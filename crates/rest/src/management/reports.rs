//! Reports of what engines did, for those who manage a catalog.

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use merak_authz::ReportsPath;
use merak_authz::operations::ListMetricsReports;
use merak_model::{EntityId, TableIdent};
use merak_service::{FoundReport, ReportKind, WantedReports};
use merak_wire::management::{MetricsReport, MetricsReports};
use serde_json::value::RawValue;

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{Authenticated, CatalogName, QueryMap, namespace_of};

/// Entries of a page where the client says no size, and the most there can be: reports are larger
/// than names.
const PAGE_SIZE: u32 = 20;
const MAX_PAGE_SIZE: u32 = 100;

/// What a token begins with, so that one of a list of names is told apart.
const TOKEN_PREFIX: &str = "r1:";

/// `GET /catalogs/{catalogName}/metrics-reports`
pub(crate) async fn list_reports(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    CatalogName(catalog): CatalogName,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let path = ReportsPath { catalog, table: table_of(&query)? };
    let wanted = wanted_of(&query)?;
    let proof = app.authorizer.authorize(&caller, ListMetricsReports, &path).await?;
    let page = app.service.list_reports(proof, wanted).await?;
    let reports = page.reports.iter().map(show).collect::<Result<_, _>>()?;
    Ok(crate::json(&MetricsReports { reports, next_page_token: page.next.map(token) }))
}

/// A parameter's text; one that is empty is as none.
fn given<'a>(query: &'a QueryMap, name: &str) -> Option<&'a str> {
    query.get(name).filter(|text| !text.is_empty())
}

fn bad_request(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorKind::BadRequest, message)
}

fn table_of(query: &QueryMap) -> Result<Option<TableIdent>, ApiError> {
    match (given(query, "namespace"), given(query, "table")) {
        (None, None) => Ok(None),
        (Some(namespace), Some(name)) => {
            Ok(Some(TableIdent { namespace: namespace_of(namespace)?, name: name.to_owned() }))
        }
        (Some(_), None) | (None, Some(_)) => {
            Err(bad_request("The parameters 'namespace' and 'table' go together"))
        }
    }
}

fn wanted_of(query: &QueryMap) -> Result<WantedReports, ApiError> {
    let kind = given(query, "kind").map(|name| {
        ReportKind::from_name(name)
            .ok_or_else(|| bad_request(format!("kind must be scan or commit: {name}")))
    });
    let time = |name: &str| {
        let parsed = given(query, name).map(str::parse::<i64>).transpose();
        parsed.map_err(|_| bad_request(format!("{name} must be milliseconds since 1970")))
    };
    let size = given(query, "pageSize").map(str::parse::<u32>).transpose();
    let size = size.map_err(|_| bad_request("pageSize must be a whole number"))?;
    Ok(WantedReports {
        kind: kind.transpose()?,
        from_ms: time("from")?,
        to_ms: time("to")?,
        older_than: given(query, "pageToken").map(parse_token).transpose()?,
        size: size.filter(|size| *size > 0).unwrap_or(PAGE_SIZE).min(MAX_PAGE_SIZE),
    })
}

/// The token that continues after a report.
fn token((created_ms, id): (i64, EntityId)) -> String {
    URL_SAFE_NO_PAD.encode(format!("{TOKEN_PREFIX}{created_ms}:{id}"))
}

fn parse_token(token: &str) -> Result<(i64, EntityId), ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.as_deref()
        .and_then(|text| text.strip_prefix(TOKEN_PREFIX)?.split_once(':'))
        .and_then(|(created_ms, id)| Some((created_ms.parse().ok()?, EntityId(id.parse().ok()?))))
        .ok_or_else(|| {
            bad_request("Invalid page token: it must be the nextPageToken of an earlier answer")
        })
}

fn show(found: &FoundReport) -> Result<MetricsReport<'_>, ApiError> {
    let FoundReport { report, table } = found;
    let content: &RawValue = serde_json::from_str(&report.report).map_err(|error| {
        tracing::error!(id = report.id.0, %error, "a stored report is not JSON");
        ApiError::new(ErrorKind::Internal, "A stored report cannot be read")
    })?;
    Ok(MetricsReport {
        id: report.id.to_string(),
        namespace: table.as_ref().map(|(namespace, _)| namespace.levels()),
        table: table.as_ref().map(|(_, name)| name.as_str()),
        kind: report.kind.name(),
        create_timestamp: report.created_ms,
        principal: &report.principal,
        request_id: &report.request_id,
        snapshot_id: report.snapshot_id,
        report: content,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_report() {
        for place in [(1, EntityId(2)), (i64::MAX, EntityId(i64::MAX)), (-1, EntityId(0))] {
            assert_eq!(parse_token(&token(place)).unwrap(), place);
        }
    }

    #[test]
    fn a_token_of_another_make_is_refused() {
        for text in ["x", "r1:1", "r1:1:", "r1::1", "r1:1:2:3", "m1:1:2", "r1:a:2"] {
            assert!(parse_token(&URL_SAFE_NO_PAD.encode(text)).is_err(), "{text} was accepted");
            assert!(parse_token(text).is_err(), "{text} was accepted");
        }
    }
}
