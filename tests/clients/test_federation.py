"""A federated catalog: PyIceberg writes and reads through one server the tables of another server's catalog."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyiceberg.exceptions import ForbiddenError, NoSuchTableError

from conftest import MakeServer
from lake import Lake
from rest import Rest
from rows import SCHEMA, ids, rows
from s3_places import S3Place
from server import CLIENT_ID, CLIENT_SECRET, Postgres, Server, Sqlite
from vending import VENDED

SETTINGS = {
    'polaris.features."ENABLE_CATALOG_FEDERATION"': "true",
    "merak.secrets.encryption-keys": "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}


@dataclass
class Federation:
    """The catalog that owns the tables, and the one in front of it, at another server."""

    owner: Lake
    front: Lake
    rest: Rest


@pytest.fixture(scope="module")
def owning_server(make_server: MakeServer, new_store: Callable[[], Sqlite | Postgres]) -> Iterator[Server]:
    server = make_server(new_store(), "federated-owner").start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def front_server(make_server: MakeServer, new_store: Callable[[], Sqlite | Postgres]) -> Iterator[Server]:
    server = make_server(new_store(), "federated-front", properties=SETTINGS).start()
    yield server
    server.stop()


@pytest.fixture(params=["file", "s3"])
def federation(
    request: pytest.FixtureRequest, owning_server: Server, front_server: Server, extensions: Path, tmp_path: Path
) -> Iterator[Federation]:
    """On local files, and on S3, where clients have vended credentials only: those of the front."""
    name = f"federated_{uuid.uuid4().hex[:12]}"
    owner, front = Rest(owning_server.uri), Rest(front_server.uri)
    delegation = "none"
    if request.param == "file":
        base = f"file://{tmp_path}/warehouse"
        storage = {"storageType": "FILE"}
    else:
        place: S3Place = request.getfixturevalue("seaweedfs")
        base = f"s3://{place.bucket}/{name}"
        storage = place.storage()
        delegation = VENDED
    owner.create_catalog(name, base, storage)
    # The owner may do everything with the tables there, for whoever may do it here.
    owner.open_content(name)
    connection = {
        "connectionType": "ICEBERG_REST",
        "uri": f"{owning_server.uri}/api/catalog",
        "remoteCatalogName": name,
        "authenticationParameters": {
            "authenticationType": "OAUTH",
            "tokenUri": f"{owning_server.uri}/api/catalog/v1/oauth/tokens",
            "clientId": CLIENT_ID,
            "clientSecret": CLIENT_SECRET,
            "scopes": ["PRINCIPAL_ROLE:ALL"],
        },
    }
    catalog = {
        "name": name,
        "type": "EXTERNAL",
        "properties": {"default-base-location": base},
        "storageConfigInfo": {"allowedLocations": [base], **storage},
        "connectionConfigInfo": connection,
    }
    made = front.send("POST", "/api/management/v1/catalogs", json={"catalog": catalog})
    assert made.status_code == 201, made.text
    assert CLIENT_SECRET not in made.text
    front.open_content(name)
    lakes = [Lake(uri, name, base, extensions, None, delegation) for uri in (owning_server.uri, front_server.uri)]
    yield Federation(lakes[0], lakes[1], front)
    for lake in lakes:
        lake.close()


def test_rows_go_through_to_the_owner_and_back(federation: Federation):
    catalog = federation.front.pyiceberg()
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", schema=SCHEMA)
    table.append(rows(1, 2))
    table.delete("id = 2")

    owner = federation.owner.pyiceberg()
    assert ids(owner.load_table("sales.orders")) == [1]
    owner.load_table("sales.orders").append(rows(3))
    assert ids(federation.front.pyiceberg().load_table("sales.orders")) == [1, 3]
    assert catalog.list_tables("sales") == owner.list_tables("sales") == [("sales", "orders")]

    catalog.rename_table("sales.orders", "sales.moved")
    assert ids(owner.load_table("sales.moved")) == [1, 3]
    catalog.drop_table("sales.moved")
    with pytest.raises(NoSuchTableError):
        owner.load_table("sales.moved")
    catalog.drop_namespace("sales")
    assert owner.list_namespaces() == []


def test_a_staged_table_comes_to_be_at_the_owner(federation: Federation):
    catalog = federation.front.pyiceberg()
    catalog.create_namespace("sales")
    with catalog.create_table_transaction("sales.orders", schema=SCHEMA) as transaction:
        transaction.append(rows(1))
        assert not federation.owner.pyiceberg().table_exists("sales.orders")

    assert ids(federation.owner.pyiceberg().load_table("sales.orders")) == [1]


def test_rights_are_those_of_the_front(federation: Federation):
    catalog = federation.front.pyiceberg()
    catalog.create_namespace("sales")
    catalog.create_table("sales.orders", schema=SCHEMA).append(rows(1))
    name = f"reader_{uuid.uuid4().hex[:8]}"
    grants = [{"type": "catalog", "privilege": privilege} for privilege in ("TABLE_LIST", "TABLE_READ_DATA")]
    key, secret = federation.rest.create_credentials(name, federation.front.name, *grants)
    reader = federation.front.pyiceberg(credential=f"{key}:{secret}")

    assert ids(reader.load_table("sales.orders")) == [1]
    with pytest.raises(ForbiddenError):
        reader.load_table("sales.orders").transaction().set_properties(owner="eve").commit_transaction()
    with pytest.raises(ForbiddenError):
        reader.drop_table("sales.orders")
    assert ids(federation.owner.pyiceberg().load_table("sales.orders")) == [1]
