"""The command line of Apache Polaris: what is granted with it, and what that lets others do."""

from pathlib import Path

import pytest
from pyiceberg.exceptions import ForbiddenError

from lake import Lake
from polaris_cli import Person, PolarisCli, hire, on, unique
from rest import Rest, request_token, table_path
from rows import SCHEMA, ids, rows

VENDED = {"X-Iceberg-Access-Delegation": "vended-credentials"}
SET_PROPERTY = [{"action": "set-properties", "updates": {"seen": "true"}}]

# What each kind of privilege is granted on.
PLACES = {
    "catalog": {},
    "namespace": {"namespace": "sales.eu"},
    "table": {"namespace": "sales.eu", "table": "orders"},
}
GRANTED = {
    "catalog": {"type": "catalog"},
    "namespace": {"type": "namespace", "namespace": ["sales", "eu"]},
    "table": {"type": "table", "namespace": ["sales", "eu"], "tableName": "orders"},
}
# A reader holds it at each step of a path. Taking away any of the steps must be enough.
STEPS = {
    "the privilege": lambda p: ["privileges", "table", "revoke", *_on_orders(p), "TABLE_READ_DATA"],
    "the catalog role": lambda p: ["catalog-roles", "revoke", p.catalog_role, *_of_principal_role(p)],
    "the principal role": lambda p: ["principal-roles", "revoke", p.principal_role, "--principal", p.name],
    "what the catalog role is": lambda p: ["catalog-roles", "delete", p.catalog_role, "--catalog", p.catalog],
    "what the principal role is": lambda p: ["principal-roles", "delete", p.principal_role],
}


@pytest.fixture
def sales(rest: Rest, catalog: str) -> str:
    """A catalog with the tables `sales.orders`, `sales.eu.orders` and `stock.parts`."""
    for namespace, table in (("sales", "orders"), ("sales\x1feu", "orders"), ("stock", "parts")):
        body = {"namespace": namespace.split("\x1f")}
        rest.post(f"/api/catalog/v1/{catalog}/namespaces", body)
        rest.create_table(catalog, namespace.replace("\x1f", "%1F"), table)
    return catalog


def test_grants_on_every_kind_of_securable_are_listed_and_revoked(cli: PolarisCli, sales: str):
    person = hire(cli, sales)
    assert _grants(cli, person) == []

    for kind, place in PLACES.items():
        cli.do("privileges", kind, "grant", *on(sales, person.catalog_role, **place), "TABLE_READ_DATA")
    expected = [{**GRANTED[kind], "privilege": "TABLE_READ_DATA"} for kind in PLACES]
    assert _grants(cli, person) == expected

    for kind, place in PLACES.items():
        cli.do("privileges", kind, "revoke", *on(sales, person.catalog_role, **place), "TABLE_READ_DATA")
        expected.pop(0)
        assert _grants(cli, person) == expected


@pytest.mark.parametrize("kind", PLACES)
def test_every_privilege_there_is_can_be_granted_on_its_kind_of_securable(
    cli: PolarisCli, rest: Rest, sales: str, kind: str
):
    person = hire(cli, sales)
    schemas = rest.get("/api/openapi/management.json")["components"]["schemas"]
    privileges = schemas[f"{kind.capitalize()}Privilege"]["enum"]
    assert len(privileges) > 20

    for privilege in privileges:
        cli.do("privileges", kind, "grant", *on(sales, person.catalog_role, **PLACES[kind]), privilege)

    granted = _grants(cli, person)
    assert {grant.pop("privilege") for grant in granted} == set(privileges)
    assert granted == [GRANTED[kind]] * len(privileges)


def test_privileges_on_views_are_granted_above_them_and_on_those_that_are_there(
    cli: PolarisCli, rest: Rest, sales: str
):
    person = hire(cli, sales)
    for kind in ("catalog", "namespace"):
        cli.do("privileges", kind, "grant", *on(sales, person.catalog_role, **PLACES[kind]), "VIEW_FULL_METADATA")

    view = [*on(sales, person.catalog_role, "sales.eu"), "--view", "totals", "VIEW_LIST"]
    assert cli.refuse("privileges", "view", "grant", *view) == "NoSuchViewException"
    assert [grant["type"] for grant in _grants(cli, person)] == ["catalog", "namespace"]

    rest.create_view(sales, "sales%1Feu", "totals")
    cli.do("privileges", "view", "grant", *view)

    assert [grant["type"] for grant in _grants(cli, person)] == ["catalog", "namespace", "view"]


def test_nothing_is_granted_on_what_is_not_there_or_to_whom_is_not_there(cli: PolarisCli, sales: str):
    role = hire(cli, sales).catalog_role
    on_missing_table = on(sales, role, "sales", "missing")
    on_missing_namespace = on(sales, role, "missing")

    assert cli.refuse("privileges", "table", "grant", *on_missing_table, "TABLE_LIST") == "NoSuchTableException"
    refused = cli.refuse("privileges", "namespace", "grant", *on_missing_namespace, "TABLE_LIST")
    assert refused == "NoSuchNamespaceException"
    assert cli.refuse("privileges", "catalog", "grant", *on(sales, "missing"), "TABLE_LIST") == "NotFoundException"
    assert cli.refuse("privileges", "catalog", "grant", *on("missing", role), "TABLE_LIST") == "NotFoundException"
    assert cli.refuse("privileges", "list", *on(sales, "missing")) == "NotFoundException"


def test_a_privilege_is_granted_twice_as_well_as_once_but_not_revoked_twice(cli: PolarisCli, sales: str):
    person = hire(cli, sales)
    privilege = [*on(sales, person.catalog_role, **PLACES["table"]), "TABLE_READ_DATA"]

    for _ in range(2):
        cli.do("privileges", "table", "grant", *privilege)
        assert _grants(cli, person) == [{**GRANTED["table"], "privilege": "TABLE_READ_DATA"}]
    cli.do("privileges", "table", "revoke", *privilege)

    assert cli.refuse("privileges", "table", "revoke", *privilege) == "GRANT_NOT_FOUND"


def test_a_revocation_that_would_cascade_is_refused_and_revokes_nothing(cli: PolarisCli, sales: str):
    person = hire(cli, sales)
    privilege = [*on(sales, person.catalog_role, "sales"), "TABLE_READ_DATA"]
    cli.do("privileges", "namespace", "grant", *privilege)

    ending = cli.run("privileges", "namespace", "revoke", "--cascade", *privilege)

    assert (ending.status, ending.printed) == (1, "")
    assert len(_grants(cli, person)) == 1


def test_grants_go_with_what_they_are_on(cli: PolarisCli, rest: Rest, sales: str):
    person = hire(cli, sales)
    for kind, place in PLACES.items():
        cli.do("privileges", kind, "grant", *on(sales, person.catalog_role, **place), "TABLE_READ_DATA")

    cli.text("tables", "delete", "orders", "--catalog", sales, "--namespace", "sales.eu")
    assert [grant["type"] for grant in _grants(cli, person)] == ["catalog", "namespace"]
    cli.do("namespaces", "delete", "sales.eu", "--catalog", sales)
    assert [grant["type"] for grant in _grants(cli, person)] == ["catalog"]

    # Nor does one of the same name inherit them.
    cli.do("namespaces", "create", "sales.eu", "--catalog", sales)
    rest.create_table(sales, "sales%1Feu", "orders")
    assert [grant["type"] for grant in _grants(cli, person)] == ["catalog"]


def test_a_reader_of_a_table_reads_it_and_does_nothing_else(cli: PolarisCli, rest: Rest, sales: str):
    person = hire(cli, sales)
    reader = _session(cli, person)
    orders = table_path(sales, "sales", "orders")
    assert reader.send("GET", orders).status_code == 403
    assert reader.send("GET", orders, headers=VENDED).status_code == 403

    cli.do("privileges", "table", "grant", *_on_orders(person), "TABLE_READ_DATA")

    assert reader.send("GET", orders).status_code == 200
    assert reader.send("GET", orders, headers=VENDED).status_code == 200
    namespaces = f"/api/catalog/v1/{sales}/namespaces"
    schema = {"type": "struct", "fields": []}
    for answer in (
        reader.commit(sales, "sales", "orders", [], SET_PROPERTY),
        reader.send("DELETE", orders),
        reader.send("GET", table_path(sales, "sales%1Feu", "orders")),
        reader.send("GET", f"{namespaces}/sales/tables"),
        reader.send("POST", f"{namespaces}/sales/tables", json={"name": "new", "schema": schema}),
        reader.send("GET", namespaces),
        reader.send("POST", namespaces, json={"namespace": ["new"]}),
        reader.send("DELETE", f"{namespaces}/stock"),
    ):
        assert answer.status_code == 403, f"{answer.request.method} {answer.url}: {answer.status_code}"
        assert answer.json()["error"]["type"] == "ForbiddenException"
    assert "seen" not in rest.load_table(sales, "sales", "orders")["metadata"]["properties"]


def test_who_reads_only_the_properties_of_a_table_is_not_let_at_its_data(cli: PolarisCli, sales: str):
    person = hire(cli, sales)
    cli.do("privileges", "table", "grant", *_on_orders(person), "TABLE_READ_PROPERTIES")
    reader = _session(cli, person)
    orders = table_path(sales, "sales", "orders")

    assert reader.send("GET", orders).status_code == 200
    assert reader.send("GET", orders, headers=VENDED).status_code == 403


@pytest.mark.parametrize("step", STEPS)
def test_taking_away_one_step_to_a_privilege_bites_at_the_next_request(cli: PolarisCli, sales: str, step: str):
    person, other = hire(cli, sales), hire(cli, sales)
    orders = table_path(sales, "sales", "orders")
    for somebody in (person, other):
        cli.do("privileges", "table", "grant", *_on_orders(somebody), "TABLE_READ_DATA")
    reader, other_reader = _session(cli, person), _session(cli, other)
    assert reader.send("GET", orders).status_code == 200

    cli.do(*STEPS[step](person))

    assert reader.send("GET", orders).status_code == 403
    assert other_reader.send("GET", orders).status_code == 200


def test_a_privilege_on_a_namespace_reaches_below_it_and_not_beside_it(cli: PolarisCli, sales: str):
    person = hire(cli, sales)
    cli.do("privileges", "namespace", "grant", *on(sales, person.catalog_role, "sales"), "TABLE_WRITE_PROPERTIES")
    writer = _session(cli, person)

    for namespace in ("sales", "sales%1Feu"):
        assert writer.commit(sales, namespace, "orders", [], SET_PROPERTY).status_code == 200
    assert writer.commit(sales, "stock", "parts", [], SET_PROPERTY).status_code == 403


def test_a_privilege_in_one_catalog_is_none_in_another(cli: PolarisCli, sales: str, tmp_path: Path):
    other = unique("catalog")
    location = f"file://{tmp_path}/other"
    cli.do("catalogs", "create", other, "--storage-type", "file", "--default-base-location", location)
    person = hire(cli, sales)
    cli.do("privileges", "catalog", "grant", *on(sales, person.catalog_role), "CATALOG_MANAGE_CONTENT")
    # A role of the same name there, held by others only.
    cli.do("catalog-roles", "create", person.catalog_role, "--catalog", other)
    cli.do("privileges", "catalog", "grant", *on(other, person.catalog_role), "CATALOG_MANAGE_CONTENT")
    session = _session(cli, person)

    assert session.send("GET", f"/api/catalog/v1/{sales}/namespaces").status_code == 200
    assert session.send("GET", f"/api/catalog/v1/{other}/namespaces").status_code == 403


def test_who_manages_the_content_of_a_catalog_appends_and_reads_with_pyiceberg(cli: PolarisCli, catalog: str):
    writer, reader = hire(cli, catalog), hire(cli, catalog)
    cli.do("privileges", "catalog", "grant", *on(catalog, writer.catalog_role), "CATALOG_MANAGE_CONTENT")
    for privilege in ("TABLE_READ_DATA", "TABLE_LIST"):
        cli.do("privileges", "catalog", "grant", *on(catalog, reader.catalog_role), privilege)

    client = _pyiceberg(cli, writer)
    client.create_namespace("sales")
    table = client.create_table("sales.orders", schema=SCHEMA)
    table.append(rows(1, 2))
    table.append(rows(3))
    assert ids(_pyiceberg(cli, writer).load_table("sales.orders")) == [1, 2, 3]

    seen = _pyiceberg(cli, reader)
    assert seen.list_tables("sales") == [("sales", "orders")]
    table = seen.load_table("sales.orders")
    assert ids(table, row_filter="id > 1") == [2, 3]
    with pytest.raises(ForbiddenError):
        table.append(rows(4))
    with pytest.raises(ForbiddenError):
        seen.create_table("sales.mine", schema=SCHEMA)
    assert ids(_pyiceberg(cli, writer).load_table("sales.orders")) == [1, 2, 3]


def test_who_holds_service_admin_administers_but_resets_nobody(cli: PolarisCli, catalog: str, tmp_path: Path):
    person, other = hire(cli, catalog), unique("other")
    admin = person.cli(cli.uri)
    own = [unique("catalog"), "--storage-type", "file", "--default-base-location", f"file://{tmp_path}/own"]
    for command in (["catalogs", "list"], ["catalogs", "create", *own], ["principals", "create", other]):
        assert admin.refuse(*command) == "ForbiddenException"

    cli.do("principal-roles", "grant", "service_admin", "--principal", person.name)

    admin.do("catalogs", "create", *own)
    assert set(admin.show("principals", "create", other)) == {"clientId", "clientSecret"}
    assert admin.show("catalogs", "get", own[0]) in cli.lines("catalogs", "list")
    assert admin.refuse("principals", "reset", other) == "ForbiddenException"


def test_who_manages_access_to_a_catalog_grants_in_it_and_nowhere_else(cli: PolarisCli, sales: str, tmp_path: Path):
    other = unique("catalog")
    location = f"file://{tmp_path}/other"
    cli.do("catalogs", "create", other, "--storage-type", "file", "--default-base-location", location)
    person, reader = hire(cli, sales), hire(cli, sales)
    cli.do("privileges", "catalog", "grant", *on(sales, person.catalog_role), "CATALOG_MANAGE_ACCESS")
    manager = person.cli(cli.uri)

    manager.do("privileges", "table", "grant", *_on_orders(reader), "TABLE_READ_DATA")
    manager.do("catalog-roles", "create", "new", "--catalog", sales)

    assert _session(cli, reader).send("GET", table_path(sales, "sales", "orders")).status_code == 200
    assert _session(cli, person).send("GET", table_path(sales, "sales", "orders")).status_code == 403
    assert manager.refuse("catalog-roles", "create", "new", "--catalog", other) == "ForbiddenException"
    in_other = on(other, "catalog_admin")
    assert manager.refuse("privileges", "catalog", "grant", *in_other, "TABLE_READ_DATA") == "ForbiddenException"


def _grants(cli: PolarisCli, person: Person) -> list[dict]:
    return cli.lines("privileges", "list", *on(person.catalog, person.catalog_role))


def _on_orders(person: Person) -> list[str]:
    return on(person.catalog, person.catalog_role, "sales", "orders")


def _of_principal_role(person: Person) -> list[str]:
    return ["--catalog", person.catalog, "--principal-role", person.principal_role]


def _session(cli: PolarisCli, person: Person) -> Rest:
    answer = request_token(cli.uri, person.client_id, person.client_secret)
    assert answer.status_code == 200, answer.text
    return Rest(cli.uri, answer.json()["access_token"])


def _pyiceberg(cli: PolarisCli, person: Person):
    """Returns a new client, which asks for vended credentials: on local files there are none to give."""
    header = {f"header.{name}": value for name, value in VENDED.items()}
    lake = Lake(cli.uri, person.catalog, "", Path())
    return lake.pyiceberg(credential=f"{person.client_id}:{person.client_secret}", **header)
