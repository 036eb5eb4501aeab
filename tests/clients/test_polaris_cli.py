"""The command line of Apache Polaris: catalogs, principals and roles, from their making to their end."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lake import Lake
from polaris_cli import PolarisCli, hire, on, run, unique
from rest import Rest, request_token, table_path
from server import CLIENT_ID, CLIENT_SECRET

TIMES = {"createTimestamp", "lastUpdateTimestamp"}


def test_the_installed_command_reads_its_credentials_from_the_environment(cli: PolarisCli, catalog: str):
    environment = {"PATH": os.environ["PATH"], "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET}
    command = [Path(sys.executable).with_name("polaris"), "--base-url", cli.uri, "catalogs", "get", catalog]

    ending = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    assert (ending.returncode, ending.stderr) == (0, "")
    assert ending.stdout == cli.text("catalogs", "get", catalog)


def test_a_token_serves_as_well_as_a_secret(rest: Rest, cli: PolarisCli, catalog: str):
    ending = run(("--base-url", rest.uri, "--access-token", rest.token, "catalogs", "get", catalog))

    assert (ending.status, ending.printed) == (0, cli.text("catalogs", "get", catalog))


def test_a_wrong_secret_is_refused(cli: PolarisCli):
    ending = PolarisCli(cli.uri, CLIENT_ID, "wrong").run("catalogs", "list")

    assert (ending.status, ending.printed) == (1, "")
    assert ending.complaint == "Failed to get access token: unauthorized_client - The client is not authorized\n"


def test_the_realm_it_names_is_the_realm_it_speaks_to(cli: PolarisCli, catalog: str):
    assert cli.show("--realm", "POLARIS", "catalogs", "get", catalog)["name"] == catalog

    ending = cli.run("--realm", "ELSEWHERE", "catalogs", "get", catalog)

    assert (ending.status, ending.printed) == (1, "")
    assert "Missing or invalid realm" in ending.complaint


def test_a_catalog_is_shown_as_it_was_made(cli: PolarisCli, tmp_path: Path):
    name, base = unique("catalog"), f"file://{tmp_path}/warehouse"
    create = ["--storage-type", "file", "--default-base-location", base, "--property", "team=eu=north"]
    cli.do("catalogs", "create", name, *create)

    shown = cli.show("catalogs", "get", name)

    assert _is_recent(shown)
    assert {key: value for key, value in shown.items() if key not in TIMES} == {
        "type": "INTERNAL",
        "name": name,
        "properties": {"default-base-location": base, "team": "eu=north"},
        "storageConfigInfo": {"storageType": "FILE", "allowedLocations": [base]},
        "entityVersion": 1,
    }
    assert shown in cli.lines("catalogs", "list")


def test_a_catalog_on_s3_keeps_every_option_of_its_storage(cli: PolarisCli):
    name = unique("catalog")
    base = f"s3://bucket-{name}/lake"
    flags = {
        "--storage-type": "s3",
        "--default-base-location": base,
        "--allowed-location": f"s3://bucket-{name}/",
        "--role-arn": "arn:aws:iam::123456789012:role/lake",
        "--external-id": "partner",
        "--region": "eu-central-1",
        "--endpoint": "http://localhost:9000",
        "--endpoint-internal": "http://minio:9000",
        "--sts-endpoint": "http://localhost:9001",
    }
    options = [word for flag in flags.items() for word in flag]
    cli.do("catalogs", "create", name, *options, "--path-style-access", "--no-sts", "--no-kms")

    assert cli.show("catalogs", "get", name)["storageConfigInfo"] == {
        "storageType": "S3",
        "allowedLocations": [f"s3://bucket-{name}/"],
        "roleArn": "arn:aws:iam::123456789012:role/lake",
        "externalId": "partner",
        "region": "eu-central-1",
        "endpoint": "http://localhost:9000",
        "endpointInternal": "http://minio:9000",
        "stsEndpoint": "http://localhost:9001",
        "pathStyleAccess": True,
        "stsUnavailable": True,
        "kmsUnavailable": True,
    }


def test_what_exists_is_not_created_again(cli: PolarisCli, catalog: str, tmp_path: Path):
    person = hire(cli, catalog)
    cli.do("namespaces", "create", "sales", "--catalog", catalog)
    location = f"file://{tmp_path}/elsewhere"
    for command in (
        ["catalogs", "create", catalog, "--storage-type", "file", "--default-base-location", location],
        ["principals", "create", person.name],
        ["principal-roles", "create", person.principal_role],
        ["catalog-roles", "create", person.catalog_role, "--catalog", catalog],
        ["namespaces", "create", "sales", "--catalog", catalog],
    ):
        assert cli.refuse(*command) == "AlreadyExistsException"


def test_what_is_missing_is_neither_shown_nor_deleted(cli: PolarisCli, catalog: str):
    missing = unique("missing")
    for verb in ("get", "delete"):
        for command in (
            ["catalogs", verb, missing],
            ["principals", verb, missing],
            ["principal-roles", verb, missing],
            ["catalog-roles", verb, missing, "--catalog", catalog],
            ["catalog-roles", verb, "catalog_admin", "--catalog", missing],
        ):
            assert cli.refuse(*command) == "NotFoundException"
    assert cli.refuse("namespaces", "get", missing, "--catalog", catalog) == "NoSuchNamespaceException"


def test_a_catalogs_properties_and_locations_are_updated(cli: PolarisCli, catalog: str, tmp_path: Path):
    before = cli.show("catalogs", "get", catalog)
    base, more = before["properties"]["default-base-location"], f"file://{tmp_path}/more"

    cli.do("catalogs", "update", catalog, "--set-property", "team=eu", "--set-property", "tier=1")
    cli.do("catalogs", "update", catalog, "--set-property", "tier=2", "--remove-property", "team")
    cli.do("catalogs", "update", catalog, "--allowed-location", more)
    cli.do("catalogs", "update", catalog, "--default-base-location", f"{more}/base")

    after = cli.show("catalogs", "get", catalog)
    assert after["properties"] == {"default-base-location": f"{more}/base", "tier": "2"}
    assert after["storageConfigInfo"] == {"storageType": "FILE", "allowedLocations": [base, more]}
    assert after["entityVersion"] == before["entityVersion"] + 4
    assert after["createTimestamp"] == before["createTimestamp"]


def test_a_catalog_is_deleted_once_nothing_but_its_admin_role_is_left_in_it(cli: PolarisCli, catalog: str):
    cli.do("namespaces", "create", "sales", "--catalog", catalog)
    cli.do("catalog-roles", "create", "reader", "--catalog", catalog)

    assert cli.refuse("catalogs", "delete", catalog) == "BadRequestException"
    cli.do("catalog-roles", "delete", "reader", "--catalog", catalog)
    assert cli.refuse("catalogs", "delete", catalog) == "BadRequestException"
    cli.do("namespaces", "delete", "sales", "--catalog", catalog)
    cli.do("catalogs", "delete", catalog)

    assert cli.refuse("catalogs", "get", catalog) == "NotFoundException"


def test_namespaces_are_made_listed_and_deleted_level_by_level(cli: PolarisCli, catalog: str):
    in_catalog = ["--catalog", catalog]
    cli.do("namespaces", "create", "sales", *in_catalog, "--property", "owner=ann")
    cli.do("namespaces", "create", "sales.eu", *in_catalog)
    cli.do("namespaces", "create", "stock", *in_catalog)

    shown = cli.show("namespaces", "get", "sales", *in_catalog)
    assert shown["namespace"] == ["sales"]
    assert shown["properties"]["owner"] == "ann"
    for page in ([], ["--page-size", "1"]):
        listed = cli.lines("namespaces", "list", *in_catalog, *page)
        assert sorted(line["namespace"] for line in listed) == ["sales", "stock"]
    assert cli.lines("namespaces", "list", *in_catalog, "--parent", "sales") == [{"namespace": "sales.eu"}]

    assert cli.refuse("namespaces", "delete", "sales", *in_catalog) == "NamespaceNotEmptyException"
    cli.do("namespaces", "delete", "sales.eu", *in_catalog)
    cli.do("namespaces", "delete", "sales", *in_catalog)
    assert cli.lines("namespaces", "list", *in_catalog) == [{"namespace": "stock"}]


def test_tables_are_listed_shown_summarized_and_taken_out(cli: PolarisCli, rest: Rest, catalog: str):
    rest.create_namespace(catalog, "sales")
    created = rest.create_table(catalog, "sales", "orders")
    in_namespace = ["--catalog", catalog, "--namespace", "sales"]

    assert cli.lines("tables", "list", *in_namespace) == [{"namespace": ["sales"], "name": "orders"}]
    assert cli.show("tables", "get", "orders", *in_namespace)["metadata-location"] == created["metadata-location"]
    summary = cli.text("tables", "summarize", "orders", *in_namespace)
    assert _words(summary, "Location:") == [created["metadata"]["location"]]
    assert "Table is empty (no snapshots found)" in summary

    cli.text("tables", "delete", "orders", *in_namespace)
    assert cli.lines("tables", "list", *in_namespace) == []
    assert rest.send("GET", table_path(catalog, "sales", "orders")).status_code == 404


def test_things_are_found_by_a_part_of_their_name(cli: PolarisCli, rest: Rest, catalog: str):
    mark = unique("mark")
    cli.show("principals", "create", f"{mark}_ann")
    cli.do("principal-roles", "create", f"{mark}_clerk")
    cli.do("catalog-roles", "create", f"{mark}_reader", "--catalog", catalog)
    cli.do("namespaces", "create", f"{mark}_sales", "--catalog", catalog)
    rest.create_table(catalog, f"{mark}_sales", f"{mark}_orders")

    found = cli.text("find", mark)

    assert _words(found, "Principal:") == [f"{mark}_ann"]
    assert _words(found, "Principal Role:") == [f"{mark}_clerk"]
    assert _words(found, "Catalog Role:") == [f"{mark}_reader"]
    assert _words(found, "Namespace:") == [f"{mark}_sales"]
    assert _words(found, "Table:") == [f"{mark}_sales.{mark}_orders"]
    assert "Found 5 matches" in found


def test_catalogs_and_namespaces_are_summarized(cli: PolarisCli, catalog: str):
    cli.do("namespaces", "create", "sales", "--catalog", catalog)

    of_namespace = cli.text("namespaces", "summarize", "sales", "--catalog", catalog)
    assert "No policies apply to this namespace" in of_namespace
    of_catalog = cli.text("catalogs", "summarize", catalog)
    assert _words(of_catalog, "Namespaces:") == ["1"]
    assert _words(of_catalog, "Views:") == ["0"]
    assert _words(of_catalog, "Catalog Roles:") == ["1"]
    assert "No applicable policies" in of_catalog


def test_a_new_principal_is_told_its_credentials_once(cli: PolarisCli):
    name = unique("ann")

    credentials = cli.show("principals", "create", name, "--property", "team=eu")

    assert set(credentials) == {"clientId", "clientSecret"}
    # The command line sends along the id that it was itself given.
    assert credentials["clientId"] != CLIENT_ID
    assert _gets_token(cli, credentials)
    shown = cli.show("principals", "get", name)
    assert _is_recent(shown)
    assert {key: value for key, value in shown.items() if key not in TIMES} == {
        "name": name,
        "clientId": credentials["clientId"],
        "properties": {"team": "eu"},
        "entityVersion": 1,
    }
    assert shown in cli.lines("principals", "list")
    assert credentials["clientSecret"] not in cli.text("principals", "list")


@pytest.mark.parametrize("kind", ["principals", "principal-roles", "catalog-roles"])
def test_properties_are_set_changed_and_removed(cli: PolarisCli, catalog: str, kind: str):
    name = unique("kept")
    place = ["--catalog", catalog] if kind == "catalog-roles" else []
    cli.text(kind, "create", name, *place, "--property", "team=eu", "--property", "tier=1")

    update = ["--set-property", "tier=2", "--set-property", "floor=3", "--remove-property", "team"]
    cli.do(kind, "update", name, *place, *update)

    shown = cli.show(kind, "get", name, *place)
    assert shown["properties"] == {"tier": "2", "floor": "3"}
    assert shown["entityVersion"] == 2
    assert shown["lastUpdateTimestamp"] >= shown["createTimestamp"]


def test_after_a_rotation_the_secret_before_it_still_works_and_the_one_before_that_does_not(
    cli: PolarisCli, catalog: str
):
    person = hire(cli, catalog)
    first = {"clientId": person.client_id, "clientSecret": person.client_secret}

    second = person.cli(cli.uri).show("principals", "rotate-credentials", person.name)
    assert second["clientId"] == first["clientId"]
    assert second["clientSecret"] != first["clientSecret"]
    assert _gets_token(cli, first) and _gets_token(cli, second)

    newest = PolarisCli(cli.uri, second["clientId"], second["clientSecret"])
    third = newest.show("principals", "rotate-credentials", person.name)
    assert [_gets_token(cli, credentials) for credentials in (first, second, third)] == [False, True, True]


def test_a_rotated_secret_opens_the_catalog_to_pyiceberg(cli: PolarisCli, catalog: str):
    person = hire(cli, catalog)
    cli.do("privileges", "catalog", "grant", *on(catalog, person.catalog_role), "CATALOG_MANAGE_CONTENT")
    rotated = person.cli(cli.uri).show("principals", "rotate-credentials", person.name)

    lake = Lake(cli.uri, catalog, "", Path())
    client = lake.pyiceberg(credential=f"{rotated['clientId']}:{rotated['clientSecret']}")
    client.create_namespace("sales")

    assert cli.lines("namespaces", "list", "--catalog", catalog) == [{"namespace": "sales"}]


def test_nobody_rotates_the_secret_of_another(cli: PolarisCli, catalog: str):
    person, other = hire(cli, catalog), hire(cli, catalog)

    assert cli.refuse("principals", "rotate-credentials", person.name) == "ForbiddenException"
    assert other.cli(cli.uri).refuse("principals", "rotate-credentials", person.name) == "ForbiddenException"


def test_a_reset_ends_all_secrets_from_before_it(cli: PolarisCli, catalog: str):
    person = hire(cli, catalog)
    first = {"clientId": person.client_id, "clientSecret": person.client_secret}
    second = person.cli(cli.uri).show("principals", "rotate-credentials", person.name)

    third = cli.show("principals", "reset", person.name)

    assert [_gets_token(cli, credentials) for credentials in (first, second, third)] == [False, False, True]


def test_a_reset_takes_credentials_that_are_given(cli: PolarisCli, catalog: str):
    person = hire(cli, catalog)
    given = {"clientId": os.urandom(8).hex(), "clientSecret": os.urandom(16).hex()}
    flags = ["--new-client-id", given["clientId"], "--new-client-secret", given["clientSecret"]]

    assert cli.show("principals", "reset", person.name, *flags) == given

    assert _gets_token(cli, given)
    assert cli.show("principals", "get", person.name)["clientId"] == given["clientId"]
    assert request_token(cli.uri, person.client_id, person.client_secret).status_code == 401


def test_a_reset_to_the_client_id_of_another_is_refused(cli: PolarisCli, catalog: str):
    person, other = hire(cli, catalog), hire(cli, catalog)

    refused = cli.refuse("principals", "reset", person.name, "--new-client-id", other.client_id)

    assert refused == "AlreadyExistsException"
    assert _gets_token(cli, {"clientId": person.client_id, "clientSecret": person.client_secret})


def test_a_deleted_principal_gets_no_token_and_loses_those_it_has(cli: PolarisCli, catalog: str):
    person = hire(cli, catalog)
    token = request_token(cli.uri, person.client_id, person.client_secret).json()["access_token"]
    config = f"/api/catalog/v1/config?warehouse={catalog}"
    assert Rest(cli.uri, token).send("GET", config).status_code == 200

    cli.do("principals", "delete", person.name)

    assert request_token(cli.uri, person.client_id, person.client_secret).status_code == 401
    assert Rest(cli.uri, token).send("GET", config).status_code == 401
    assert person.name not in [principal["name"] for principal in cli.lines("principals", "list")]


def test_a_principals_access_is_told_down_to_the_privileges(cli: PolarisCli, catalog: str):
    person = hire(cli, catalog)
    cli.do("namespaces", "create", "sales", "--catalog", catalog)
    cli.do("privileges", "catalog", "grant", *on(catalog, person.catalog_role), "TABLE_LIST")
    cli.do("privileges", "namespace", "grant", *on(catalog, person.catalog_role, "sales"), "TABLE_READ_DATA")

    catalog_role = {
        "name": person.catalog_role,
        "catalog": catalog,
        "privileges": [
            {"type": "catalog", "privilege": "TABLE_LIST"},
            {"type": "namespace", "privilege": "TABLE_READ_DATA", "namespace": ["sales"]},
        ],
    }
    assert cli.show("principals", "access", person.name) == {
        "principal": person.name,
        "principal_roles": [{"name": person.principal_role, "catalog_roles": [catalog_role]}],
    }


def test_principals_and_roles_are_summarized(cli: PolarisCli, catalog: str):
    person = hire(cli, catalog)
    cli.do("namespaces", "create", "sales", "--catalog", catalog)
    # Of other grants than those on namespaces this command line can print no summary.
    cli.do("privileges", "namespace", "grant", *on(catalog, person.catalog_role, "sales"), "TABLE_LIST")

    principal = cli.text("principals", "summarize", person.name)
    principal_role = cli.text("principal-roles", "summarize", person.principal_role)
    catalog_role = cli.text("catalog-roles", "summarize", person.catalog_role, "--catalog", catalog)

    assert _words(principal, "Client ID:") == [person.client_id]
    assert _words(principal, "-") == [person.principal_role, catalog]
    assert _words(principal_role, "-") == [person.name, f"{person.catalog_role} (Catalog: {catalog})"]
    assert _words(catalog_role, "Assigned Principal Roles:") == ["1"]
    assert _words(catalog_role, "-") == ["TABLE_LIST on sales"]


def test_a_principal_role_is_made_granted_revoked_and_deleted(cli: PolarisCli, catalog: str):
    person, role = hire(cli, catalog), unique("clerk")
    cli.do("principal-roles", "create", role)
    shown = cli.show("principal-roles", "get", role)
    assert (shown["name"], shown["entityVersion"]) == (role, 1)
    assert shown in cli.lines("principal-roles", "list")

    cli.do("principal-roles", "grant", role, "--principal", person.name)
    assert _names(cli, "principal-roles", "list", "--principal", person.name) == {person.principal_role, role}
    cli.do("principal-roles", "revoke", role, "--principal", person.name)
    assert _names(cli, "principal-roles", "list", "--principal", person.name) == {person.principal_role}

    cli.do("principal-roles", "delete", role)
    assert cli.refuse("principal-roles", "get", role) == "NotFoundException"


def test_a_catalog_role_is_made_granted_revoked_and_deleted(cli: PolarisCli, catalog: str):
    person, role = hire(cli, catalog), unique("reader")
    to_person = ["--catalog", catalog, "--principal-role", person.principal_role]
    of_person = ["catalog-roles", "list", catalog, "--principal-role", person.principal_role]
    cli.do("catalog-roles", "create", role, "--catalog", catalog)
    shown = cli.show("catalog-roles", "get", role, "--catalog", catalog)
    assert (shown["name"], shown["entityVersion"]) == (role, 1)
    assert _names(cli, "catalog-roles", "list", catalog) == {"catalog_admin", person.catalog_role, role}

    cli.do("catalog-roles", "grant", role, *to_person)
    assert _names(cli, *of_person) == {person.catalog_role, role}
    cli.do("catalog-roles", "revoke", role, *to_person)
    assert _names(cli, *of_person) == {person.catalog_role}

    cli.do("catalog-roles", "delete", role, "--catalog", catalog)
    assert cli.refuse("catalog-roles", "get", role, "--catalog", catalog) == "NotFoundException"


def test_a_grant_of_a_role_is_made_twice_as_well_as_once_but_not_revoked_twice(cli: PolarisCli, catalog: str):
    person = hire(cli, catalog)
    principal_role = [person.principal_role, "--principal", person.name]
    catalog_role = [person.catalog_role, "--catalog", catalog, "--principal-role", person.principal_role]

    for kind, arguments in (("principal-roles", principal_role), ("catalog-roles", catalog_role)):
        cli.do(kind, "grant", *arguments)
        cli.do(kind, "revoke", *arguments)
        assert cli.refuse(kind, "revoke", *arguments) == "GRANT_NOT_FOUND"


def test_the_roles_that_come_with_the_server_are_not_deleted(cli: PolarisCli, catalog: str):
    assert cli.refuse("principal-roles", "delete", "service_admin") == "BadRequestException"
    assert cli.refuse("catalog-roles", "delete", "catalog_admin", "--catalog", catalog) == "BadRequestException"

    assert "service_admin" in _names(cli, "principal-roles", "list", "--principal", "root")
    assert _names(cli, "catalog-roles", "list", catalog, "--principal-role", "service_admin") == {"catalog_admin"}


def _gets_token(cli: PolarisCli, credentials: dict[str, str]) -> bool:
    answer = request_token(cli.uri, credentials["clientId"], credentials["clientSecret"])
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


def _names(cli: PolarisCli, *arguments: str) -> set[str]:
    return {shown["name"] for shown in cli.lines(*arguments)}


def _words(text: str, label: str) -> list[str]:
    """Returns what follows a label, for each line of a summary that begins with it."""
    lines = (line.strip() for line in text.splitlines())
    return [line.removeprefix(label).strip() for line in lines if line.startswith(f"{label} ")]


def _is_recent(shown: dict) -> bool:
    now = time.time() * 1000
    return now - 60_000 < shown["createTimestamp"] <= shown["lastUpdateTimestamp"] < now + 60_000
