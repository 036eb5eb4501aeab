//! An event as JSON, with the keys that Polaris' own listeners use.

use std::num::NonZero;

use merak_metastore::EventRecord;
use merak_model::RealmId;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::iso8601::{Config, EncodedConfig, TimePrecision};
use time::format_description::well_known::{Iso8601, Rfc3339};

/// What an event says: first what Polaris tells of each, then its attributes.
pub fn event_json(realm: &RealmId, event: &EventRecord) -> Map<String, Value> {
    let mut said = Map::new();
    let mut say = |key: &str, value: Value| said.insert(key.to_owned(), value);
    say("event_type", event.kind.name().into());
    say("event_id", event.id.to_string().into());
    say("timestamp", rfc3339(event.at_ms()).into());
    say("realm_id", realm.as_str().into());
    if let Some(principal) = &event.principal {
        say("principal", principal.as_str().into());
        say("activated_roles", json!(event.roles));
    }
    if let Some(request_id) = &event.request_id {
        say("request_id", request_id.as_str().into());
    }
    if let Some(catalog) = &event.catalog {
        say("catalog_name", catalog.as_str().into());
    }
    say("resource_type", event.resource_type().name().into());
    say("resource_identifier", event.resource.as_str().into());
    if let Ok(Value::Object(attributes)) = serde_json::from_str(&event.attributes) {
        for (key, value) in attributes {
            // What the event itself says counts.
            said.entry(key).or_insert(value);
        }
    }
    said
}

/// Milliseconds, also where they are none: so that texts are in the order of the times.
const MILLISECONDS: EncodedConfig = Config::DEFAULT
    .set_time_precision(TimePrecision::Second { decimal_digits: NonZero::new(3) })
    .encode();

/// A time as RFC 3339 has it, in UTC and to the millisecond.
pub fn rfc3339(at_ms: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000);
    time.ok().and_then(|time| time.format(&Iso8601::<MILLISECONDS>).ok()).unwrap_or_default()
}

/// The milliseconds since 1970 of a time that RFC 3339 can say, whatever its offset. Parts of a
/// millisecond do not count.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

#[cfg(test)]
mod tests {
    use merak_model::{EventIds, EventSubject, EventType};

    use super::*;

    #[test]
    fn an_event_is_told_with_the_keys_of_polaris_and_its_attributes() {
        let event = EventRecord {
            id: EventIds::default().next(1_700_000_000_123),
            kind: EventType::after(EventSubject::UpdateTable),
            request_id: Some("r1".to_owned()),
            principal: Some("root".to_owned()),
            roles: vec!["service_admin".to_owned()],
            catalog: Some("lake".to_owned()),
            resource: "sales.orders".to_owned(),
            attributes: r#"{"table_name": "orders", "event_type": "forged"}"#.to_owned(),
        };

        let said = event_json(&RealmId::new("POLARIS"), &event);

        let expected = json!({
            "event_type": "AFTER_UPDATE_TABLE",
            "event_id": event.id.to_string(),
            "timestamp": "2023-11-14T22:13:20.123Z",
            "realm_id": "POLARIS",
            "principal": "root",
            "activated_roles": ["service_admin"],
            "request_id": "r1",
            "catalog_name": "lake",
            "resource_type": "TABLE",
            "resource_identifier": "sales.orders",
            "table_name": "orders",
        });
        assert_eq!(Value::Object(said), expected);
    }

    #[test]
    fn what_nobody_asked_for_has_no_principal() {
        let event = EventRecord {
            id: EventIds::default().next(0),
            kind: EventType::after(EventSubject::AttemptTask),
            request_id: None,
            principal: None,
            roles: Vec::new(),
            catalog: None,
            resource: "AFTER_ATTEMPT_TASK".to_owned(),
            attributes: "{}".to_owned(),
        };

        let said = event_json(&RealmId::new("POLARIS"), &event);

        assert_eq!(said["timestamp"], "1970-01-01T00:00:00.000Z");
        for absent in ["principal", "activated_roles", "request_id", "catalog_name"] {
            assert!(!said.contains_key(absent), "{absent}");
        }
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        for at_ms in [0, 1, 999, 1_700_000_000_120, 253_402_300_799_999] {
            assert_eq!(parse_rfc3339(&rfc3339(at_ms)), Some(at_ms));
        }
        assert_eq!(parse_rfc3339("2023-11-14T23:13:20.1239+01:00"), Some(1_700_000_000_123));
        for bad in ["", "2023-11-14", "1700000000000", "2023-11-14T22:13:20"] {
            assert_eq!(parse_rfc3339(bad), None, "{bad}");
        }
    }
}
