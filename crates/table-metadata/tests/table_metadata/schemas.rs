//! Adding, choosing and removing schemas.

use serde_json::{Value, json};

use crate::support::{changed, is_unchanged, refusal, v2, v3, with};

fn field(id: i32, name: &str, required: bool, data_type: Value) -> Value {
    json!({ "id": id, "name": name, "required": required, "type": data_type })
}

/// The current schema's columns and some more.
fn add(more: &[Value]) -> Value {
    let mut fields =
        vec![field(1, "id", true, json!("long")), field(2, "placed", false, json!("timestamptz"))];
    fields.extend(more.iter().cloned());
    json!({ "action": "add-schema", "schema": { "type": "struct", "fields": fields } })
}

fn refusal_of_schema(base: &Value, schema: Value) -> String {
    refusal(base, &json!([{ "action": "add-schema", "schema": schema }]))
}

#[test]
fn a_new_schema_gets_the_next_id_whatever_it_wishes() {
    let mut update = add(&[field(7, "total", false, json!("DOUBLE"))]);
    update["schema"]["schema-id"] = json!(40);
    let after = changed(&v2(), &json!([update]));
    assert_eq!(
        after["schemas"][2],
        json!({ "type": "struct", "schema-id": 2, "fields": [
            field(1, "id", true, json!("long")),
            field(2, "placed", false, json!("timestamptz")),
            field(7, "total", false, json!("double")),
        ]})
    );
    assert_eq!(after["last-column-id"], 7);
    assert_eq!(after["current-schema-id"], 1);
}

#[test]
fn the_last_column_id_never_falls_and_is_not_taken_from_the_client() {
    let mut update = add(&[]);
    update["last-column-id"] = json!(99);
    let after = changed(&v2(), &json!([update, add(&[field(3, "n", false, json!("int"))])]));
    assert_eq!(after["last-column-id"], 4);
}

#[test]
fn the_last_column_id_counts_ids_inside_of_columns() {
    let map = json!({
        "type": "map", "key-id": 20, "key": "string", "value-id": 30, "value": "int",
        "value-required": true,
    });
    let after = changed(&v2(), &json!([add(&[field(10, "m", false, map)])]));
    assert_eq!(after["last-column-id"], 30);
}

#[test]
fn an_equal_schema_is_not_added_again() {
    let mut same = v2()["schemas"][0].clone();
    same["schema-id"] = json!(17);
    same["fields"][0]["type"] = json!("LONG");
    same["fields"][0]["doc"] = Value::Null;
    let add = json!({ "action": "add-schema", "schema": same });
    assert!(is_unchanged(&v2(), &json!([add])));

    let after = changed(&v2(), &json!([add, { "action": "set-current-schema", "schema-id": -1 }]));
    assert_eq!(after["current-schema-id"], 0);
    assert_eq!(after["schemas"], v2()["schemas"]);
}

#[test]
fn other_identifier_fields_make_another_schema() {
    let mut other = v2()["schemas"][0].clone();
    other["identifier-field-ids"] = json!([1]);
    let after = changed(&v2(), &json!([{ "action": "add-schema", "schema": other }]));
    assert_eq!(after["schemas"][2]["identifier-field-ids"], json!([1]));
}

#[test]
fn the_current_schema_is_chosen_by_id_or_as_the_last_added() {
    let choose = |id: i32| json!({ "action": "set-current-schema", "schema-id": id });
    assert_eq!(changed(&v2(), &json!([choose(0)]))["current-schema-id"], 0);
    assert!(is_unchanged(&v2(), &json!([choose(1)])));

    let more = add(&[field(5, "total", false, json!("int"))]);
    let after = changed(&v2(), &json!([more, choose(-1)]));
    assert_eq!(after["current-schema-id"], 2);

    assert_eq!(
        refusal(&v2(), &json!([choose(-1)])),
        "Cannot set last added schema: no schema has been added"
    );
    assert_eq!(
        refusal(&v2(), &json!([choose(9)])),
        "Cannot set current schema to unknown schema: 9"
    );
}

#[test]
fn types_of_later_versions_are_refused_together() {
    let inner =
        json!({ "type": "struct", "fields": [field(8, "at", false, json!("timestamp_ns"))] });
    let update = add(&[field(7, "s", false, inner), field(6, "v", false, json!("variant"))]);
    assert_eq!(
        refusal(&v2(), &json!([update])),
        "Invalid schema for v2:\n\
         - Invalid type for v: variant is not supported until v3\n\
         - Invalid type for s.at: timestamp_ns is not supported until v3"
    );
    let row_ids = with(v3(), &[]);
    assert_eq!(changed(&row_ids, &json!([update]))["last-column-id"], 8);
}

#[test]
fn every_type_of_version_3_is_refused_before_it() {
    for name in
        ["timestamp_ns", "timestamptz_ns", "variant", "unknown", "geometry", "geography(OGC:CRS84)"]
    {
        let update = add(&[field(7, "x", false, json!(name))]);
        assert_eq!(
            refusal(&v2(), &json!([update])),
            format!(
                "Invalid schema for v2:\n- Invalid type for x: {name} is not supported until v3"
            )
        );
        changed(&v3(), &json!([update]));
    }
}

#[test]
fn initial_defaults_need_version_3_and_write_defaults_do_not() {
    let mut update = add(&[field(7, "n", true, json!("int"))]);
    update["schema"]["fields"][2]["initial-default"] = json!(5);
    assert_eq!(
        refusal(&v2(), &json!([update])),
        "Invalid schema for v2:\n\
         - Invalid initial default for n: non-null default (5) is not supported until v3"
    );
    assert_eq!(changed(&v3(), &json!([update]))["schemas"][2]["fields"][2]["initial-default"], 5);

    let mut update = add(&[field(7, "n", true, json!("int"))]);
    update["schema"]["fields"][2]["initial-default"] = Value::Null;
    update["schema"]["fields"][2]["write-default"] = json!(5);
    assert_eq!(changed(&v2(), &json!([update]))["schemas"][2]["fields"][2]["write-default"], 5);
}

#[test]
fn defaults_must_be_of_their_column_type() {
    let mut update = add(&[field(7, "n", true, json!("int"))]);
    update["schema"]["fields"][2]["initial-default"] = json!("five");
    assert_eq!(
        refusal(&v3(), &json!([update])),
        "Invalid initial-default for n: \"five\" is not a value of type int"
    );
    let mut update = add(&[field(7, "u", false, json!("unknown"))]);
    update["schema"]["fields"][2]["write-default"] = json!(1);
    assert_eq!(
        refusal(&v3(), &json!([update])),
        "Invalid write-default for u: 1 is not a value of type unknown"
    );
    assert_eq!(
        refusal(&v3(), &json!([add(&[field(7, "u", true, json!("unknown"))])])),
        "Invalid type for u: a column of type unknown must be optional"
    );
}

#[test]
fn defaults_of_nested_columns_are_checked_by_their_parts() {
    let list =
        json!({ "type": "list", "element-id": 8, "element": "int", "element-required": true });
    for (default, fits) in
        [(json!([]), true), (json!([1, null]), true), (json!(["a"]), false), (json!({}), false)]
    {
        let mut update = add(&[field(7, "l", false, list.clone())]);
        update["schema"]["fields"][2]["write-default"] = default.clone();
        let result = crate::support::apply(&v3(), &json!([update]));
        assert_eq!(result.is_ok(), fits, "{default}");
    }
}

#[test]
fn the_initial_default_of_a_column_with_data_cannot_change() {
    let with_default = |default: Value| {
        let mut update = add(&[field(7, "n", true, json!("int"))]);
        update["schema"]["fields"][2]["initial-default"] = default;
        update
    };
    let choose = json!({ "action": "set-current-schema", "schema-id": -1 });
    let base = changed(&v3(), &json!([with_default(json!(5)), choose]));

    for other in [json!(6), Value::Null] {
        assert_eq!(
            refusal(&base, &json!([with_default(other), choose])),
            "Cannot change initial default of n: it is 5"
        );
    }
    let mut write_default = with_default(json!(5));
    write_default["schema"]["fields"][2]["write-default"] = json!(6);
    changed(&base, &json!([write_default, choose]));
    // A column may go, and a table whose data is replaced may be anything.
    changed(&base, &json!([{ "action": "set-current-schema", "schema-id": 1 }]));
    let replace = json!({ "action": "remove-snapshot-ref", "ref-name": "main" });
    changed(&base, &json!([replace, with_default(json!(6)), choose]));
}

#[test]
fn identifier_fields_must_identify() {
    let list =
        json!({ "type": "list", "element-id": 5, "element": "long", "element-required": true });
    let optional_struct =
        json!({ "type": "struct", "fields": [field(7, "i", true, json!("long"))] });
    let required_struct =
        json!({ "type": "struct", "fields": [field(9, "j", true, json!("long"))] });
    let fields = json!([
        field(1, "id", true, json!("long")),
        field(2, "opt", false, json!("long")),
        field(3, "d", true, json!("double")),
        field(4, "l", true, list),
        field(6, "s", false, optional_struct),
        field(8, "r", true, required_struct),
    ]);
    for (id, reason) in [
        (10, "Cannot add fieldId 10 as an identifier field: field does not exist"),
        (2, "Cannot add field opt as an identifier field: not a required field"),
        (3, "Cannot add field d as an identifier field: must not be float or double field"),
        (4, "Cannot add field l as an identifier field: not a primitive type field"),
        (5, "Cannot add field l.element as an identifier field: must not be nested in l"),
        (
            7,
            "Cannot add field s.i as an identifier field: must not be nested in an optional field s",
        ),
    ] {
        let schema = json!({ "fields": fields, "identifier-field-ids": [1, id] });
        assert_eq!(refusal_of_schema(&v2(), schema), reason);
    }
    let schema = json!({ "fields": fields, "identifier-field-ids": [9, 1] });
    let after = changed(&v2(), &json!([{ "action": "add-schema", "schema": schema }]));
    assert_eq!(after["schemas"][2]["identifier-field-ids"], json!([1, 9]));
}

#[test]
fn ids_and_full_names_must_be_unique() {
    let two = |one: Value, other: Value| json!({ "fields": [one, other] });
    assert_eq!(
        refusal_of_schema(
            &v2(),
            two(field(1, "a", true, json!("int")), field(1, "b", true, json!("int")))
        ),
        "Invalid schema: multiple fields for id 1: a and b"
    );
    assert_eq!(
        refusal_of_schema(
            &v2(),
            two(field(1, "a", true, json!("int")), field(2, "a", true, json!("int")))
        ),
        "Invalid schema: multiple fields for name a"
    );
    let inner = json!({ "type": "struct", "fields": [field(3, "b", true, json!("int"))] });
    assert_eq!(
        refusal_of_schema(
            &v2(),
            two(field(1, "a", true, inner), field(2, "a.b", true, json!("int")))
        ),
        "Invalid schema: multiple fields for name a.b"
    );
}

#[test]
fn a_type_that_nobody_knows_is_refused_by_its_place() {
    assert_eq!(
        refusal_of_schema(&v2(), json!({ "fields": [field(1, "a", true, json!("varchar(3)"))] })),
        "Invalid updates[0].schema.fields[0].type: cannot parse type: varchar(3)"
    );
    assert_eq!(
        refusal_of_schema(
            &v2(),
            json!({ "fields": [field(1, "a", true, json!({ "type": "set" }))] })
        ),
        "Invalid updates[0].schema.fields[0].type.type: cannot parse type: set"
    );
}

#[test]
fn schemas_that_are_not_current_can_be_removed() {
    let remove = |ids: Value| json!([{ "action": "remove-schemas", "schema-ids": ids }]);
    let after = changed(&v2(), &remove(json!([0, 55])));
    assert_eq!(after["schemas"], json!([v2()["schemas"][1]]));
    assert!(is_unchanged(&v2(), &remove(json!([55]))));
    assert_eq!(refusal(&v2(), &remove(json!([0, 1]))), "Cannot remove the current schema");
}
