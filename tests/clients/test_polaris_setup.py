"""`polaris setup`: a realm from a file, a file from a realm, and the same realm again from that file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from polaris_cli import PolarisCli
from rest import Rest, request_token
from server import CLIENT_ID, CLIENT_SECRET, Server

MANAGEMENT = "/api/management/v1"


@pytest.fixture
def new_realm(make_server: Callable[..., Server], new_store: Callable):
    """Makes servers that know nothing but their root principal."""
    servers: list[Server] = []

    def make() -> tuple[PolarisCli, Rest]:
        servers.append(make_server(new_store(), "setup").start())
        return PolarisCli(servers[-1].uri, CLIENT_ID, CLIENT_SECRET), Rest(servers[-1].uri)

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def realm(tmp_path: Path) -> dict[str, Any]:
    """A realm of two catalogs, as it is written down in a file."""
    sales = {
        "name": "sales",
        "type": "internal",
        "storage_type": "file",
        "default_base_location": f"file://{tmp_path}/sales",
        "allowed_locations": [f"file://{tmp_path}/sales", f"file://{tmp_path}/sales-too"],
        "properties": {"team": "eu"},
        "namespaces": [
            "orders",
            {"name": "orders.2026.north", "properties": {"owner": "ann"}},
            {"name": ["stock"], "location": f"file://{tmp_path}/sales/stock"},
        ],
        "roles": {
            "reader": {
                "assign_to": ["analyst", "clerk"],
                "privileges": {
                    "catalog": ["NAMESPACE_LIST", "TABLE_LIST"],
                    "namespace": {"orders": ["TABLE_READ_DATA"], "orders.2026.north": ["TABLE_READ_PROPERTIES"]},
                },
            },
            "owner": {
                "properties": {"floor": "2"},
                "assign_to": ["clerk"],
                "privileges": {"catalog": ["CATALOG_MANAGE_CONTENT"]},
            },
        },
    }
    archive = {
        "name": "archive",
        "storage_type": "s3",
        "default_base_location": "s3://archive/lake",
        "region": "eu-central-1",
        "endpoint": "http://localhost:9000",
        "path_style_access": True,
        "sts_unavailable": True,
        "roles": {"idle": {}},
    }
    return {
        "principal_roles": ["clerk", {"name": "analyst", "properties": {"floor": "3"}}],
        "principals": {
            "ann": {"roles": ["clerk"], "properties": {"team": "eu"}},
            "bob": {"type": "service", "roles": ["analyst", "clerk"]},
        },
        "catalogs": [sales, archive],
    }


def test_a_realm_is_set_up_from_a_file(new_realm: Callable, realm: dict[str, Any], tmp_path: Path):
    cli, rest = new_realm()

    cli.text("setup", "apply", _written(realm, tmp_path))

    told = _told(rest)
    assert told["principals"] == {
        "ann": {"properties": {"team": "eu"}, "roles": ["clerk"]},
        "bob": {"properties": {}, "roles": ["analyst", "clerk"]},
        "root": {"properties": {}, "roles": ["service_admin"]},
    }
    assert told["principal_roles"] == {"analyst": {"floor": "3"}, "clerk": {}, "service_admin": {}}
    assert list(told["catalogs"]) == ["archive", "sales"]
    sales = told["catalogs"]["sales"]
    assert sales["properties"] == {"default-base-location": f"file://{tmp_path}/sales", "team": "eu"}
    assert sales["namespaces"] == ["orders", "orders.2026", "orders.2026.north", "stock"]
    assert sales["roles"]["owner"] == {
        "properties": {"floor": "2"},
        "holders": ["clerk"],
        "grants": [["CATALOG_MANAGE_CONTENT", ""]],
    }
    assert sales["roles"]["reader"] == {
        "properties": {},
        "holders": ["analyst", "clerk"],
        "grants": [
            ["NAMESPACE_LIST", ""],
            ["TABLE_LIST", ""],
            ["TABLE_READ_DATA", "orders"],
            ["TABLE_READ_PROPERTIES", "orders.2026.north"],
        ],
    }
    assert told["catalogs"]["archive"]["storage"]["region"] == "eu-central-1"


def test_the_principals_of_a_file_get_credentials_that_open_what_it_gives_them(
    new_realm: Callable, realm: dict[str, Any], tmp_path: Path
):
    cli, rest = new_realm()

    printed = cli.lines("setup", "apply", _written(realm, tmp_path))

    ann, _bob = [
        Rest(rest.uri, request_token(rest.uri, line["clientId"], line["clientSecret"]).json()["access_token"])
        for line in printed
    ]
    ann.create_table("sales", "orders", "t")
    assert ann.send("GET", "/api/catalog/v1/archive/namespaces").status_code == 403


def test_a_dry_run_tells_what_would_be_done_and_does_nothing(
    new_realm: Callable, realm: dict[str, Any], tmp_path: Path
):
    cli, rest = new_realm()
    before = _told(rest)

    ending = cli.run("setup", "apply", "--dry-run", _written(realm, tmp_path))

    assert (ending.status, ending.printed) == (0, "")
    for would in (
        "create principal role clerk",
        "create principal ann",
        "assign principal 'ann' to role 'clerk'",
        "create catalog sales",
        "create namespace orders.2026.north",
        "create catalog role reader",
        "assign catalog role 'reader' to principal role 'analyst'",
        "grant privilege 'TABLE_READ_DATA' on namespace 'orders' to role 'reader'",
    ):
        assert f"DRY-RUN: Would {would}" in ending.complaint
    assert _told(rest) == before


def test_a_file_that_is_applied_again_changes_nothing(new_realm: Callable, realm: dict[str, Any], tmp_path: Path):
    cli, rest = new_realm()
    file = _written(realm, tmp_path)
    cli.text("setup", "apply", file)
    before = _told(rest)

    cli.do("setup", "apply", file)

    assert _told(rest) == before


def test_an_exported_realm_comes_to_be_again_on_an_empty_server(
    new_realm: Callable, realm: dict[str, Any], tmp_path: Path
):
    cli, rest = new_realm()
    cli.text("setup", "apply", _written(realm, tmp_path))

    exported = yaml.safe_load(cli.text("setup", "export"))
    assert list(exported["principals"]) == ["ann", "bob", "root"]
    assert [catalog["name"] for catalog in exported["catalogs"]] == ["archive", "sales"]
    again, rest_again = new_realm()
    again.text("setup", "apply", _written(exported, tmp_path))

    assert _told(rest_again) == _told(rest)
    assert yaml.safe_load(again.text("setup", "export")) == exported


def test_what_cannot_be_applied_is_told_and_the_rest_is_applied(
    new_realm: Callable, realm: dict[str, Any], tmp_path: Path
):
    realm["principals"]["ann"]["roles"].append("missing")
    realm["catalogs"][0]["roles"]["owner"]["privileges"]["namespace"] = {"missing": ["TABLE_LIST"]}
    realm["catalogs"][1]["default_base_location"] = realm["catalogs"][0]["default_base_location"]
    cli, rest = new_realm()

    ending = cli.run("setup", "apply", _written(realm, tmp_path))

    assert ending.status == 1
    assert ending.complaint.endswith("Setup apply failed; setup errors: 3\n")
    assert len([json.loads(line) for line in ending.printed.splitlines()]) == 2
    told = _told(rest)
    assert list(told["catalogs"]) == ["sales"]
    assert told["principals"]["ann"]["roles"] == ["clerk"]
    assert told["catalogs"]["sales"]["roles"]["owner"]["grants"] == [["CATALOG_MANAGE_CONTENT", ""]]


def _written(realm: dict[str, Any], directory: Path) -> str:
    file = directory / "realm.yaml"
    file.write_text(yaml.safe_dump(realm))
    return str(file)


def _told(rest: Rest) -> dict[str, Any]:
    """Returns what the server tells of its realm, but for ids and times."""

    def names(path: str, key: str = "roles") -> list[str]:
        return sorted(shown["name"] for shown in rest.get(MANAGEMENT + path)[key])

    principals = {
        shown["name"]: {
            "properties": shown.get("properties", {}),
            "roles": names(f"/principals/{shown['name']}/principal-roles"),
        }
        for shown in rest.get(f"{MANAGEMENT}/principals")["principals"]
    }
    principal_roles = {
        shown["name"]: shown.get("properties", {}) for shown in rest.get(f"{MANAGEMENT}/principal-roles")["roles"]
    }
    catalogs = {}
    for shown in rest.get(f"{MANAGEMENT}/catalogs")["catalogs"]:
        path = f"/catalogs/{shown['name']}/catalog-roles"
        catalogs[shown["name"]] = {
            "properties": shown["properties"],
            "storage": shown["storageConfigInfo"],
            "namespaces": sorted(_namespaces(rest, shown["name"])),
            "roles": {
                role["name"]: {
                    "properties": role.get("properties", {}),
                    "holders": names(f"{path}/{role['name']}/principal-roles"),
                    "grants": sorted(
                        [grant["privilege"], ".".join(grant.get("namespace", []))]
                        for grant in rest.get(f"{MANAGEMENT}{path}/{role['name']}/grants")["grants"]
                    ),
                }
                for role in rest.get(MANAGEMENT + path)["roles"]
            },
        }
    return {"principals": principals, "principal_roles": principal_roles, "catalogs": catalogs}


def _namespaces(rest: Rest, catalog: str, parent: str = "") -> list[str]:
    path = f"/api/catalog/v1/{catalog}/namespaces"
    found: list[str] = []
    for namespace in rest.get(path, params={"parent": parent} if parent else {})["namespaces"]:
        found += [".".join(namespace), *_namespaces(rest, catalog, "\x1f".join(namespace))]
    return found
