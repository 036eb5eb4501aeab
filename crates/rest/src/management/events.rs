//! What was done, for those who manage access: events, and audit records.

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use merak_authz::operations::{ListAuditRecords, ListCatalogEvents, ListEvents};
use merak_authz::{CatalogPath, RealmPath};
use merak_model::{EventId, EventType};
use merak_service::{
    AuditQuery, AuditRecord, EventRecord, EventsQuery, ResourceFilter, parse_rfc3339, rfc3339,
};
use merak_wire::events as wire;
use serde_json::value::RawValue;

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{Authenticated, CatalogName, QueryMap};

/// Entries of a page where the client says no size, and the most there can be.
const PAGE_SIZE: u32 = 100;
const MAX_PAGE_SIZE: u32 = 1000;

/// What a token begins with, so that one of another list is told apart.
const TOKEN_PREFIX: &str = "e1:";

/// `GET /events`
pub(crate) async fn list_events(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let wanted = events_query(&query)?;
    let path = RealmPath { children: None };
    let proof = app.authorizer.authorize(&caller, ListEvents, &path).await?;
    let (events, next) = app.service.list_events(proof, wanted).await?;
    show_events(&events, next)
}

/// `GET /catalogs/{catalogName}/events`
pub(crate) async fn list_catalog_events(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    CatalogName(catalog): CatalogName,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let wanted = events_query(&query)?;
    let path = CatalogPath { catalog, children: None, as_warehouse: false };
    let proof = app.authorizer.authorize(&caller, ListCatalogEvents, &path).await?;
    let (events, next) = app.service.list_catalog_events(proof, wanted).await?;
    show_events(&events, next)
}

/// `GET /audit`
pub(crate) async fn list_audit_records(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let wanted = AuditQuery {
        operation: text(&query, "operation"),
        catalog: text(&query, "catalog"),
        securable: text(&query, "securable"),
        principal: text(&query, "principal"),
        request_id: text(&query, "requestId"),
        since_ms: time(&query, "since")?,
        until_ms: time(&query, "until")?,
        before: after(&query)?,
        limit: size(&query)?,
    };
    let path = RealmPath { children: None };
    let proof = app.authorizer.authorize(&caller, ListAuditRecords, &path).await?;
    let (records, next) = app.service.list_audit_records(proof, wanted).await?;
    let records = records.iter().map(show_record).collect();
    Ok(crate::json(&wire::AuditRecords { records, next_page_token: next.map(token) }))
}

fn events_query(query: &QueryMap) -> Result<EventsQuery, ApiError> {
    let types = text(query, "type").unwrap_or_default();
    let types = types.split(',').map(str::trim).filter(|name| !name.is_empty()).map(|name| {
        EventType::parse(name)
            .ok_or_else(|| bad_request(format!("There is no type of events called {name}")))
    });
    let resource = text(query, "resource").map(|name| match name.strip_suffix('*') {
        Some(prefix) => ResourceFilter::Prefix(prefix.to_owned()),
        None => ResourceFilter::Equal(name),
    });
    Ok(EventsQuery {
        types: types.collect::<Result<_, _>>()?,
        catalog: text(query, "catalog"),
        resource,
        principal: text(query, "principal"),
        request_id: text(query, "requestId"),
        since_ms: time(query, "since")?,
        until_ms: time(query, "until")?,
        after: after(query)?,
        ..EventsQuery::newest(size(query)?)
    })
}

/// A parameter's text; one that is empty is as none.
fn text(query: &QueryMap, name: &str) -> Option<String> {
    query.get(name).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn bad_request(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorKind::BadRequest, message)
}

fn time(query: &QueryMap, name: &str) -> Result<Option<i64>, ApiError> {
    let parsed = text(query, name).map(|text| {
        parse_rfc3339(&text).ok_or_else(|| {
            bad_request(format!("{name} must be a time such as 2026-01-31T12:00:00Z: {text}"))
        })
    });
    parsed.transpose()
}

fn size(query: &QueryMap) -> Result<u32, ApiError> {
    let size = text(query, "pageSize").map(|text| text.parse::<u32>()).transpose();
    let size = size.map_err(|_| bad_request("pageSize must be a whole number"))?;
    Ok(size.filter(|size| *size > 0).unwrap_or(PAGE_SIZE).min(MAX_PAGE_SIZE))
}

fn after(query: &QueryMap) -> Result<Option<EventId>, ApiError> {
    text(query, "pageToken").map(|token| parse_token(&token)).transpose()
}

/// The token that continues after an entry.
fn token(id: EventId) -> String {
    URL_SAFE_NO_PAD.encode(format!("{TOKEN_PREFIX}{id}"))
}

fn parse_token(token: &str) -> Result<EventId, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.as_deref().and_then(|text| EventId::parse(text.strip_prefix(TOKEN_PREFIX)?)).ok_or_else(
        || bad_request("Invalid page token: it must be the nextPageToken of an earlier answer"),
    )
}

fn show_events(events: &[EventRecord], next: Option<EventId>) -> Result<Response, ApiError> {
    let events = events.iter().map(show_event).collect::<Result<_, _>>()?;
    Ok(crate::json(&wire::Events { events, next_page_token: next.map(token) }))
}

fn show_event(event: &EventRecord) -> Result<wire::Event<'_>, ApiError> {
    let attributes: &RawValue = serde_json::from_str(&event.attributes).map_err(|error| {
        tracing::error!(id = %event.id, %error, "the attributes of a stored event are not JSON");
        ApiError::new(ErrorKind::Internal, "A stored event cannot be read")
    })?;
    Ok(wire::Event {
        id: event.id.to_string(),
        time: rfc3339(event.at_ms()),
        r#type: event.kind.name(),
        category: event.kind.category().name(),
        principal: event.principal.as_deref(),
        roles: &event.roles,
        request_id: event.request_id.as_deref(),
        catalog: event.catalog.as_deref(),
        resource_type: event.resource_type().name(),
        resource: &event.resource,
        attributes,
    })
}

fn show_record(record: &AuditRecord) -> wire::AuditRecord<'_> {
    wire::AuditRecord {
        id: record.id.to_string(),
        time: rfc3339(record.at_ms()),
        request_id: &record.request_id,
        principal: record.principal.as_deref(),
        roles: &record.roles,
        operation: record.operation.as_deref(),
        catalog: record.catalog.as_deref(),
        securable: record.securable.as_deref(),
        status: record.status,
        missing: record.missing.as_deref(),
        credential: record.credential.as_deref(),
        method: &record.method,
        path: &record.path,
        duration_ms: record.duration_ms,
    }
}

#[cfg(test)]
mod tests {
    use merak_model::EventIds;

    use super::*;

    #[test]
    fn a_token_leads_back_to_its_entry() {
        let id = EventIds::default().next(1_700_000_000_000);

        assert_eq!(parse_token(&token(id)).unwrap(), id);
    }

    #[test]
    fn a_token_of_another_make_is_refused() {
        for text in ["x", "e1:", "e1:7", "r1:1:2", "e1:7f1c2a52-6d0c-4d6c-8f25-1f4f6c9b9d38"] {
            assert!(parse_token(&URL_SAFE_NO_PAD.encode(text)).is_err(), "{text} was accepted");
            assert!(parse_token(text).is_err(), "{text} was accepted");
        }
    }
}
