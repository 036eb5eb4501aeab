//! Events in the form of `CloudEvents` 1.0.

use merak_service::{Delivery, event_json, rfc3339};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// The media type of a batch.
pub const CONTENT_TYPE: &str = "application/cloudevents-batch+json";

/// What the types of events begin with, so that they are told from those of others.
const TYPE_PREFIX: &str = "org.apache.polaris.";

/// What a segment of a URI has to spell otherwise.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The batch, as it is sent.
pub(crate) fn batch(events: &[Delivery]) -> Vec<u8> {
    let events: Vec<_> = events.iter().map(cloud_event).collect();
    serde_json::to_vec(&events).expect("a list of objects is JSON")
}

/// An event. Its source is the realm and, where it is about one, the catalog.
fn cloud_event(Delivery { realm, event, .. }: &Delivery) -> Value {
    let encoded = |name: &str| utf8_percent_encode(name, SEGMENT).to_string();
    let mut source = format!("/realms/{}", encoded(realm.as_str()));
    if let Some(catalog) = &event.catalog {
        source = format!("{source}/catalogs/{}", encoded(catalog));
    }
    json!({
        "specversion": "1.0",
        "id": event.id.to_string(),
        "source": source,
        "type": format!("{TYPE_PREFIX}{}", event.kind.name()),
        "time": rfc3339(event.at_ms()),
        "subject": event.resource,
        "datacontenttype": "application/json",
        "data": event_json(realm, event),
    })
}

#[cfg(test)]
mod tests {
    use merak_model::{EventIds, EventSubject, EventType, RealmId};
    use merak_service::EventRecord;

    use super::*;

    #[test]
    fn an_event_has_all_that_a_cloud_event_must_have() {
        let event = EventRecord {
            id: EventIds::default().next(1_700_000_000_123),
            kind: EventType::after(EventSubject::CreateNamespace),
            request_id: Some("r1".to_owned()),
            principal: Some("root".to_owned()),
            roles: Vec::new(),
            catalog: Some("my lake/é".to_owned()),
            resource: "sales".to_owned(),
            attributes: "{}".to_owned(),
        };
        let id = event.id.to_string();
        let delivery = Delivery { realm: RealmId::new("POLARIS"), event, attempts: 1 };

        let sent: Value = serde_json::from_slice(&batch(&[delivery])).unwrap();

        let [sent] = sent.as_array().unwrap().as_slice() else { panic!("{sent}") };
        assert_eq!(sent["specversion"], "1.0");
        assert_eq!(sent["id"], json!(id));
        assert_eq!(sent["source"], "/realms/POLARIS/catalogs/my%20lake%2F%C3%A9");
        assert_eq!(sent["type"], "org.apache.polaris.AFTER_CREATE_NAMESPACE");
        assert_eq!(sent["time"], "2023-11-14T22:13:20.123Z");
        assert_eq!(sent["subject"], "sales");
        assert_eq!(sent["data"]["event_type"], "AFTER_CREATE_NAMESPACE");
        assert_eq!(sent["data"]["event_id"], json!(id));
    }
}
