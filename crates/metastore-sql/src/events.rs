//! What happened, as rows.

use async_trait::async_trait;
use merak_metastore::{
    Change, Delivery, Error, EventOrder, EventRecord, Events, EventsQuery, Recorded, ResourceFilter,
};
use merak_model::{EventId, EventType, RealmId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connection::{Failure, Param, Row};
use crate::statement as sql;
use crate::{SqlMetastore, apply, connection};

/// Less than any id, and greater than any.
const ENDS: [&str; 2] = ["", "g"];

#[async_trait]
impl Events for SqlMetastore {
    async fn record_events(&self, realm: &RealmId, events: &[Recorded]) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        let events = to_json(events);
        let mut lease = self.writes.lease_to_write().await?;
        let recorded = lease.run(&sql::RECORD_EVENTS, &params(realm, &events)).await;
        recorded.map_err(|failure| match failure {
            Failure::ForeignKey(_) => Error::ParentGone,
            other @ (Failure::Unique(_)
            | Failure::Answered(_)
            | Failure::Again(_)
            | Failure::Refused(_)
            | Failure::Lost(_)) => other.into_write_error(),
        })?;
        Ok(())
    }

    async fn events(
        &self,
        realm: &RealmId,
        query: &EventsQuery,
    ) -> Result<Vec<EventRecord>, Error> {
        let statement = match query.order {
            EventOrder::NewestFirst => &sql::EVENTS_NEWEST_FIRST,
            EventOrder::OldestFirst => &sql::EVENTS_OLDEST_FIRST,
        };
        let types: Vec<_> = query.types.iter().map(|kind| kind.name()).collect();
        let types = (!types.is_empty()).then(|| json!(types).to_string());
        let (equal, prefix) = match &query.resource {
            Some(ResourceFilter::Equal(resource)) => (Some(findable(resource)), None),
            Some(ResourceFilter::Prefix(prefix)) => (None, Some(findable(prefix))),
            None => (None, None),
        };
        let length = prefix.map_or(0, |prefix| prefix.chars().count());
        let [after, before] = bounds(query);
        let params = [
            Param::realm(realm),
            Param::OptText(types.as_deref()),
            Param::OptText(query.catalog.as_deref().map(findable)),
            Param::OptText(equal),
            Param::OptText(prefix),
            Param::Int(i64::try_from(length).unwrap_or(i64::MAX)),
            Param::OptText(query.principal.as_deref().map(findable)),
            Param::OptText(query.request_id.as_deref().map(findable)),
            Param::Text(&after),
            Param::Text(&before),
            Param::Int(query.limit.into()),
        ];
        self.read(statement, &params).await?.iter().map(read).collect()
    }

    async fn claim_deliveries(
        &self,
        realms: &[RealmId],
        sink: &str,
        owner: &str,
        now_ms: i64,
        lease_until_ms: i64,
        limit: u32,
    ) -> Result<Vec<Delivery>, Error> {
        let realms = names(realms);
        let params = [
            Param::Text(&realms),
            Param::lookup(sink),
            Param::Text(owner),
            Param::Int(now_ms),
            Param::Int(lease_until_ms),
            Param::Int(limit.into()),
        ];
        let rows = apply::run_all(&self.writes, &sql::CLAIM_DELIVERIES, &params).await?;
        let mut deliveries: Vec<_> = rows.iter().map(delivery).collect::<Result<_, _>>()?;
        // No database promises to give back what it changed in the order it found it.
        deliveries.sort_unstable_by(|one, other| {
            (one.event.id, &one.realm).cmp(&(other.event.id, &other.realm))
        });
        Ok(deliveries)
    }

    async fn settle_deliveries(
        &self,
        owner: &str,
        sink: &str,
        deliveries: &[(RealmId, EventId)],
    ) -> Result<usize, Error> {
        let deliveries = keys(deliveries);
        let params = [Param::lookup(sink), Param::Text(owner), Param::Text(&deliveries)];
        Ok(apply::run_all(&self.writes, &sql::SETTLE_DELIVERIES, &params).await?.len())
    }

    async fn postpone_deliveries(
        &self,
        owner: &str,
        sink: &str,
        deliveries: &[(RealmId, EventId)],
        due_ms: i64,
    ) -> Result<usize, Error> {
        let deliveries = keys(deliveries);
        let params =
            [Param::lookup(sink), Param::Text(owner), Param::Text(&deliveries), Param::Int(due_ms)];
        Ok(apply::run_all(&self.writes, &sql::POSTPONE_DELIVERIES, &params).await?.len())
    }

    async fn forget_events(
        &self,
        realms: &[RealmId],
        before_ms: i64,
        limit: u32,
    ) -> Result<usize, Error> {
        let first = EventId::first_at(before_ms).to_string();
        let mut left = i64::from(limit);
        let mut forgotten = 0;
        for realm in realms {
            let params = [Param::realm(realm), Param::Text(&first), Param::Int(left)];
            let count = apply::run_all(&self.writes, &sql::FORGET_EVENTS, &params).await?.len();
            forgotten += count;
            left -= i64::try_from(count).unwrap_or(left);
            if left <= 0 {
                break;
            }
        }
        Ok(forgotten)
    }

    async fn forget_deliveries(
        &self,
        realms: &[RealmId],
        sinks: &[String],
        limit: u32,
    ) -> Result<usize, Error> {
        let (realms, sinks) = (names(realms), json!(sinks).to_string());
        let params = [Param::Text(&realms), Param::Text(&sinks), Param::Int(limit.into())];
        Ok(apply::run_all(&self.writes, &sql::FORGET_DELIVERIES, &params).await?.len())
    }

    async fn pending_deliveries(
        &self,
        realms: &[RealmId],
        sink: &str,
    ) -> Result<(u64, Option<i64>), Error> {
        let realms = names(realms);
        let params = [Param::Text(&realms), Param::lookup(sink)];
        let Some(row) = self.read_one(&sql::PENDING_DELIVERIES, &params).await? else {
            return Ok((0, None));
        };
        let oldest = row.opt_text(1)?.map(id).transpose()?;
        Ok((u64::try_from(row.int(0)?).unwrap_or_default(), oldest.map(EventId::at_ms)))
    }
}

/// The changes up to the events that end them, and these.
pub(crate) fn split(changes: &[Change]) -> (&[Change], &[Change]) {
    let others = changes.iter().rposition(|change| !matches!(change, Change::Record(_)));
    changes.split_at(others.map_or(0, |last| last + 1))
}

/// The events of changes that are nothing else, as `record_events.sql` reads them.
pub(crate) fn recorded(changes: &[Change]) -> String {
    to_json(changes.iter().filter_map(|change| {
        if let Change::Record(recorded) = change { Some(&**recorded) } else { None }
    }))
}

/// The parameters of `record_events.sql`.
pub(crate) fn params<'a>(realm: &'a RealmId, events: &'a str) -> [Param<'a>; 2] {
    [Param::realm(realm), Param::Text(events)]
}

/// Events as `record_events.sql` reads them.
pub(crate) fn to_json<'a>(events: impl IntoIterator<Item = &'a Recorded>) -> String {
    let rows: Vec<_> = events
        .into_iter()
        .map(|Recorded { event, sinks }| {
            json!({
                "id": event.id.to_string(),
                "event_type": event.kind.name(),
                "at_ms": event.at_ms(),
                "request_id": event.request_id.as_deref().map(storable),
                "principal": event.principal.as_deref().map(storable),
                "roles": storable_list(&event.roles),
                "catalog": event.catalog.as_deref().map(storable),
                "resource_type": event.resource_type().name(),
                "resource": storable(&event.resource),
                "attributes": event.attributes,
                "sinks": storable_list(sinks),
            })
        })
        .collect();
    Value::Array(rows).to_string()
}

/// A text without what PostgreSQL keeps in no text: what was asked for in vain has any name.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn storable_list(texts: &[String]) -> String {
    json!(texts.iter().map(|text| storable(text)).collect::<Vec<_>>()).to_string()
}

/// A name as it can be looked for: as it would have been stored.
fn findable(text: &str) -> &str {
    connection::findable(text)
}

/// Realms as a JSON array.
fn names(realms: &[RealmId]) -> String {
    json!(realms.iter().map(RealmId::as_str).collect::<Vec<_>>()).to_string()
}

fn keys(deliveries: &[(RealmId, EventId)]) -> String {
    let keys = deliveries
        .iter()
        .map(|(realm, id)| json!({ "realm": realm.as_str(), "id": id.to_string() }))
        .collect();
    Value::Array(keys).to_string()
}

/// The ids between which a query looks.
fn bounds(query: &EventsQuery) -> [String; 2] {
    let [least, greatest] = ENDS.map(str::to_owned);
    // No event has the first id of a time, so that it is a bound from either side.
    let since = query.since_ms.map(|at_ms| EventId::first_at(at_ms).to_string());
    let until = query.until_ms.map(|at_ms| EventId::first_at(at_ms).to_string());
    let (mut after, mut before) = (since.unwrap_or(least), until.unwrap_or(greatest));
    if let Some(id) = query.after.map(|id| id.to_string()) {
        match query.order {
            EventOrder::NewestFirst => before = before.min(id),
            EventOrder::OldestFirst => after = after.max(id),
        }
    }
    [after, before]
}

/// What `claim_deliveries.sql` says of an event.
#[derive(Debug, Deserialize)]
struct Claimed(
    String,
    String,
    Option<String>,
    Option<String>,
    String,
    Option<String>,
    String,
    String,
);

fn delivery(row: &Row) -> Result<Delivery, Error> {
    let corrupt = |error| Error::Corrupt(format!("an event: {error}"));
    let event: Claimed = serde_json::from_str(row.text(2)?).map_err(corrupt)?;
    let Claimed(id_text, kind_name, request_id, principal, roles, catalog, resource, attributes) =
        event;
    Ok(Delivery {
        realm: RealmId::new(row.text(0)?),
        event: EventRecord {
            id: id(&id_text)?,
            kind: kind(&kind_name)?,
            request_id,
            principal,
            roles: list(&roles)?,
            catalog,
            resource,
            attributes,
        },
        attempts: u32::try_from(row.code(1)?).unwrap_or_default(),
    })
}

fn read(row: &Row) -> Result<EventRecord, Error> {
    Ok(EventRecord {
        id: id(row.text(0)?)?,
        kind: kind(row.text(1)?)?,
        request_id: row.opt_text(2)?.map(str::to_owned),
        principal: row.opt_text(3)?.map(str::to_owned),
        roles: list(row.text(4)?)?,
        catalog: row.opt_text(5)?.map(str::to_owned),
        resource: row.text(6)?.to_owned(),
        attributes: row.text(7)?.to_owned(),
    })
}

fn id(text: &str) -> Result<EventId, Error> {
    EventId::parse(text).ok_or_else(|| Error::Corrupt(format!("no id of an event: '{text}'")))
}

fn kind(name: &str) -> Result<EventType, Error> {
    EventType::parse(name)
        .ok_or_else(|| Error::Corrupt(format!("there is no type of event '{name}'")))
}

fn list(json: &str) -> Result<Vec<String>, Error> {
    serde_json::from_str(json).map_err(|error| Error::Corrupt(format!("roles: {error}")))
}
