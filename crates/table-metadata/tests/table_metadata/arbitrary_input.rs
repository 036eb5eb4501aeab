//! Whatever clients and files hold, it is read or refused.

use merak_table_metadata::{TableCommit, TableMetadata, only_referenced_snapshots};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    context, partition_statistics, snapshot, statistics, table, v1, v2, v3, written,
};

/// Any JSON, with names and numbers that metadata uses.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "id",
        "type",
        "fields",
        "schema-id",
        "source-id",
        "snapshot-id",
        "x",
        "name",
        "transform",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-2_i64..20).prop_map(Value::from),
        // Binary fractions: of others `serde_json` may get the last digit wrong.
        (-999_i32..999).prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        "\\PC{0,8}".prop_map(Value::from),
        prop::sample::select(vec![
            "int",
            "struct",
            "list",
            "map",
            "decimal(9,2)",
            "fixed[3]",
            "bucket[4]",
            "main",
            "tag",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..4).prop_map(|members| {
                Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    })
}

/// Where there is anything in a document.
fn places(document: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match document {
        Value::Object(members) => {
            for (name, value) in members {
                places(value, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                places(value, &format!("{at}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The document with something else at some of its places, or nothing.
pub(crate) fn damaged(document: Value) -> impl Strategy<Value = Value> {
    let change = (any::<prop::sample::Index>(), prop::option::of(any_json()));
    prop::collection::vec(change, 0..4).prop_map(move |changes| {
        let mut document = document.clone();
        for (place, replacement) in changes {
            let mut found = Vec::new();
            places(&document, "", &mut found);
            let place = place.get(&found);
            match (replacement, place.rsplit_once('/')) {
                (None, Some((parent, name))) => {
                    if let Some(Value::Object(members)) = document.pointer_mut(parent) {
                        members.shift_remove(name);
                    }
                }
                (replacement, _) => {
                    if let Some(value) = document.pointer_mut(place) {
                        *value = replacement.unwrap_or_default();
                    }
                }
            }
        }
        document
    })
}

/// One update of every kind, most of which can be applied to any of the tables.
fn an_update() -> impl Strategy<Value = Value> {
    let small = -2_i32..4;
    let id = 10_i64..16;
    let field = |id: i32, name: &str, data_type: &str| json!({ "id": id, "name": name, "required": false, "type": data_type });
    let types = prop::sample::select(vec!["int", "variant", "decimal(9,2)", "timestamptz", "date"]);
    let transforms = prop::sample::select(vec!["identity", "day", "bucket[4]", "void", "zorder"]);
    prop_oneof![
        Just(json!({ "action": "assign-uuid", "uuid": crate::support::UUID })),
        small.clone().prop_map(|v| json!({ "action": "upgrade-format-version", "format-version": v })),
        (1..9, types).prop_map(move |(n, t)| json!({ "action": "add-schema", "schema": {
            "schema-id": n, "fields": [field(1, "id", "long"), field(2, "placed", "timestamptz"), field(n, "n", t)],
        }})),
        small.clone().prop_map(|v| json!({ "action": "set-current-schema", "schema-id": v })),
        (1..6, transforms.clone(), prop::option::of(998..1004)).prop_map(|(s, t, id)| json!({
            "action": "add-spec", "spec": { "fields": [
                { "source-id": s, "field-id": id, "name": "p", "transform": t }]}})),
        small.clone().prop_map(|v| json!({ "action": "set-default-spec", "spec-id": v })),
        (1..6, transforms).prop_map(|(s, t)| json!({
            "action": "add-sort-order", "sort-order": { "order-id": s, "fields": [
                { "source-id": s, "transform": t, "direction": "asc", "null-order": "nulls-last" }]}})),
        small.clone().prop_map(|v| json!({ "action": "set-default-sort-order", "sort-order-id": v })),
        (id.clone(), prop::option::of(id.clone()), 0_i64..9, 90_i64..120).prop_map(|(i, p, s, r)| {
            let mut snapshot = snapshot(i, p, s, 1_700_000_000_000 + s);
            snapshot["first-row-id"] = json!(r);
            snapshot["added-rows"] = json!(s);
            json!({ "action": "add-snapshot", "snapshot": snapshot })
        }),
        (prop::sample::select(vec!["main", "audit"]), id.clone()).prop_map(|(n, i)| json!({
            "action": "set-snapshot-ref", "ref-name": n, "type": "branch", "snapshot-id": i })),
        prop::collection::vec(id.clone(), 0..3)
            .prop_map(|ids| json!({ "action": "remove-snapshots", "snapshot-ids": ids })),
        prop::sample::select(vec!["main", "first", "x"])
            .prop_map(|n| json!({ "action": "remove-snapshot-ref", "ref-name": n })),
        "s3://[a-c]{1,3}/{0,2}".prop_map(|l| json!({ "action": "set-location", "location": l })),
        ("[a-c]", "[a-c]").prop_map(|(k, v)| json!({ "action": "set-properties", "updates": { k: v } })),
        "[a-c]".prop_map(|k| json!({ "action": "remove-properties", "removals": [k, "owner"] })),
        id.clone().prop_map(|i| json!({ "action": "set-statistics", "statistics": statistics(i) })),
        id.clone().prop_map(|i| json!({ "action": "remove-statistics", "snapshot-id": i })),
        id.clone().prop_map(|i| json!({
            "action": "set-partition-statistics", "partition-statistics": partition_statistics(i) })),
        id.prop_map(|i| json!({ "action": "remove-partition-statistics", "snapshot-id": i })),
        small.clone().prop_map(|v| json!({ "action": "remove-partition-specs", "spec-ids": [v] })),
        small.prop_map(|v| json!({ "action": "remove-schemas", "schema-ids": [v] })),
        Just(json!({ "action": "add-encryption-key",
                     "encryption-key": { "key-id": "k", "encrypted-key-metadata": "a2V5" } })),
        Just(json!({ "action": "remove-encryption-key", "key-id": "k" })),
    ]
}

fn a_table() -> impl Strategy<Value = Value> {
    prop_oneof![Just(v1()), Just(v2()), Just(v3())]
}

proptest! {
    // A case that was found becomes a test with a name, not a seed in a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = TableMetadata::parse(&bytes);
        let _ = only_referenced_snapshots(&bytes);
    }

    #[test]
    fn any_json_is_read_or_refused(one in any_json(), other in any_json()) {
        let _ = TableMetadata::parse(one.to_string().as_bytes());
        let _ = only_referenced_snapshots(one.to_string().as_bytes());
        let _ = TableCommit::parse(&one, &other);
        let _ = TableCommit::parse(&json!([one]), &json!([other]));
    }

    #[test]
    fn damaged_metadata_is_read_as_it_will_be_read_again(
        document in a_table().prop_flat_map(damaged)
    ) {
        let _ = only_referenced_snapshots(document.to_string().as_bytes());
        if let Ok(metadata) = TableMetadata::parse(document.to_string().as_bytes()) {
            let _ = metadata.validate();
            let once = written(&metadata);
            prop_assert_eq!(written(&table(&once)), once);
        }
    }

    #[test]
    fn damaged_updates_of_damaged_tables_are_applied_or_refused(
        document in a_table().prop_flat_map(damaged),
        updates in prop::collection::vec(an_update().prop_flat_map(damaged), 0..6),
    ) {
        if let Ok(commit) = TableCommit::parse(&Value::Null, &json!(updates)) {
            let _ = commit.create(&context());
            if let Ok(base) = TableMetadata::parse(document.to_string().as_bytes()) {
                let _ = commit.apply(&base, &context());
            }
        }
    }

    #[test]
    fn a_changed_table_can_be_read_again_and_is_consistent(
        document in a_table(),
        updates in prop::collection::vec(an_update(), 0..8),
    ) {
        let base = table(&document);
        for update in updates {
            let commit = TableCommit::parse(&Value::Null, &json!([update])).expect("it can be read");
            let Ok(Some(after)) = commit.apply(&base, &context()) else { continue };
            let once = written(&after);
            prop_assert_eq!(written(&table(&once)), once.clone());
            prop_assert!(after.validate().is_ok());
            prop_assert!(after.last_column_id() >= base.last_column_id());
            prop_assert!(after.last_partition_id() >= base.last_partition_id());
            prop_assert!(after.last_sequence_number() >= base.last_sequence_number());
            prop_assert!(after.next_row_id() >= base.next_row_id());
        }
    }

    #[test]
    fn a_commit_of_many_updates_leaves_the_log_at_the_current_snapshot(
        document in a_table(),
        updates in prop::collection::vec(an_update(), 1..8),
    ) {
        let commit = TableCommit::parse(&Value::Null, &json!(updates)).expect("it can be read");
        if let Ok(Some(after)) = commit.apply(&table(&document), &context()) {
            let once = written(&after);
            prop_assert_eq!(written(&table(&once)), once.clone());
            if let Some(current) = after.current_snapshot_id() {
                prop_assert_eq!(&once["snapshot-log"].as_array().expect("a list").last().expect("an entry")["snapshot-id"], current);
            }
            // What was applied once is there, so that most commits change nothing the second time.
            prop_assert_eq!(after.uuid(), table(&document).uuid().to_owned());
        }
    }
}
