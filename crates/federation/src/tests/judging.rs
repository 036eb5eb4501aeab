//! Which connections there may be, and what may become of them.

use std::net::SocketAddr;

use merak_model::connection::{Connection, ConnectionAuthentication, Sealed, SigV4Role};
use merak_model::{EntityId, Properties};
use secrecy::ExposeSecret as _;
use secrecy::SecretString;

use super::{World, bearer, draft};
use crate::address::permitted;
use crate::http::{Http, Looking, Request};
use crate::{AuthenticationDraft, ConnectionDraft, FederationSettings, KeyRing};

const URI: &str = "https://catalog.example.com/api/catalog";
const ID: EntityId = EntityId(7);

fn world() -> World {
    World::new(FederationSettings::default())
}

fn oauth(token_uri: Option<&str>, client_id: &str, secret: Option<&str>) -> ConnectionDraft {
    draft(
        URI,
        AuthenticationDraft::OAuth {
            token_uri: token_uri.map(str::to_owned),
            client_id: Some(client_id.to_owned()),
            client_secret: secret.map(SecretString::from),
            scopes: None,
        },
    )
}

fn connect(world: &World, draft: ConnectionDraft) -> Result<Connection, String> {
    world.federation.connect(&world.realm, ID, draft).map_err(|refused| refused.to_string())
}

fn change(
    world: &World,
    before: &Connection,
    draft: ConnectionDraft,
) -> Result<Connection, String> {
    let changed = world.federation.change(&world.realm, ID, before, draft);
    changed.map_err(|refused| refused.to_string())
}

fn sealed(connection: &Connection) -> &Sealed {
    match &connection.authentication {
        ConnectionAuthentication::OAuth(client) => &client.client_secret,
        ConnectionAuthentication::Bearer(bearer) => &bearer.bearer_token,
        other @ (ConnectionAuthentication::SigV4(_)
        | ConnectionAuthentication::Gcp { .. }
        | ConnectionAuthentication::Implicit { .. }) => {
            panic!("{} has no secret", other.as_str())
        }
    }
}

#[test]
fn what_a_connection_lacks_is_named() {
    let world = world();
    let without = |change: fn(&mut ConnectionDraft)| {
        let mut draft = bearer(URI);
        change(&mut draft);
        connect(&world, draft).unwrap_err()
    };

    assert_eq!(without(|draft| draft.uri = None), "The connection needs its uri");
    let told = without(|draft| draft.authentication = None);
    assert_eq!(told, "The connection needs its authenticationParameters");
    let told = connect(&world, oauth(None, "us", None)).unwrap_err();
    assert_eq!(told, "The connection needs its clientSecret");
    let told = connect(&world, oauth(None, "us", Some(""))).unwrap_err();
    assert_eq!(told, "The connection needs its clientSecret");
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let world = world();
    for token in ["hunter\n2", "hünter2", "a b"] {
        let authentication = AuthenticationDraft::Bearer { bearer_token: Some(token.into()) };
        let told = connect(&world, draft(URI, authentication)).unwrap_err();
        assert!(!told.contains(token), "{told}");
    }
    assert!(connect(&world, oauth(None, "us\u{0}", Some("x"))).is_err());
    assert!(connect(&world, oauth(Some("http://169.254.169.254/"), "us", Some("x"))).is_err());
    let with = |key: &str, value: &str| {
        let properties = Properties::from([(key.to_owned(), value.to_owned())]);
        connect(&world, ConnectionDraft { properties, ..bearer(URI) })
    };
    for (key, value) in [
        ("header.Authorization", "x"),
        ("header.host", "x"),
        ("header.Content-Length", "1"),
        ("header.a b", "x"),
        ("header.", "x"),
        ("header.x", "a\r\nb: c"),
        ("token", "x"),
        ("credential", "x"),
        ("other", "a\u{7}"),
    ] {
        assert!(with(key, value).is_err(), "{key}");
    }
    assert!(with("header.x-goog-user-project", "p").is_ok());
}

#[test]
fn a_role_is_one_and_signs_for_a_region() {
    let world = world();
    let good = SigV4Role {
        role_arn: "arn:aws-cn:iam::123456789012:role/path/lake".to_owned(),
        role_session_name: Some("a@b".to_owned()),
        external_id: Some("e".to_owned()),
        signing_region: "cn-north-1".to_owned(),
        signing_name: Some("s3tables".to_owned()),
        session_policy: Some("{}".to_owned()),
    };
    let made = |role: SigV4Role| connect(&world, draft(URI, AuthenticationDraft::SigV4(role)));
    let bad = |change: fn(&mut SigV4Role)| {
        let mut role = good.clone();
        change(&mut role);
        made(role).unwrap_err()
    };

    assert!(made(good.clone()).is_ok());
    for told in [
        bad(|role| role.role_arn = "lake".to_owned()),
        bad(|role| role.role_arn = "arn:aws:iam::1:user/lake".to_owned()),
        bad(|role| role.role_arn = "arn:aws:iam::1:role/la\nke".to_owned()),
        bad(|role| role.signing_region = "x.evil.com/".to_owned()),
        bad(|role| role.signing_region = String::new()),
        bad(|role| role.signing_name = Some("a b".to_owned())),
        bad(|role| role.role_session_name = Some("a".to_owned())),
        bad(|role| role.role_session_name = Some("a/b".to_owned())),
        bad(|role| role.external_id = Some("\n".to_owned())),
        bad(|role| role.session_policy = Some("[]".to_owned())),
    ] {
        assert!(!told.contains('\n'), "{told}");
    }
}

#[test]
fn a_change_leads_nowhere_else() {
    let world = world();
    let before = connect(&world, bearer(URI)).unwrap();

    let told = change(&world, &before, bearer("https://evil.example.com")).unwrap_err();
    assert_eq!(
        told,
        "Cannot modify uri in connection config from https://catalog.example.com/api/catalog to \
         https://evil.example.com"
    );
    let other = ConnectionDraft { remote_catalog_name: None, ..bearer(URI) };
    let told = change(&world, &before, other).unwrap_err();
    assert!(told.starts_with("Cannot modify remoteCatalogName"), "{told}");
}

#[test]
fn a_secret_is_replaced_or_stays_for_the_same_client_at_the_same_place() {
    let world = world();
    let before = connect(&world, oauth(None, "us", Some("hunter4"))).unwrap();
    let open = |connection: &Connection| {
        let keys = &world.federation.keys;
        let opened = keys.open(&world.realm, ID, "clientSecret", sealed(connection)).unwrap();
        opened.expose_secret().to_owned()
    };

    let kept = change(&world, &before, oauth(None, "us", None)).unwrap();
    assert_eq!(open(&kept), "hunter4");
    let replaced = change(&world, &before, oauth(None, "us", Some("hunter5"))).unwrap();
    assert_eq!(open(&replaced), "hunter5");
    // It is not sent to whoever names another place, nor shown for another client.
    let elsewhere = oauth(Some("https://evil.example.com/token"), "us", None);
    for draft in [elsewhere, oauth(None, "them", None)] {
        let told = change(&world, &before, draft).unwrap_err();
        assert_eq!(told, "The connection needs its clientSecret");
    }
    // Neither is it a token.
    let authentication = AuthenticationDraft::Bearer { bearer_token: None };
    let told = change(&world, &before, draft(URI, authentication)).unwrap_err();
    assert_eq!(told, "The connection needs its bearerToken");
}

#[test]
fn a_name_leads_only_to_addresses_that_the_server_goes_to() {
    let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    };
    let found = addresses(&["169.254.169.254:80", "10.0.0.1:80", "[fe80::1]:80", "[::1]:80"]);

    assert_eq!(permitted(found), addresses(&["10.0.0.1:80", "[::1]:80"]));
}

#[tokio::test]
async fn a_name_that_leads_astray_is_not_connected_to() {
    let lookup =
        |_| -> Looking { Box::pin(async { Ok(vec!["169.254.169.254:80".parse().unwrap()]) }) };
    let http = Http::new(&FederationSettings::default(), lookup).unwrap();
    let url = url::Url::parse("http://catalog.example.com/").unwrap();
    let request = Request {
        method: reqwest::Method::GET,
        url: &url,
        headers: reqwest::header::HeaderMap::new(),
        body: None,
    };

    let failure = http.send_by(&http.near, request).await.unwrap_err();

    let told = failure.of_change("catalog.example.com").to_string();
    let expected = "catalog.example.com cannot be reached: its name leads to where the server does \
                    not go";
    assert_eq!(told, expected);
}

#[test]
fn without_a_key_a_secret_is_refused_and_what_has_none_is_not() {
    let mut world = world();
    world.federation.keys = KeyRing::none();

    let told = connect(&world, bearer(URI)).unwrap_err();

    assert_eq!(
        told,
        "The bearerToken of the connection: a secret cannot be kept without a key to encrypt it \
         with: set merak.secrets.encryption-keys"
    );
    assert!(connect(&world, draft(URI, AuthenticationDraft::Gcp)).is_ok());
}
