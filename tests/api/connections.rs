//! Connections of catalogs to those that own their tables.

mod log;
mod remote;
mod secrets;

use merak_tests::{Identity, TestServer};
use serde_json::{Value, json};

const CATALOGS: &str = "/api/management/v1/catalogs";
const ON: (&str, &str) = ("polaris.features.\"ENABLE_CATALOG_FEDERATION\"", "true");
const AUTHENTICATIONS: &str =
    "polaris.features.\"SUPPORTED_EXTERNAL_CATALOG_AUTHENTICATION_TYPES\"";
const KEYS: &str = "merak.secrets.encryption-keys";
const KEY_A: &str = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const ROLE: &str = "arn:aws:iam::123456789012:role/lake";

/// A server that lets catalogs have connections.
async fn start(more: &[(&str, &str)]) -> TestServer {
    let mut settings = vec![ON, (KEYS, KEY_A)];
    settings.extend(more);
    TestServer::start_with(&settings).await
}

/// A catalog with such a connection.
fn body(server: &TestServer, name: &str, connection: &Value) -> Value {
    let base = server.location(name);
    json!({"catalog": {
        "name": name,
        "type": "EXTERNAL",
        "connectionConfigInfo": connection,
        "properties": {"default-base-location": base},
        "storageConfigInfo": {"storageType": "FILE", "allowedLocations": [base]},
    }})
}

fn rest(authentication: Value) -> Value {
    json!({
        "connectionType": "ICEBERG_REST",
        "uri": "https://catalog.example.com/api/catalog",
        "remoteCatalogName": "sales",
        "authenticationParameters": authentication,
    })
}

fn oauth() -> Value {
    rest(json!({"authenticationType": "OAUTH", "clientId": "us", "clientSecret": "hunter2"}))
}

fn bearer(token: &str) -> Value {
    rest(json!({"authenticationType": "BEARER", "bearerToken": token}))
}

/// Makes a catalog, and tells its connection as it is shown.
async fn create(server: &TestServer, name: &str, connection: &Value) -> Value {
    let body = body(server, name, connection);
    let made = server.root().await.post(CATALOGS, body).await.expect(201).json();
    made["connectionConfigInfo"].clone()
}

/// How a connection is refused.
async fn refused(server: &TestServer, connection: &Value) -> String {
    let root = server.root().await;
    let told = root.post(CATALOGS, body(server, "refused", connection)).await.error();
    let _ = root.get(&format!("{CATALOGS}/refused")).await.expect(404);
    told
}

async fn update(root: &Identity<'_>, name: &str, change: Value) -> merak_tests::Response {
    let path = format!("{CATALOGS}/{name}");
    let before = root.get(&path).await.expect(200).json();
    let mut body = json!({"currentEntityVersion": before["entityVersion"]});
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    root.put(&path, body).await
}

#[tokio::test]
async fn each_kind_is_shown_as_it_was_made_without_its_secret() {
    let server = start(&[
        (AUTHENTICATIONS, "[\"OAUTH\",\"bearer\",\"SIGV4\",\"GCP\",\"IMPLICIT\"]"),
        ("polaris.service-identity.aws-iam.iam-arn", "arn:aws:iam::1:user/merak"),
        ("polaris.service-identity.aws-iam.access-key-id", "AKIDMERAK"),
        ("polaris.service-identity.aws-iam.secret-access-key", "hunter7"),
    ])
    .await;
    let root = server.root().await;
    let full_oauth = json!({
        "authenticationType": "OAUTH",
        "tokenUri": "https://id.example.com/token",
        "clientId": "us",
        "clientSecret": "hunter2",
        "scopes": ["PRINCIPAL_ROLE:ALL"],
    });
    let role = json!({
        "authenticationType": "SIGV4",
        "roleArn": ROLE,
        "roleSessionName": "merak",
        "externalId": "e",
        "signingRegion": "eu-central-1",
        "signingName": "glue",
        "sessionPolicy": "{}",
    });
    let kinds = [
        oauth()["authenticationParameters"].clone(),
        full_oauth,
        bearer("hunter3")["authenticationParameters"].clone(),
        role,
        json!({"authenticationType": "GCP"}),
        json!({"authenticationType": "IMPLICIT"}),
    ];
    for (nth, authentication) in kinds.into_iter().enumerate() {
        let name = format!("c{nth}");
        let mut connection = rest(authentication);
        connection["properties"] = json!({"header.x-team": "lake"});

        let shown = create(&server, &name, &connection).await;

        let mut expected = connection.clone();
        let parameters = expected["authenticationParameters"].as_object_mut().unwrap();
        parameters.remove("clientSecret");
        parameters.remove("bearerToken");
        if parameters["authenticationType"] == "SIGV4" {
            expected["serviceIdentity"] =
                json!({"identityType": "AWS_IAM", "iamArn": "arn:aws:iam::1:user/merak"});
        }
        assert_eq!(shown, expected);
        let path = format!("{CATALOGS}/{name}");
        assert_eq!(root.get(&path).await.expect(200).json()["connectionConfigInfo"], shown);
        let listed = root.get(CATALOGS).await.expect(200);
        assert_eq!(listed.json()["catalogs"][0]["connectionConfigInfo"], shown);
        assert!(!listed.text().contains("hunter"));
        let _ = root.delete(&path).await.expect(204);
    }
}

#[tokio::test]
async fn what_is_left_out_is_not_shown() {
    let server = start(&[]).await;
    let connection = json!({
        "connectionType": "ICEBERG_REST",
        "uri": "https://catalog.example.com",
        "remoteCatalogName": null,
        "authenticationParameters": {
            "authenticationType": "SIGV4", "roleArn": ROLE, "signingRegion": "eu-central-1",
        },
    });

    let shown = create(&server, "lake", &connection).await;

    let expected = json!({
        "connectionType": "ICEBERG_REST",
        "uri": "https://catalog.example.com",
        "authenticationParameters": {
            "authenticationType": "SIGV4", "roleArn": ROLE, "signingRegion": "eu-central-1",
        },
        "properties": {},
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn a_connection_needs_the_features_that_it_uses() {
    let off = TestServer::start().await;
    let told = refused(&off, &oauth()).await;
    let not_enabled = "406 UnsupportedOperationException: Feature not enabled: \
                       ENABLE_CATALOG_FEDERATION";
    assert_eq!(told, not_enabled);

    let server = start(&[(AUTHENTICATIONS, "[\"OAUTH\"]")]).await;
    for kind in ["BEARER", "IMPLICIT", "GCP"] {
        let told = refused(&server, &rest(json!({"authenticationType": kind}))).await;
        let start = "400 IllegalArgumentException: Unsupported authentication type: ";
        assert_eq!(told, format!("{start}{kind}"));
    }
    for kind in ["HIVE", "HADOOP", "BIGQUERY"] {
        let mut connection = oauth();
        connection["connectionType"] = json!(kind);
        let told = refused(&server, &connection).await;
        let start = "406 UnsupportedOperationException: Unsupported connection type: ";
        assert!(told.starts_with(&format!("{start}{kind}. ")), "{told}");
    }
    let types = "polaris.features.\"SUPPORTED_CATALOG_CONNECTION_TYPES\"";
    let none = start(&[(types, "[\"HIVE\"]")]).await;
    let told = refused(&none, &oauth()).await;
    assert_eq!(told, "400 IllegalArgumentException: Unsupported connection type: ICEBERG_REST");
    let implicit = rest(json!({"authenticationType": "IMPLICIT"}));
    let told = refused(&start(&[]).await, &implicit).await;
    assert_eq!(told, "400 IllegalArgumentException: Unsupported authentication type: IMPLICIT");
}

#[tokio::test]
async fn what_a_connection_lacks_is_named_and_its_secret_is_not() {
    let server = start(&[]).await;
    let with = |key: &str, value: Value| {
        let mut connection = oauth();
        match key.split_once('.') {
            Some((outer, inner)) => connection[outer][inner] = value,
            None => connection[key] = value,
        }
        connection
    };
    for (connection, told) in [
        (with("uri", Value::Null), "BadRequestException: The connection needs its uri"),
        (
            with("authenticationParameters", Value::Null),
            "BadRequestException: The connection needs its authenticationParameters",
        ),
        (
            with("authenticationParameters.clientSecret", Value::Null),
            "BadRequestException: The connection needs its clientSecret",
        ),
        (with("connectionType", Value::Null), "connectionType must not be null"),
        (with("authenticationParameters.authenticationType", json!("hunter2")), "must be OAUTH"),
        (with("authenticationParameters.clientSecret", json!(["hunter2"])), "must be a text"),
        (with("authenticationParameters.scopes", json!("hunter2")), "must be an array of texts"),
        (with("properties", json!({"a": ["hunter2"]})), "must be an object of texts"),
        (with("properties", json!({"token": "hunter2"})), "token of the connection is a secret"),
        (json!("hunter2"), "connectionConfigInfo must be an object"),
    ] {
        let answer = refused(&server, &connection).await;
        assert!(answer.starts_with("400 ") && answer.contains(told), "{told}: {answer}");
        assert!(!answer.contains("hunter"), "{answer}");
    }
}

#[tokio::test]
async fn hostile_addresses_are_refused() {
    let server = start(&[]).await;
    for uri in [
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://0xA9FEA9FE/",
        "http://metadata.google.internal/computeMetadata/v1",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/",
        "https://us:hunter2@catalog.example.com",
        "https://catalog.example.com/?hunter2",
        "https://catalog.example.com/\r\nHost: evil",
        "catalog",
        "",
    ] {
        for key in ["uri", "tokenUri"] {
            let mut connection = oauth();
            match key {
                "uri" => connection[key] = json!(uri),
                _ => connection["authenticationParameters"][key] = json!(uri),
            }
            let told = refused(&server, &connection).await;
            let start = format!("400 BadRequestException: The {key} of the connection ");
            assert!(told.starts_with(&start), "{uri}: {told}");
            assert!(!told.contains("hunter"), "{told}");
        }
    }
}

#[tokio::test]
async fn only_hosts_that_are_allowed_are_reached() {
    let hosts = ("merak.federation.allowed-hosts", "*.example.com, 127.0.0.1:8181");
    let server = start(&[hosts]).await;
    let _ = create(&server, "lake", &oauth()).await;
    for uri in ["https://example.org", "http://127.0.0.1:8182", "https://example.com.evil.org"] {
        let mut connection = oauth();
        connection["uri"] = json!(uri);
        let told = refused(&server, &connection).await;
        assert!(told.ends_with("which is not among merak.federation.allowed-hosts"), "{told}");
    }
}

#[tokio::test]
async fn an_update_may_replace_what_proves_who_the_server_is_and_nothing_else() {
    let server = start(&[]).await;
    let root = server.root().await;
    let shown = create(&server, "lake", &oauth()).await;

    // As it was shown, without the secret, which stays.
    let same = json!({"connectionConfigInfo": shown});
    let updated = update(&root, "lake", same).await.expect(200).json();
    assert_eq!(updated["connectionConfigInfo"], shown);
    // Without it, it stays as it is.
    let base = server.location("lake");
    let owner = json!({"properties": {"default-base-location": base, "owner": "ana"}});
    let updated = update(&root, "lake", owner).await.expect(200).json();
    assert_eq!(updated["connectionConfigInfo"], shown);
    // Another way to prove it.
    let other = json!({"connectionConfigInfo": bearer("hunter3")});
    let updated = update(&root, "lake", other).await.expect(200);
    assert!(!updated.text().contains("hunter"));
    let parameters = &updated.json()["connectionConfigInfo"]["authenticationParameters"];
    assert_eq!(*parameters, json!({"authenticationType": "BEARER"}));

    let mut elsewhere = bearer("hunter3");
    elsewhere["uri"] = json!("https://evil.example.com");
    let told = update(&root, "lake", json!({"connectionConfigInfo": elsewhere})).await.error();
    let start = "400 BadRequestException: Cannot modify uri in connection config from ";
    assert!(told.starts_with(start), "{told}");
    let mut another = bearer("hunter3");
    another["remoteCatalogName"] = json!("wages");
    let told = update(&root, "lake", json!({"connectionConfigInfo": another})).await.error();
    assert!(told.contains("Cannot modify remoteCatalogName"), "{told}");
    let client = json!({"connectionConfigInfo": shown});
    let told = update(&root, "lake", client).await.error();
    assert!(told.ends_with("The connection needs its clientSecret"), "{told}");
}

#[tokio::test]
async fn a_catalog_without_a_connection_is_not_given_one() {
    let server = start(&[]).await;
    let root = server.root().await;
    server.create_catalog_of("EXTERNAL", "facade", &[]).await;
    server.create_catalog("own").await;
    let change = json!({"connectionConfigInfo": oauth()});

    let told = update(&root, "facade", change.clone()).await.error();
    assert!(told.contains("Catalog facade has no connection"), "{told}");
    // Of an INTERNAL one it is a member that is not known.
    let updated = update(&root, "own", change).await.expect(200).json();
    assert_eq!(updated.get("connectionConfigInfo"), None);
}
