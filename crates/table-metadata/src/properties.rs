//! What tables and views have alike: a location and properties. Each function tells whether something
//! changed by it.

use std::collections::HashSet;

use serde_json::{Map, Value};

pub(crate) fn set_location(location: &mut String, wanted: &str) -> bool {
    let changes = location != wanted;
    if changes {
        wanted.clone_into(location);
    }
    changes
}

pub(crate) fn set_properties(
    properties: &mut Map<String, Value>,
    set: &Map<String, Value>,
) -> bool {
    let mut changes = false;
    for (key, value) in set {
        if properties.get(key) != Some(value) {
            properties.insert(key.clone(), value.clone());
            changes = true;
        }
    }
    changes
}

pub(crate) fn remove_properties(properties: &mut Map<String, Value>, keys: &[String]) -> bool {
    let keys: HashSet<&str> = keys.iter().map(String::as_str).collect();
    let before = properties.len();
    properties.retain(|key, _| !keys.contains(key.as_str()));
    properties.len() != before
}
