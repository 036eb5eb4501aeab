//! Updates that tables have too.

use serde_json::json;

use super::support::{VIEW_UUID, a_view, apply, changed, is_unchanged, refusal, set_property};
use crate::support::with;

#[test]
fn properties_are_set_and_removed() {
    let after = changed(
        &a_view(),
        &json!([
            { "action": "set-properties", "updates": { "owner": "marketing", "a": "1" } },
            { "action": "remove-properties", "removals": ["comment", "none"] },
        ]),
    );
    assert_eq!(after, with(a_view(), &[("properties", json!({ "owner": "marketing", "a": "1" }))]));
}

#[test]
fn old_names_of_the_members_of_property_updates_are_understood() {
    let after = changed(
        &a_view(),
        &json!([
            { "action": "set-properties", "updated": { "a": "1" } },
            { "action": "remove-properties", "removed": ["comment", "owner"] },
        ]),
    );
    assert_eq!(after["properties"], json!({ "a": "1" }));
}

#[test]
fn a_view_without_properties_gets_some() {
    let base = with(a_view(), &[("properties", json!(null))]);
    assert_eq!(changed(&base, &json!([set_property("a", "1")]))["properties"], json!({ "a": "1" }));
}

#[test]
fn the_location_is_set_without_a_slash_at_its_end() {
    let after = changed(&a_view(), &json!([{ "action": "set-location", "location": "s3://x/y/" }]));
    assert_eq!(after, with(a_view(), &[("location", json!("s3://x/y"))]));
}

#[test]
fn what_is_so_already_changes_nothing() {
    assert!(is_unchanged(
        &a_view(),
        &json!([
            { "action": "assign-uuid", "uuid": VIEW_UUID.to_uppercase() },
            { "action": "upgrade-format-version", "format-version": 1 },
            { "action": "set-location", "location": "s3://lake/recent_orders" },
            { "action": "set-properties", "updates": { "owner": "sales" } },
            { "action": "set-properties", "updates": {} },
            { "action": "remove-properties", "removals": ["none"] },
        ])
    ));
    assert!(is_unchanged(&a_view(), &json!([])));
}

#[test]
fn the_uuid_cannot_be_changed() {
    let other = "00000000-0000-0000-0000-000000000001";
    assert_eq!(
        refusal(apply(&a_view(), &json!([{ "action": "assign-uuid", "uuid": other }]))),
        "Cannot reassign uuid"
    );
}

#[test]
fn there_is_no_other_format_version() {
    let upgrade = |version: i32| {
        let update = json!({ "action": "upgrade-format-version", "format-version": version });
        refusal(apply(&a_view(), &json!([update])))
    };
    assert_eq!(upgrade(0), "Cannot downgrade v1 view to v0");
    assert_eq!(upgrade(23), "Unsupported format version: 23");
}
