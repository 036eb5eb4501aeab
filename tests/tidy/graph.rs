//! Which crate may use which: the edges that are absent matter most.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Which of our crates each of our crates may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("table-metadata", &["model"]),
    ("manifest", &[]),
    ("wire", &["model", "table-metadata"]),
    ("metastore", &["model"]),
    ("metastore-sql", &["metastore", "model"]),
    ("authn", &["metastore", "model"]),
    ("authz", &["metastore", "model"]),
    ("opa", &["authz", "model"]),
    ("storage", &["authz", "model"]),
    ("federation", &["model", "storage"]),
    (
        "service",
        &["authz", "federation", "manifest", "metastore", "model", "storage", "table-metadata"],
    ),
    // Not the metastore and not the storage: a handler reaches data only through the service, which
    // demands a proof.
    ("rest", &["authn", "authz", "model", "service", "wire"]),
    (
        "server",
        &[
            "authn",
            "authz",
            "federation",
            "metastore",
            "metastore-sql",
            "model",
            "opa",
            "rest",
            "service",
            "storage",
            "table-metadata",
            "wire",
        ],
    ),
    ("doubles", &[]),
    ("tests", &["authz", "metastore", "model", "server", "wire"]),
];

/// Which of our crates alone may name a crate of others.
const ALONE: &[(&str, &[&str])] = &[
    ("sqlx", &["metastore-sql"]),
    ("object_store", &["storage"]),
    ("jsonwebtoken", &["authn"]),
    ("aws-config", &["storage"]),
    ("aws-sdk-sts", &["storage"]),
    ("azure_core", &["storage"]),
    ("azure_identity", &["storage"]),
    ("google-cloud-auth", &["storage"]),
    ("reqwest", &["authn", "doubles", "federation", "opa", "server", "storage"]),
    ("regex", &["authn"]),
    ("ruzstd", &["manifest"]),
    ("snap", &["manifest"]),
    ("axum", &["doubles", "rest", "server", "tests"]),
    ("tower-http", &["rest"]),
    ("clap", &["server"]),
    ("tracing-subscriber", &["server"]),
    ("anyhow", &["server"]),
];

/// Crates that nothing of ours may bring in: a second TLS stack, a cipher with a known flaw, and one
/// that loses fields of metadata.
const BANNED: &[&str] = &["ring", "rsa", "openssl-sys", "native-tls", "iceberg"];

/// The dependencies of each of our crates that end up in what it builds, tests apart.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(crate::root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    packages
        .iter()
        .map(|package| {
            let all = package["dependencies"].as_array().expect("dependencies");
            let normal = all.iter().filter(|dependency| dependency["kind"].is_null()).map(name);
            (name(package).replace("merak-", ""), normal.collect())
        })
        .collect()
}

#[test]
fn crates_depend_only_on_the_layers_below_them() {
    let dependencies = dependencies();
    for (name, of) in &dependencies {
        let row = ALLOWED.iter().find(|(known, _)| known == name);
        let (_, allowed) =
            row.unwrap_or_else(|| panic!("crate {name} has no row: say what it may depend on"));
        let ours = of.iter().filter_map(|dependency| dependency.strip_prefix("merak-"));
        let extra: Vec<_> = ours.filter(|dependency| !allowed.contains(dependency)).collect();
        assert!(extra.is_empty(), "{name} may not depend on {extra:?}");
    }
    assert_eq!(dependencies.len(), ALLOWED.len(), "a row of the table names no crate");
}

#[test]
fn heavy_crates_are_named_in_one_place() {
    for (name, of) in dependencies() {
        for (heavy, homes) in ALONE {
            let is_home = homes.contains(&name.as_str());
            let names_it = of.iter().any(|dependency| dependency == heavy);
            assert!(is_home || !names_it, "{name} may not name {heavy}: that is for {homes:?}");
        }
    }
}

#[test]
fn nothing_brings_in_a_crate_that_is_banned() {
    // Not the lock file: it has crates too that are switched off.
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--offline", "--edges", "normal,build"])
        .args(["--prefix", "none", "--format", "{p}"])
        .current_dir(crate::root())
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8_lossy(&output.stdout);
    let used: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(used.contains("sqlx"), "the tree of dependencies could not be read");
    for banned in BANNED {
        assert!(
            !used.contains(banned),
            "{banned} is built in: `cargo tree -i {banned}` says by whom"
        );
    }
}
