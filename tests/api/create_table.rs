//! Tables that come to be: at once, or staged and made by their first commit.

use std::io::Read as _;
use std::net::TcpListener;

use merak_model::entity::WRITE_PATHS;
use merak_tests::{Identity, TestServer, schema};
use serde_json::{Value, json};

use crate::fixtures::{
    TABLES, commit_to, create, create_commit, disk, files, lake, lake_with, load, route, text,
    writer,
};

/// What is wrong with a table that is not made.
async fn refusal(who: &Identity<'_>, body: Value) -> String {
    who.post(TABLES, body).await.error()
}

#[tokio::test]
async fn columns_get_new_ids_level_by_level_and_what_names_them_follows() {
    let server = lake().await;
    let root = server.root().await;

    let made = create(
        &root,
        json!({
            "name": "trips",
            "schema": {
                "type": "struct",
                "identifier-field-ids": [10],
                "fields": [
                    {"id": 10, "name": "id", "required": true, "type": "long", "doc": "the key"},
                    {"id": 20, "name": "at", "required": false, "type": {
                        "type": "struct", "fields": [
                            {"id": 21, "name": "lat", "required": false, "type": "double"},
                            {"id": 22, "name": "lon", "required": false, "type": "double"},
                        ],
                    }},
                    {"id": 30, "name": "tags", "required": false, "type": {
                        "type": "list", "element-id": 31, "element": "string",
                        "element-required": true,
                    }},
                    {"id": 40, "name": "day", "required": false, "type": "date"},
                ],
            },
            "partition-spec": {"spec-id": 7, "fields": [
                {"source-id": 40, "field-id": 2000, "transform": "month", "name": "month"},
            ]},
            "write-order": {"order-id": 9, "fields": [
                {"source-id": 10, "transform": "identity", "direction": "desc",
                 "null-order": "nulls-last"},
            ]},
        }),
    )
    .await;

    let metadata = &made["metadata"];
    assert_eq!(
        metadata["schemas"],
        json!([{
            "type": "struct",
            "schema-id": 0,
            "identifier-field-ids": [1],
            "fields": [
                {"id": 1, "name": "id", "required": true, "type": "long", "doc": "the key"},
                {"id": 2, "name": "at", "required": false, "type": {
                    "type": "struct", "fields": [
                        {"id": 5, "name": "lat", "required": false, "type": "double"},
                        {"id": 6, "name": "lon", "required": false, "type": "double"},
                    ],
                }},
                {"id": 3, "name": "tags", "required": false, "type": {
                    "type": "list", "element-id": 7, "element": "string", "element-required": true,
                }},
                {"id": 4, "name": "day", "required": false, "type": "date"},
            ],
        }])
    );
    assert_eq!(
        metadata["partition-specs"],
        json!([{"spec-id": 0, "fields": [
            {"source-id": 4, "field-id": 1000, "transform": "month", "name": "month"},
        ]}])
    );
    assert_eq!(
        metadata["sort-orders"],
        json!([{"order-id": 1, "fields": [
            {"source-id": 1, "transform": "identity", "direction": "desc",
             "null-order": "nulls-last"},
        ]}])
    );
    let last = ["last-column-id", "last-partition-id", "default-sort-order-id"];
    assert_eq!(last.map(|id| metadata[id].as_i64().unwrap()), [7, 1000, 1]);
}

#[tokio::test]
async fn a_new_table_is_of_version_two_and_empty() {
    let server = lake().await;
    let root = server.root().await;

    let made = create(&root, json!({"name": "orders", "schema": schema()})).await;

    let metadata = &made["metadata"];
    assert_eq!(metadata["format-version"], 2);
    assert_eq!(metadata["last-sequence-number"], 0);
    assert_eq!(metadata["current-snapshot-id"], -1);
    assert_eq!(metadata["partition-specs"], json!([{"spec-id": 0, "fields": []}]));
    assert_eq!(metadata["sort-orders"], json!([{"order-id": 0, "fields": []}]));
    assert_eq!(metadata["default-sort-order-id"], 0);
    let empty = ["snapshots", "snapshot-log", "metadata-log"];
    assert_eq!(empty.map(|list| &metadata[list]), [&json!([]); 3]);
    assert!(uuid::Uuid::try_parse(text(&metadata["table-uuid"])).is_ok());
    assert_eq!(made["config"], json!({}));
}

#[tokio::test]
async fn the_property_format_version_chooses_the_version_and_is_not_kept() {
    let server = lake().await;
    let root = server.root().await;
    for version in 1..=3 {
        let made = create(
            &root,
            json!({
                "name": format!("v{version}"),
                "schema": schema(),
                "properties": {"format-version": version.to_string()},
            }),
        )
        .await;

        let metadata = &made["metadata"];
        assert_eq!(metadata["format-version"], version);
        assert_eq!(metadata["properties"].get("format-version"), None);
        assert_eq!(metadata.get("schema").is_some(), version == 1, "v{version}");
        assert_eq!(metadata.get("partition-spec").is_some(), version == 1, "v{version}");
        assert_eq!(metadata.get("last-sequence-number").is_some(), version > 1, "v{version}");
        assert_eq!(metadata.get("next-row-id"), (version == 3).then(|| json!(0)).as_ref());
        assert_eq!(load(&root, &format!("v{version}")).await, made);
    }
    for bad in ["0", "4", "two"] {
        let body =
            json!({"name": "bad", "schema": schema(), "properties": {"format-version": bad}});
        assert!(refusal(&root, body).await.starts_with("400 "), "version {bad} was accepted");
    }
}

#[tokio::test]
async fn properties_are_kept_and_the_server_adds_its_own() {
    let server = lake().await;
    let root = server.root().await;

    let made = create(
        &root,
        json!({"name": "orders", "schema": schema(), "properties": {"owner": "ana", "a b": "ü"}}),
    )
    .await;

    let mut properties = made["metadata"]["properties"].clone();
    let created_at = properties["created-at"].take();
    assert!(
        text(&created_at).starts_with("20") && text(&created_at).ends_with('Z'),
        "{created_at}"
    );
    assert_eq!(
        properties,
        json!({
            "owner": "ana",
            "a b": "ü",
            "created-at": null,
            "write.parquet.compression-codec": "zstd",
        })
    );
}

#[tokio::test]
async fn reserved_properties_are_refused() {
    let server = lake().await;
    let root = server.root().await;

    let properties = json!({"polaris.x": "1"});
    let body = json!({"name": "orders", "schema": schema(), "properties": properties});
    assert_eq!(
        refusal(&root, body).await,
        "400 IllegalArgumentException: Property 'polaris.x' matches reserved prefix 'polaris.'"
    );
    let properties = json!({"io-impl": "com.example.FileIO"});
    let body = json!({"name": "orders", "schema": schema(), "properties": properties});
    let told = refusal(&root, body).await;
    assert!(told.starts_with("400 ValidationException: "), "{told}");
    assert_eq!(files(&server).len(), 0);
}

#[tokio::test]
async fn a_table_lies_below_its_namespace_or_where_the_client_says() {
    let server = lake().await;
    let root = server.root().await;
    let sales = format!("{}/sales", server.location("lake"));

    let made = create(&root, json!({"name": "orders", "schema": schema()})).await;
    assert_eq!(made["metadata"]["location"], format!("{sales}/orders"));
    let file = text(&made["metadata-location"]);
    let name = file.strip_prefix(&format!("{sales}/orders/metadata/00000-")).expect("the folder");
    let uuid = name.strip_suffix(".metadata.json").expect("the ending");
    assert!(uuid::Uuid::try_parse(uuid).is_ok(), "{file}");

    let old = format!("{sales}/archive/old");
    let body = json!({"name": "old", "schema": schema(), "location": format!("{old}/")});
    let made = create(&root, body).await;
    assert_eq!(made["metadata"]["location"], old);
    assert!(text(&made["metadata-location"]).starts_with(&format!("{old}/metadata/")), "{made}");
}

#[tokio::test]
async fn a_client_may_not_choose_the_location_where_that_is_switched_off() {
    let off = ("polaris.config.allow.client-specified.table.location", "false");
    let server = lake_with(&[], &[off]).await;
    let root = server.root().await;
    let sales = format!("{}/sales", server.location("lake"));

    for name in ["location"].into_iter().chain(WRITE_PATHS) {
        let mut body = json!({"name": "t", "schema": schema(), "properties": {}});
        let of = if name == "location" { &mut body } else { &mut body["properties"] };
        of[name] = json!(format!("{sales}/t/x"));
        let told = refusal(&root, body).await;
        let end = format!("Specifying a table or view location using {name} is not allowed.");
        assert!(told.starts_with("400 ") && told.ends_with(&end), "{told}");
    }
    let _ = create(&root, json!({"name": "t", "schema": schema()})).await;
}

#[tokio::test]
async fn the_answer_is_what_the_file_says_and_has_the_tag_of_a_load() {
    let server = lake().await;
    let root = server.root().await;

    let answer = root.post(TABLES, json!({"name": "t", "schema": schema()})).await.expect(200);

    let location = answer.json()["metadata-location"].clone();
    let file = std::fs::read_to_string(disk(text(&location))).unwrap();
    assert!(answer.text().contains(&file), "{} is not {file}", answer.text());
    let loaded = root.get(&route("t")).await.expect(200);
    let tag = answer.header("ETag").expect("a tag");
    assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
    assert_eq!(loaded.header("ETag"), Some(tag));
    assert_eq!(loaded.body, answer.body);
}

#[tokio::test]
async fn metadata_is_compressed_where_the_table_wants_it() {
    let server = lake().await;
    let root = server.root().await;
    let properties = json!({"write.metadata.compression-codec": "gzip"});

    let body = json!({"name": "t", "schema": schema(), "properties": properties});
    let made = create(&root, body).await;

    let location = text(&made["metadata-location"]);
    assert!(location.ends_with(".gz.metadata.json"), "{location}");
    let file = std::fs::File::open(disk(location)).unwrap();
    let mut json = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut json).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), made["metadata"]);
    assert_eq!(load(&root, "t").await, made);
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused() {
    let server = lake().await;
    let root = server.root().await;
    let first = create(&root, json!({"name": "t", "schema": schema()})).await;
    let before = files(&server);

    for staged in [false, true] {
        let body = json!({"name": "t", "schema": schema(), "stage-create": staged});
        assert_eq!(
            refusal(&root, body).await,
            "409 AlreadyExistsException: Table already exists: sales.t"
        );
    }
    assert_eq!(files(&server), before);
    assert_eq!(load(&root, "t").await, first);
}

#[tokio::test]
async fn a_namespace_that_is_missing_is_named() {
    let server = lake().await;
    let root = server.root().await;
    let path = "/api/catalog/v1/lake/namespaces/nope%1Fdeep/tables";

    let refused = root.post(path, json!({"name": "t", "schema": schema()})).await;

    assert_eq!(
        refused.error(),
        "404 NoSuchNamespaceException: Namespace does not exist: nope.deep"
    );
}

#[tokio::test]
async fn a_name_that_no_table_can_have_is_refused() {
    let server = lake().await;
    let root = server.root().await;
    let long = "n".repeat(257);
    for name in ["", ".", "..", "a/b", "a\\b", "a\nb", "a\u{0}b", "a\u{1f}b", " a", "a*", &long] {
        for staged in [false, true] {
            let body = json!({"name": name, "schema": schema(), "stage-create": staged});
            let told = refusal(&root, body).await;
            assert!(told.starts_with("400 IllegalArgumentException: "), "{name:?}: {told}");
        }
    }
}

#[tokio::test]
async fn a_table_that_makes_no_sense_is_refused() {
    let server = lake().await;
    let root = server.root().await;
    let field = |id, name, kind| json!({"id": id, "name": name, "required": false, "type": kind});
    let of = |fields: Value| json!({"name": "t", "schema": {"type": "struct", "fields": fields}});
    let with = |kind, member: &str, value: Value| {
        let mut body = of(json!([field(1, "a", kind)]));
        body[member] = value;
        body
    };
    let by = |source: i64, transform| json!({"fields": [{"source-id": source, "transform": transform, "name": "p"}]});
    let key =
        json!({"type": "struct", "identifier-field-ids": [1], "fields": [field(1, "a", "long")]});
    let order = json!({"order-id": 1, "fields": [{
        "source-id": 9, "transform": "identity", "direction": "asc", "null-order": "nulls-first",
    }]});

    for body in [
        json!({"name": "t"}),
        json!({"schema": schema()}),
        json!({"name": "t", "schema": []}),
        json!({"name": "t", "schema": {"type": "struct"}}),
        of(json!([field(1, "a", "long"), field(2, "a", "long")])),
        of(json!([field(1, "a", "no-such-type")])),
        of(json!([field(1, "a", "decimal(39,1)")])),
        json!({"name": "t", "schema": key}),
        with("long", "partition-spec", by(9, "identity")),
        with("string", "partition-spec", by(1, "day")),
        with("long", "write-order", order),
    ] {
        let _ = root.post(TABLES, body).await.expect(400).error();
    }
    assert_eq!(
        refusal(&root, of(json!([field(1, "x", "variant")]))).await,
        "400 ValidationException: Invalid schema for v2:\n\
         - Invalid type for x: variant is not supported until v3"
    );
    assert_eq!(files(&server).len(), 0);
}

#[tokio::test]
async fn a_staged_table_is_not_there_until_its_commit() {
    let server = lake().await;
    let root = server.root().await;

    let body = json!({"name": "t", "schema": schema(), "stage-create": true});
    let answer = root.post(TABLES, body).await.expect(200);

    let staged = answer.json();
    assert!(staged["metadata-location"].is_null(), "{staged}");
    assert_eq!(answer.header("ETag"), None);
    assert_eq!(staged["metadata"]["schemas"], json!([schema()]));
    assert!(staged["metadata"]["properties"]["created-at"].is_string());
    assert_eq!(root.get(TABLES).await.expect(200).json()["identifiers"], json!([]));
    let _ = root.head(&route("t")).await.expect(404);
    assert_eq!(files(&server).len(), 0);

    let uuid = text(&staged["metadata"]["table-uuid"]);
    let location = text(&staged["metadata"]["location"]);
    let made = commit_to(&root, "t", create_commit(uuid, location, schema())).await;
    assert_eq!(made["metadata"]["table-uuid"], uuid);
    assert_eq!(made["metadata"]["location"], location);
    assert_eq!(load(&root, "t").await["metadata-location"], made["metadata-location"]);
    assert_eq!(files(&server).len(), 1);
}

#[tokio::test]
async fn the_commit_that_makes_a_table_keeps_the_ids_of_the_client() {
    let server = lake().await;
    let root = server.root().await;
    let uuid = uuid::Uuid::new_v4().to_string();
    let location = format!("{}/sales/t", server.location("lake"));
    let schema = json!({"type": "struct", "schema-id": 0, "fields": [
        {"id": 7, "name": "id", "required": true, "type": "long"},
        {"id": 3, "name": "name", "required": false, "type": "string"},
    ]});
    let mut body = create_commit(&uuid, &location, schema.clone());
    body["updates"][4]["spec"]["fields"] =
        json!([{"source-id": 7, "field-id": 1005, "transform": "bucket[4]", "name": "b"}]);

    let answer = root.post(&route("t"), body).await.expect(200);

    let metadata = &answer.json()["metadata"];
    assert_eq!(metadata["schemas"], json!([schema]));
    assert_eq!(metadata["last-column-id"], 7);
    assert_eq!(metadata["partition-specs"][0]["fields"][0]["field-id"], 1005);
    assert_eq!(metadata["last-partition-id"], 1005);
    assert_eq!(metadata["properties"], json!({"made-by": "a test"}));
    let loaded = root.get(&route("t")).await.expect(200);
    assert_eq!(answer.header("ETag"), loaded.header("ETag"));
}

#[tokio::test]
async fn of_two_that_stage_one_table_the_second_to_commit_loses() {
    let server = lake().await;
    let root = server.root().await;
    let body = json!({"name": "t", "schema": schema(), "stage-create": true});
    let (ours, theirs) = (create(&root, body.clone()).await, create(&root, body).await);
    let commit = |staged: &Value| {
        let metadata = &staged["metadata"];
        create_commit(text(&metadata["table-uuid"]), text(&metadata["location"]), schema())
    };
    let first = commit_to(&root, "t", commit(&theirs)).await;

    let second = root.post(&route("t"), commit(&ours)).await;

    assert_eq!(
        second.error(),
        "409 CommitFailedException: Requirement failed: table already exists"
    );
    assert_eq!(load(&root, "t").await["metadata"], first["metadata"]);
    assert_eq!(files(&server).len(), 1);
}

#[tokio::test]
async fn credentials_can_be_asked_for_where_files_need_none() {
    let server = lake().await;
    let writer = writer(&server).await;
    let root = server.root().await;
    for (number, header) in
        ["vended-credentials", "remote-signing, vended-credentials", "true"].iter().enumerate()
    {
        let name = format!("t{number}");
        for staged in [true, false] {
            let body = json!({"name": name, "schema": schema(), "stage-create": staged});
            let asking = writer.with_header("X-Iceberg-Access-Delegation", header);
            let made = create(&asking, body.clone()).await;
            assert_eq!(made["config"], json!({}));
            let asking = root.with_header("X-Iceberg-Access-Delegation", header);
            let told = refusal(&asking, body).await;
            assert!(told.starts_with("403 ForbiddenException: "), "{header}: {told}");
        }
    }
}

#[tokio::test]
async fn files_are_not_signed_for_and_what_is_unknown_is_ignored() {
    let server = lake().await;
    let writer = writer(&server).await;
    let asking = |what| writer.with_header("X-Iceberg-Access-Delegation", what);
    let body = |name| json!({"name": name, "schema": schema()});

    for header in ["remote-signing", "remote-signing,telepathy"] {
        assert_eq!(
            refusal(&asking(header), body("t")).await,
            "400 IllegalArgumentException: Unsupported access delegation mode: REMOTE_SIGNING is \
             for S3, and this catalog's storage is FILE; ask for vended-credentials"
        );
    }
    for (name, header) in [("a", "telepathy"), ("b", ""), ("c", "telepathy, ,magic")] {
        let _ = create(&asking(header), body(name)).await;
    }
}

#[tokio::test]
async fn credentials_that_cannot_be_had_are_refused_before_anything_is_written() {
    let cloud = TcpListener::bind("127.0.0.1:0").unwrap();
    cloud.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", cloud.local_addr().unwrap());
    let server = TestServer::start().await;
    let root = server.root().await;
    let catalog = json!({"catalog": {
        "name": "lake",
        "type": "INTERNAL",
        "properties": {"default-base-location": "s3://bucket/lake"},
        "storageConfigInfo": {
            "storageType": "S3",
            "endpoint": endpoint,
            "stsUnavailable": true,
            "pathStyleAccess": true,
            "allowedLocations": ["s3://bucket/lake"],
        },
    }});
    let _ = root.post("/api/management/v1/catalogs", catalog).await.expect(201);
    server.create_namespace("lake", "sales").await;
    let writer = writer(&server).await;
    let asking = writer.with_header("X-Iceberg-Access-Delegation", "vended-credentials");

    for staged in [false, true] {
        let body = json!({"name": "t", "schema": schema(), "stage-create": staged});
        let told = refusal(&asking, body).await;
        assert!(told.starts_with("400 ") && told.contains("sales.t"), "{told}");
    }
    let _ = root.head(&route("t")).await.expect(404);
    assert_eq!(cloud.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}
