//! The vendor, against an authority and an account of our own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use merak_model::{Clock, Location, RealmId, StorageConfig, SystemClock};
use secrecy::ExposeSecret;

use super::double::Double;
use super::vectors::parameters;
use crate::{
    AzureSettings, AzureUrl, AzureVendor, CloudSecret, CredentialVendor, DataAccess, LocationGrant,
    Session, VendError, VendRequest, VendedCredentials,
};

const HOUR: Duration = Duration::from_hours(1);

/// A clock that is moved by hand. It begins at the machine's time, which the SDK goes by.
#[derive(Debug)]
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct World {
    double: Double,
    clock: Arc<HandClock>,
    vendor: AzureVendor,
}

pub(super) fn settings(double: &Double) -> AzureSettings {
    AzureSettings {
        endpoint: Some(AzureUrl::parse(&double.url).unwrap()),
        authority_host: Some(AzureUrl::parse(&double.url).unwrap()),
        client_id: Some("app-1".to_owned()),
        client_secret: Some("hunter2".into()),
        managed_identity: false,
        developer_tools: false,
        token_retry_delay: Duration::from_millis(1),
        ..AzureSettings::default()
    }
}

impl World {
    async fn new() -> Self {
        let double = Double::start().await;
        let clock = Arc::new(HandClock(AtomicI64::new(SystemClock.now_ms())));
        let vendor =
            AzureVendor::new(settings(&double), Arc::<HandClock>::clone(&clock) as Arc<dyn Clock>);
        Self { double, clock, vendor }
    }

    fn pass(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).unwrap();
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    async fn vend(&self, request: &VendRequest) -> Result<VendedCredentials, VendError> {
        self.vendor.vend(request).await
    }
}

fn config(hierarchical: bool) -> StorageConfig {
    let json = format!(
        r#"{{"storageType":"AZURE","tenantId":"tenant-7","hierarchical":{hierarchical},
            "allowedLocations":["abfss://lake@acct.dfs.core.windows.net/"]}}"#
    );
    StorageConfig::from_json(&json).unwrap()
}

fn request(hierarchical: bool, access: DataAccess, paths: &[&str]) -> VendRequest {
    let locations = paths
        .iter()
        .map(|path| Location::parse(&format!("abfss://lake@acct.dfs.core.windows.net/{path}")))
        .collect::<Result<_, _>>()
        .unwrap();
    VendRequest {
        realm: RealmId::new("POLARIS"),
        config: config(hierarchical),
        grant: LocationGrant::new(locations, access).unwrap(),
        session: Session::default(),
        lifetime: HOUR,
    }
}

#[expect(clippy::disallowed_methods, reason = "the test looks into it")]
fn sas(credentials: &VendedCredentials) -> String {
    match &credentials.secret {
        CloudSecret::Azure { sas, .. } => sas.expose_secret().to_owned(),
        other @ (CloudSecret::Aws { .. } | CloudSecret::Google { .. }) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_directory_of_a_hierarchical_account_is_signed() {
    let world = World::new().await;

    let vended = world.vend(&request(true, DataAccess::Write, &["db1/t 1"])).await.unwrap();

    let query = sas(&vended);
    let parameters = parameters(&query);
    let get = |name: &str| parameters[name].as_str();
    assert_eq!((get("sr"), get("sdd"), get("sp")), ("d", "2", "racwdl"));
    assert_eq!((get("sv"), get("spr")), ("2025-07-05", "https,http"));
    assert!(!parameters.contains_key("st"));
    let CloudSecret::Azure { account, host, .. } = &vended.secret else { panic!("{vended:?}") };
    assert_eq!((account.as_str(), host.as_str()), ("acct", "acct.dfs.core.windows.net"));
    let lives_ms = vended.expires_at_ms - world.clock.now_ms();
    assert!((3_599_000..=3_600_000).contains(&lives_ms), "{lives_ms}");
    assert_eq!(vended.expires_at_ms % 1000, 0);
    assert!(vended.id.starts_with("11111111-2222-3333-4444-555555555555/"), "{}", vended.id);
    assert!(!query.contains(vended.id.rsplit_once('/').unwrap().1), "{}", vended.id);
    let shown = format!("{vended:?}{:?}", world.vendor);
    assert!(!shown.contains(get("sig")) && !shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn a_read_grant_reads_and_lists() {
    let world = World::new().await;

    for (hierarchical, resource) in [(true, "d"), (false, "c")] {
        let request = request(hierarchical, DataAccess::Read, &["db1/t1"]);
        let parameters = parameters(&sas(&world.vend(&request).await.unwrap()));
        assert_eq!((parameters["sp"].as_str(), parameters["sr"].as_str()), ("rl", resource));
    }
}

#[tokio::test]
async fn the_token_is_asked_in_the_catalogs_tenant_and_shown_to_the_account() {
    let world = World::new().await;

    world.vend(&request(true, DataAccess::Read, &["t"])).await.unwrap();

    let requests = world.double.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert_eq!(requests[0].line, "POST /tenant-7/oauth2/v2.0/token");
    let form = parameters(&requests[0].body);
    assert_eq!(form["client_id"], "app-1");
    assert_eq!(form["client_secret"], "hunter2");
    assert_eq!(form["scope"], "https://storage.azure.com/.default");
    assert_eq!(requests[1].line, "POST /acct/?restype=service&comp=userdelegationkey");
    assert!(requests[1].headers["authorization"].starts_with("Bearer e30."), "{requests:?}");
    assert_eq!(requests[1].headers["x-ms-version"], "2025-07-05");
}

#[tokio::test]
async fn keys_and_tokens_are_kept_and_asked_for_once_by_many() {
    let world = World::new().await;
    let request = request(true, DataAccess::Read, &["t"]);

    let vends = (0..16).map(|_| world.vend(&request));
    futures::future::try_join_all(vends).await.unwrap();
    assert_eq!(world.double.requests().len(), 2);

    // A key lives for a day: in its last hour it signs for no whole hour any more.
    world.pass(Duration::from_mins(22 * 60 + 30));
    world.vend(&request).await.unwrap();
    assert_eq!(world.double.requests().len(), 2);
    world.pass(HOUR);
    world.vend(&request).await.unwrap();
    assert_eq!(world.double.count("userdelegationkey"), 2);
    assert_eq!(world.double.count("oauth2"), 2);
}

#[tokio::test]
async fn a_signature_never_outlives_its_key() {
    let world = World::new().await;
    let ends_s = world.clock.now_s() + 600;
    world.double.end_keys_at(ends_s);

    let vended = world.vend(&request(true, DataAccess::Read, &["t"])).await.unwrap();

    assert_eq!(vended.expires_at_ms, ends_s * 1000);
    let parameters = parameters(&sas(&vended));
    assert_eq!(parameters["se"], parameters["ske"]);

    world.pass(Duration::from_secs(601));
    let error = world.vend(&request(true, DataAccess::Read, &["t"])).await.unwrap_err();
    assert!(error.to_string().contains("has ended already"), "{error}");
}

#[tokio::test]
async fn a_key_is_never_asked_for_longer_than_seven_days() {
    let world = World::new().await;
    let mut request = request(true, DataAccess::Read, &["t"]);
    for days in [1_u64, 4, 7, 400] {
        request.lifetime = Duration::from_hours(days * 24);
        let vended = world.vend(&request).await.unwrap();
        let lives_s = vended.expires_at_ms / 1000 - world.clock.now_s();
        assert!(lives_s <= 7 * 24 * 3600 - 60, "{lives_s}");
    }

    for asked in world.double.requests().iter().filter(|asked| asked.line.contains("delegation")) {
        let time = |name: &str| {
            let (_, after) = asked.body.split_once(&format!("<{name}>")).unwrap();
            let text = after.split_once('<').unwrap().0;
            let format = &time::format_description::well_known::Rfc3339;
            time::OffsetDateTime::parse(text, format).unwrap().unix_timestamp()
        };
        assert!(time("Expiry") - time("Start") <= 7 * 24 * 3600 - 60, "{}", asked.body);
        assert!(time("Start") < world.clock.now_s(), "{}", asked.body);
    }
}

#[tokio::test]
async fn what_one_signature_cannot_say_is_refused_and_nobody_is_asked() {
    let world = World::new().await;
    let two = request(true, DataAccess::Write, &["db1/t1", "db2/t1"]);
    let mut containers = request(false, DataAccess::Write, &["t"]);
    containers.config.allowed_locations.push("abfss://other@acct.dfs.core.windows.net".to_owned());
    let both =
        ["abfss://lake@acct.dfs.core.windows.net/t", "abfss://other@acct.dfs.core.windows.net/t"];
    let both = both.iter().map(|text| Location::parse(text).unwrap()).collect();
    containers.grant = LocationGrant::new(both, DataAccess::Read).unwrap();
    let mut elsewhere = request(false, DataAccess::Write, &["t"]);
    elsewhere.config = StorageConfig::from_json(r#"{"storageType":"S3"}"#).unwrap();

    for (request, said) in [
        (two, "One signature of Azure opens one directory, and these are several: abfss://lake@"),
        (containers, "opens one container, and these are in several"),
        (elsewhere, "storage is S3"),
    ] {
        let vended = world.vend(&request).await.unwrap_err();
        let explained = world.vendor.explain(&request).unwrap_err();
        for error in [vended, explained] {
            assert!(matches!(error, VendError::Impossible(_)), "{error:?}");
            assert!(error.to_string().contains(said), "{error}");
        }
    }
    let mut no_tenant = request(true, DataAccess::Read, &["t"]);
    for tenant in ["", "a/b", "../x", "t;rm -rf", "-x", "größe"] {
        let merak_model::storage_config::Provider::Azure(azure) = &mut no_tenant.config.provider
        else {
            panic!("{no_tenant:?}")
        };
        azure.tenant_id = tenant.to_owned();
        let error = world.vend(&no_tenant).await.unwrap_err();
        assert!(matches!(error, VendError::Impossible(_)), "{error:?}");
    }
    assert!(world.double.requests().is_empty());
}

#[tokio::test]
async fn an_explanation_says_what_is_signed_and_how_far_it_reaches() {
    let world = World::new().await;
    let explain = |hierarchical, paths: &[&str]| {
        let request = request(hierarchical, DataAccess::Read, paths);
        let mut explained = world.vendor.explain(&request).unwrap();
        let end = explained["parameters"]["se"].take();
        assert!(end.as_str().is_some_and(|end| end.ends_with('Z')), "{end}");
        explained
    };

    let mut explained = explain(true, &["db1/t1"]);
    let from = explained["delegationKeyFrom"].take();
    assert_eq!(from, format!("{}/acct", world.double.url));
    insta::assert_json_snapshot!(explained, @r#"
    {
      "account": "acct",
      "container": "lake",
      "host": "acct.dfs.core.windows.net",
      "tenantId": "tenant-7",
      "delegationKeyFrom": null,
      "scope": "directory",
      "widerThanGrant": false,
      "parameters": {
        "sv": "2025-07-05",
        "sp": "rl",
        "se": null,
        "spr": "https,http",
        "sr": "d",
        "sdd": "2"
      },
      "directory": "db1/t1"
    }
    "#);
    for (hierarchical, paths, scope, is_wider) in [
        (true, ["db1/t1"].as_slice(), "directory", false),
        (true, &[""], "container", false),
        (false, &[""], "container", false),
        (false, &["t1"], "container", true),
        (false, &["t1", "t2"], "container", true),
    ] {
        let explained = explain(hierarchical, paths);
        assert_eq!(explained["scope"], scope, "{paths:?}");
        assert_eq!(explained["widerThanGrant"], is_wider, "{paths:?}");
    }
    assert!(world.double.requests().is_empty());
}

#[tokio::test]
async fn the_doctor_is_told_who_the_server_is_and_whose_the_key() {
    let world = World::new().await;
    let location = Location::parse("abfss://lake@acct.dfs.core.windows.net/t").unwrap();

    let claims = world.vendor.access_token("tenant-7").await.unwrap();
    let key = world.vendor.delegation_key(&config(true), &location).await.unwrap();

    assert_eq!(claims.source, "client secret");
    assert_eq!(claims.oid.as_deref(), Some("o-1"));
    assert_eq!(claims.tid.as_deref(), Some("t-1"));
    assert_eq!(claims.appid.as_deref(), Some("app-1"));
    assert_eq!(claims.aud.as_deref(), Some("https://storage.azure.com"));
    assert_eq!(
        (key.account.as_str(), key.tid.as_str()),
        ("acct", "66666666-7777-8888-9999-aaaaaaaaaaaa")
    );
}
