//! Bodies of the management API: what may be in them, and how mistakes are told.

use axum::http::Method;
use serde_json::{Value, json};

use super::{KINDS, Kind, with_lake};

/// What is refused, and the words for it.
async fn assert_refused(kind: &Kind, bodies: &[(Value, String)]) {
    let server = with_lake().await;
    let root = server.root().await;
    for (body, told) in bodies {
        let error = kind.create(&root, body.clone()).await.expect(400).error();
        assert_eq!(error, format!("400 ConstraintViolationException: {told}"), "{body}");
    }
    assert_eq!(kind.names(&root).await, [kind.first]);
}

#[tokio::test]
async fn what_is_made_is_answered_as_it_is_shown() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let body = kind.wrapped(&json!({"name": "x", "properties": {"b": "2", "a": "1"}}));

        let answer = kind.create(&root, body).await.expect(201);

        assert_eq!(answer.header("content-type"), Some("application/json"));
        let mut made = kind.made(&answer);
        assert_eq!(made, kind.get(&root, "x").await);
        assert_eq!(made["createTimestamp"], made["lastUpdateTimestamp"]);
        for key in ["createTimestamp", "lastUpdateTimestamp"] {
            let ms = made[key].take();
            assert!(ms.as_i64().is_some_and(|ms| ms > 1_700_000_000_000), "{key}: {ms}");
        }
        let mut expected = json!({
            "name": "x",
            "properties": {"a": "1", "b": "2"},
            "createTimestamp": null,
            "lastUpdateTimestamp": null,
            "entityVersion": 1,
        });
        match kind.label {
            "Principal" => expected["clientId"] = made["clientId"].clone(),
            "PrincipalRole" => expected["federated"] = json!(false),
            _ => {}
        }
        assert_eq!(made, expected);
    }
}

#[tokio::test]
async fn a_body_may_be_wrapped_or_bare() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let wrapped = kind.wrapped(&json!({"name": "wrapped", "properties": {"a": "b"}}));
        let bare = json!({"name": "bare", "properties": {"a": "b"}});

        for body in [wrapped, bare] {
            let made = kind.made(&kind.create(&root, body).await.expect(201));
            assert_eq!(made["properties"], json!({"a": "b"}), "{}", kind.label);
        }

        let mut expected = ["bare", "wrapped", kind.first];
        expected.sort_unstable();
        assert_eq!(kind.names(&root).await, expected);
    }
}

#[tokio::test]
async fn fields_that_are_unknown_are_ignored() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let entity = json!({"name": "x", "colour": {"deep": ["blue"]}});
        let mut body = kind.wrapped(&entity);
        body["colour"] = json!("blue");
        body["name"] = json!(["not the one"]);

        let answer = kind.create(&root, body).await.expect(201);
        assert!(!answer.text().contains("blue"), "{}", answer.text());

        let update = json!({"currentEntityVersion": 1, "properties": {}, "colour": "blue",
            "name": "another"});
        let answer = root.put(&kind.route("x"), update).await.expect(200);
        assert!(!answer.text().contains("blue"), "{}", answer.text());
        assert_eq!(answer.json()["name"], "x");
    }
}

#[tokio::test]
async fn what_the_server_knows_itself_is_not_taken_from_the_client() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let entity = json!({
            "name": "x", "createTimestamp": 77, "lastUpdateTimestamp": 77, "entityVersion": 77,
        });

        let made = kind.made(&kind.create(&root, kind.wrapped(&entity)).await.expect(201));

        assert_eq!(made["entityVersion"], 1, "{}", kind.label);
        assert_ne!(made["createTimestamp"], 77, "{}", kind.label);
        assert_ne!(made["lastUpdateTimestamp"], 77, "{}", kind.label);
    }
}

#[tokio::test]
async fn properties_may_be_left_out() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        for body in [json!({"name": "absent"}), json!({"name": "null", "properties": null})] {
            let made = kind.made(&kind.create(&root, kind.wrapped(&body)).await.expect(201));
            assert_eq!(made["properties"], json!({}), "{}", kind.label);
        }
    }
}

#[tokio::test]
async fn a_body_of_another_shape_is_told_by_its_parameter() {
    for kind in &KINDS {
        let (outer, inner) = (kind.create, format!("{}.{}", kind.create, kind.wrapper));
        let mut bodies = Vec::new();
        for other in [json!(null), json!([]), json!("x"), json!(7), json!(true)] {
            bodies.push((other.clone(), format!("Invalid value: {outer}: must be an object")));
            let what = if other.is_null() { "must not be null" } else { "must be an object" };
            bodies.push((kind.wrapped(&other), format!("Invalid value: {inner}: {what}")));
        }
        assert_refused(kind, &bodies).await;
    }
}

#[tokio::test]
async fn a_name_that_is_missing_or_no_text_is_told_by_its_parameter() {
    for kind in &KINDS {
        let name = format!("{}.{}.name", kind.create, kind.wrapper);
        let mut bodies = Vec::new();
        for entity in [json!({}), json!({"name": null}), json!({"Name": "x"})] {
            let told = format!("Invalid value: {name}: must not be null");
            bodies.push((kind.wrapped(&entity), told.clone()));
            bodies.push((entity, told));
        }
        for other in [json!(7), json!(true), json!(["x"]), json!({"x": "y"})] {
            let told = format!("Invalid value: {name}: must be a text");
            bodies.push((kind.wrapped(&json!({"name": other})), told));
        }
        assert_refused(kind, &bodies).await;
    }
}

#[tokio::test]
async fn properties_must_be_texts() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let _ = kind.make(&root, "there").await;
        for properties in [
            json!("a"),
            json!(["a"]),
            json!(7),
            json!({"a": 7}),
            json!({"a": null}),
            json!({"a": {}}),
        ] {
            let start = "400 MismatchedInputException: Invalid value: properties: ";
            let body = json!({"name": "x", "properties": properties});
            let error = kind.create(&root, kind.wrapped(&body)).await.expect(400).error();
            assert!(error.starts_with(start), "{body}: {error}");
            let update = json!({"currentEntityVersion": 1, "properties": properties});
            let error = root.put(&kind.route("there"), update).await.expect(400).error();
            assert!(error.starts_with(start), "{properties}: {error}");
        }
        let _ = root.get(&kind.route("x")).await.expect(404);
        assert_eq!(kind.get(&root, "there").await["entityVersion"], 1);
    }
}

#[tokio::test]
async fn an_update_says_which_version_it_is_based_on() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let before = kind.make(&root, "x").await;
        let told = format!(
            "400 ConstraintViolationException: Invalid value: {}.currentEntityVersion: must be the \
             entityVersion that was read",
            kind.update
        );
        let without = json!({"properties": {"a": "b"}});
        assert_eq!(root.put(&kind.route("x"), without).await.expect(400).error(), told);
        for other in [json!(null), json!("1"), json!(1.5), json!(true), json!([1]), json!(u64::MAX)]
        {
            let body = json!({"currentEntityVersion": other, "properties": {"a": "b"}});
            let error = root.put(&kind.route("x"), body).await.expect(400).error();
            assert_eq!(error, told, "{other}");
        }
        assert_eq!(kind.get(&root, "x").await, before);
    }
}

#[tokio::test]
async fn an_update_says_what_the_properties_are_to_be() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let before = kind.make(&root, "x").await;
        for body in [
            json!({"currentEntityVersion": 1}),
            json!({"currentEntityVersion": 1, "properties": null}),
        ] {
            assert_eq!(
                root.put(&kind.route("x"), body).await.expect(400).error(),
                format!(
                    "400 ConstraintViolationException: Invalid value: {}.properties: must not be \
                     null",
                    kind.update
                )
            );
        }
        for other in [json!(null), json!([]), json!("x"), json!(7)] {
            assert_eq!(
                root.put(&kind.route("x"), other).await.expect(400).error(),
                format!(
                    "400 ConstraintViolationException: Invalid value: {}: must be an object",
                    kind.update
                )
            );
        }
        assert_eq!(kind.get(&root, "x").await, before);
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        for (method, path) in
            [(Method::POST, kind.path.to_owned()), (Method::PUT, kind.route(kind.first))]
        {
            for body in ["", "{", "{\"name\": \"x\"", "name=x"] {
                let body = body.as_bytes().to_vec();
                let error = root.send_bytes(method.clone(), &path, body).await.expect(400).error();
                assert!(error.starts_with("400 JsonParseException: Invalid JSON: "), "{error}");
            }
            let form = root.with_header("Content-Type", "application/x-www-form-urlencoded");
            let answer = form.send_bytes(method, &path, b"{\"name\": \"x\"}".to_vec()).await;
            let error = answer.expect(415).error();
            assert!(error.starts_with("415 UnsupportedMediaTypeException: "), "{error}");
        }
        assert_eq!(kind.names(&root).await, [kind.first]);
    }
}
