//! What becomes of events, and of who asked for what.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use merak_model::{EventCategory, EventType};
use merak_service::{DATABASE_SINK, DeliverySettings, LOG_SINK, RequestSettings};
use merak_webhook::{WebhookSettings, WebhookUrl};

use super::formats::{Format, Texts, not};
use super::problems::Notice;
use super::reader::Reader;
use super::registry as settings;

/// What becomes of events, and of who asked for what.
#[derive(Debug, Clone)]
pub struct Events {
    /// Who is told of events, by name, and of which types each.
    pub wanted: BTreeMap<&'static str, BTreeSet<EventType>>,
    /// The attributes that nobody is told.
    pub denied_attributes: BTreeSet<String>,
    /// The web server that is told, if one is.
    pub webhook: Option<WebhookSettings>,
    /// How they are told.
    pub deliveries: DeliverySettings,
    /// What is kept of requests.
    pub requests: RequestSettings,
}

/// Somebody who can be told of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listener {
    Database,
    Log,
    Webhook,
    /// One of Polaris' that is not here.
    Foreign(&'static str),
}

/// The name of a webhook as somebody who is told of events.
pub const WEBHOOK_SINK: &str = "webhook";

/// What Polaris calls the database.
const PERSISTENCE: &str = "persistence-in-memory-buffer";

/// What Polaris calls nobody.
const NOBODY: &str = "no-op";

/// Polaris' listeners that are not here.
const FOREIGN: [&str; 3] = ["aws-cloudwatch", "kafka", "opentelemetry"];

impl Listener {
    const fn sink(self) -> Option<&'static str> {
        match self {
            Self::Database => Some(DATABASE_SINK),
            Self::Log => Some(LOG_SINK),
            Self::Webhook => Some(WEBHOOK_SINK),
            Self::Foreign(_) => None,
        }
    }
}

impl Events {
    pub(super) fn read(reader: &mut Reader) -> Self {
        // Both are read, so that the old one does not pass for unknown.
        let (new, old) =
            (reader.get(&settings::EVENT_LISTENERS), reader.get(&settings::EVENT_LISTENER));
        let filters = Filters::read(reader);
        let mut wanted = BTreeMap::new();
        for listener in new.or(old).unwrap_or_default() {
            match listener {
                Listener::Foreign(name) => reader.notices.push(Notice::warning(format!(
                    "events do not go to {name}, which {} names: have them sent to a webhook that \
                     passes them on, or write them to the log and collect them from there",
                    settings::EVENT_LISTENERS.row.key
                ))),
                Listener::Database | Listener::Log | Listener::Webhook => {
                    wanted.extend(listener.sink().map(|sink| (sink, filters.of(sink))));
                }
            }
        }
        let webhook = webhook(reader, wanted.contains_key(WEBHOOK_SINK));
        let retention = reader.get(&settings::EVENT_RETENTION);
        let is_kept = wanted.contains_key(DATABASE_SINK);
        Self {
            denied_attributes: reader
                .get(&settings::EVENT_DENYLIST)
                .unwrap_or_default()
                .into_iter()
                .collect(),
            webhook,
            deliveries: DeliverySettings {
                retry_delay: reader.get(&settings::EVENT_RETRY_DELAY),
                max_retry_delay: reader.get(&settings::EVENT_MAX_RETRY_DELAY),
                poll_interval: reader.get(&settings::EVENT_POLL_INTERVAL),
                // What is only passed on goes once it was.
                retention: if is_kept { retention } else { Duration::ZERO },
            },
            requests: RequestSettings {
                are_audited: reader.get(&settings::AUDIT_DATABASE),
                audit_retention: reader.get(&settings::AUDIT_RETENTION),
                write_after: reader.get(&settings::EVENT_BUFFER_SIZE),
                write_within: reader.get(&settings::EVENT_BUFFER_TIME),
                max_waiting: reader.get(&settings::EVENT_QUEUE),
            },
            wanted,
        }
    }
}

/// Without an address where one is needed, a problem is noted.
fn webhook(reader: &mut Reader, is_wanted: bool) -> Option<WebhookSettings> {
    // All of them are read whether it is told or not, so that none passes for unknown.
    let url = reader.get(&settings::WEBHOOK_URL);
    let authorization = reader.get(&settings::WEBHOOK_AUTHORIZATION);
    let timeout = reader.get(&settings::WEBHOOK_TIMEOUT);
    let batch_size = u32::try_from(reader.get(&settings::WEBHOOK_BATCH)).unwrap_or(u32::MAX);
    if !is_wanted {
        return None;
    }
    let Some(url) = url else {
        let why = format!("is needed where {} names `webhook`", settings::EVENT_LISTENERS.row.key);
        reader.refuse(&settings::WEBHOOK_URL.row, None, why);
        return None;
    };
    if !url.is_protected() {
        let what = if authorization.is_some() { "events, and the secret" } else { "events" };
        reader.notices.push(Notice::warning(format!(
            "{} is not `https`: whoever is on the way can read {what}",
            settings::WEBHOOK_URL.row.key
        )));
    }
    Some(WebhookSettings { url, authorization, timeout, batch_size })
}

/// Which events listeners want, by their names.
struct Filters {
    types: BTreeMap<String, Vec<EventType>>,
    categories: BTreeMap<String, Vec<EventCategory>>,
}

impl Filters {
    fn read(reader: &mut Reader) -> Self {
        Self {
            types: by_sink(reader.each(&settings::EVENT_TYPES)),
            categories: by_sink(reader.each(&settings::EVENT_CATEGORIES)),
        }
    }

    /// As in Polaris: what either names, and all if nothing is named.
    fn of(&self, sink: &str) -> BTreeSet<EventType> {
        let types = self.types.get(sink).into_iter().flatten().copied();
        let categories = self.categories.get(sink).into_iter().flatten().copied();
        let named: BTreeSet<_> = types.chain(categories.flat_map(EventType::of_category)).collect();
        if named.is_empty() { EventType::all().collect() } else { named }
    }
}

/// What is set for a listener under any of its names.
fn by_sink<T>(by_name: BTreeMap<String, Vec<T>>) -> BTreeMap<String, Vec<T>> {
    let mut all: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for (name, values) in by_name {
        // A variable of the environment does not say which of them it was.
        let name = name.replace('_', "-");
        let sink = if name == PERSISTENCE { DATABASE_SINK.to_owned() } else { name };
        all.entry(sink).or_default().extend(values);
    }
    all
}

/// A list of those who are told of events.
#[derive(Debug)]
pub(super) struct Listeners;

impl Format for Listeners {
    type Value = Vec<Listener>;
    const EXPECTED: &'static str = "a list of `database` (or `persistence-in-memory-buffer`), `log` and `webhook`, with commas \
         between";

    fn parse(text: &str) -> Result<Vec<Listener>, String> {
        let listener = |name: &String| match name.as_str() {
            DATABASE_SINK | PERSISTENCE => Ok(Listener::Database),
            LOG_SINK => Ok(Listener::Log),
            WEBHOOK_SINK => Ok(Listener::Webhook),
            other => {
                let foreign = FOREIGN.into_iter().find(|foreign| *foreign == other);
                foreign.map(Listener::Foreign).ok_or_else(not::<Self>)
            }
        };
        // What Polaris' configuration says where nobody is told, before it was a list.
        Texts::parse(text)?.iter().filter(|name| *name != NOBODY).map(listener).collect()
    }
}

/// A list of types of events.
#[derive(Debug)]
pub(super) struct EventTypes;

impl Format for EventTypes {
    type Value = Vec<EventType>;
    const EXPECTED: &'static str =
        "a list of types of events such as `AFTER_UPDATE_TABLE`, with commas between";

    fn parse(text: &str) -> Result<Vec<EventType>, String> {
        let parse = |name: &String| EventType::parse(&constant(name)).ok_or_else(not::<Self>);
        Texts::parse(text)?.iter().map(parse).collect()
    }
}

/// A list of categories of events.
#[derive(Debug)]
pub(super) struct EventCategories;

impl Format for EventCategories {
    type Value = Vec<EventCategory>;
    const EXPECTED: &'static str =
        "a list of categories of events such as `TABLE` or `NAMESPACE`, with commas between";

    fn parse(text: &str) -> Result<Vec<EventCategory>, String> {
        let parse = |name: &String| EventCategory::parse(&constant(name)).ok_or_else(not::<Self>);
        Texts::parse(text)?.iter().map(parse).collect()
    }
}

/// The name of a constant, which Quarkus takes in lower case with hyphens, too.
fn constant(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

/// The address of a webhook.
#[derive(Debug)]
pub(super) struct WebhookAddress;

impl Format for WebhookAddress {
    type Value = WebhookUrl;
    const EXPECTED: &'static str = "an `http` or `https` URL";

    fn parse(text: &str) -> Result<WebhookUrl, String> {
        WebhookUrl::parse(text).map_err(|why| why.to_string())
    }
}
