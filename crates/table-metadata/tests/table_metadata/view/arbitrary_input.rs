//! Whatever clients and files hold of views, it is read or refused.

use merak_table_metadata::{
    NewView, ViewCommit, ViewMetadata, view_metadata_folder, view_wants_gzip,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{
    VIEW_UUID, a_view, add_schema, add_version, in_dialects, new_view, schema, set_current,
    version, version_ids, view, written,
};
use crate::arbitrary_input::{any_json, damaged};
use crate::support::NOW;

/// One update of every kind, most of which can be applied to a view.
fn an_update() -> impl Strategy<Value = Value> {
    let small = -2_i32..5;
    let column = prop::sample::select(vec!["id", "order_id", "a", "b"]);
    let sql = prop::sample::select(vec!["SELECT id", "SELECT order_id", "SELECT 1", "SELECT 2"]);
    let dialects =
        prop::collection::vec(prop::sample::select(vec!["spark", "Trino", "trino"]), 0..3);
    let sizes = prop::sample::select(vec!["1", "2", "3", "0", "x"]);
    prop_oneof![
        Just(json!({ "action": "assign-uuid", "uuid": VIEW_UUID })),
        small.clone().prop_map(|v| json!({ "action": "upgrade-format-version", "format-version": v })),
        (small.clone(), column).prop_map(|(id, column)| add_schema(&schema(id, column))),
        (small.clone(), small.clone(), sql)
            .prop_map(|(id, schema, sql)| add_version(&version(id, schema, sql))),
        (small.clone(), small.clone(), dialects).prop_map(|(id, schema, dialects)| {
            add_version(&in_dialects(version(id, schema, ""), &dialects))
        }),
        small.prop_map(set_current),
        "s3://[a-c]{1,3}/{0,2}".prop_map(|l| json!({ "action": "set-location", "location": l })),
        ("[a-c]", "[a-c]").prop_map(|(k, v)| json!({ "action": "set-properties", "updates": { k: v } })),
        sizes.prop_map(|size| {
            json!({ "action": "set-properties", "updates": { "version.history.num-entries": size } })
        }),
        Just(json!({ "action": "set-properties", "updates": { "replace.drop-dialect.allowed": "true" } })),
        "[a-c]".prop_map(|k| json!({ "action": "remove-properties", "removals": [k, "owner"] })),
    ]
}

proptest! {
    // A case that was found becomes a test with a name, not a seed in a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = ViewMetadata::parse(&bytes);
    }

    #[test]
    fn any_json_is_read_or_refused(one in any_json(), other in any_json()) {
        let _ = ViewMetadata::parse(one.to_string().as_bytes());
        let _ = ViewCommit::parse(&one, &other);
        let _ = ViewCommit::parse(&json!([one.clone()]), &json!([other.clone()]));
        let _ = NewView { schema: one, view_version: other, ..new_view() }.build();
    }

    #[test]
    fn damaged_metadata_is_read_as_it_will_be_read_again(document in damaged(a_view())) {
        if let Ok(metadata) = ViewMetadata::parse(document.to_string().as_bytes()) {
            let _ = metadata.validate();
            let _ = metadata.last_updated_ms();
            let _ = view_metadata_folder(&metadata);
            let _ = view_wants_gzip(&metadata);
            let once = written(&metadata);
            prop_assert_eq!(written(&view(&once)), once);
        }
    }

    #[test]
    fn a_view_made_of_damaged_parts_is_valid_or_refused(
        columns in damaged(schema(3, "id")),
        wanted in damaged(version(3, 3, "SELECT id")),
    ) {
        if let Ok(made) = (NewView { schema: columns, view_version: wanted, ..new_view() }).build() {
            prop_assert!(made.validate().is_ok());
            let once = written(&made);
            prop_assert_eq!(written(&view(&once)), once);
        }
    }

    #[test]
    fn damaged_updates_of_damaged_views_are_applied_or_refused(
        document in damaged(a_view()),
        updates in prop::collection::vec(an_update().prop_flat_map(damaged), 0..6),
    ) {
        if let Ok(commit) = ViewCommit::parse(&Value::Null, &json!(updates))
            && let Ok(base) = ViewMetadata::parse(document.to_string().as_bytes())
        {
            let _ = commit.apply(&base, NOW);
        }
    }

    #[test]
    fn a_changed_view_is_valid_and_can_be_read_again(
        commits in prop::collection::vec(prop::collection::vec(an_update(), 1..5), 1..6),
    ) {
        let mut base = view(&a_view());
        for updates in commits {
            let Ok(commit) = ViewCommit::parse(&Value::Null, &json!(updates)) else { continue };
            let Ok(Some(after)) = commit.apply(&base, NOW) else { continue };
            let once = written(&after);
            prop_assert_eq!(written(&view(&once)), once.clone());
            prop_assert_eq!(after.validate(), Ok(()));
            prop_assert_eq!(after.uuid(), base.uuid());
            prop_assert!(version_ids(&once).contains(&after.current_version_id().into()));
            let last = once["version-log"].as_array().and_then(|log| log.last());
            prop_assert_eq!(&last.expect("an entry")["version-id"], after.current_version_id());
            base = after;
        }
    }
}
