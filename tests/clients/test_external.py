"""An EXTERNAL catalog, read by PyIceberg and DuckDB, that follows the tables of another server's catalog."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyiceberg.exceptions import BadRequestError, NoSuchTableError
from pyiceberg.table import Table

from conftest import MakeServer
from lake import Lake, ObjectStore
from rest import Rest, table_path
from rows import SCHEMA, ids, rows
from server import Postgres, Server, Sqlite


@dataclass
class Facade:
    """The catalog that owns the tables, and the one that is told of them, over the same storage."""

    owner: Lake
    lake: Lake
    rest: Rest

    def tell(self, kind: str, timestamp: int, location: str) -> int:
        """Tells the facade of the table `sales.orders`, and returns the status."""
        payload = {
            "table-name": "orders",
            "table-uuid": str(uuid.uuid4()),
            "timestamp": timestamp,
            "metadata-location": location,
        }
        path = f"{table_path(self.lake.name, 'sales', 'orders')}/notifications"
        return self.rest.send("POST", path, json={"notification-type": kind, "payload": payload}).status_code


@pytest.fixture(scope="module")
def owning_server(make_server: MakeServer, new_store: Callable[[], Sqlite | Postgres]) -> Iterator[Server]:
    """The server of the catalogs that own the tables: another one, as it would be."""
    server = make_server(new_store(), "owning").start()
    yield server
    server.stop()


@pytest.fixture(params=["file", "s3"])
def facade(
    request: pytest.FixtureRequest, owning_server: Server, server: Server, rest: Rest, extensions: Path, tmp_path: Path
) -> Iterator[Facade]:
    name = f"facade_{uuid.uuid4().hex[:12]}"
    owner = Rest(owning_server.uri)
    store: ObjectStore | None = None
    if request.param == "file":
        base = f"file://{tmp_path}/warehouse"
        owner.create_file_catalog(name, base)
        rest.create_file_catalog(name, base, "EXTERNAL")
    else:
        store = request.getfixturevalue("object_store")
        base = f"s3://{store.bucket}/{name}"
        owner.create_s3_catalog(name, base, store.endpoint)
        rest.create_s3_catalog(name, base, store.endpoint, "EXTERNAL")
    lakes = [Lake(uri, name, base, extensions, store) for uri in (owning_server.uri, server.uri)]
    yield Facade(lakes[0], lakes[1], rest)
    for lake in lakes:
        lake.close()


@pytest.fixture
def orders(facade: Facade) -> Table:
    """A table with a row, in the catalog that owns it."""
    catalog = facade.owner.pyiceberg()
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", schema=SCHEMA)
    table.append(rows(1))
    return table


def read(lake: Lake) -> list[int]:
    """Returns the ids that a new client reads."""
    return ids(lake.pyiceberg().load_table("sales.orders"))


def test_readers_follow_what_the_owner_tells_of(facade: Facade, orders: Table):
    assert facade.lake.pyiceberg().list_namespaces() == []
    assert facade.tell("VALIDATE", 1, orders.location()) == 204
    assert facade.tell("CREATE", 1, orders.metadata_location) == 204
    first = orders.metadata_location
    assert read(facade.lake) == [1]

    orders.append(rows(2))
    assert read(facade.lake) == [1]
    assert facade.tell("UPDATE", 2, orders.metadata_location) == 204
    assert read(facade.lake) == [1, 2]
    assert facade.tell("UPDATE", 1, first) == 409
    query = "SELECT id FROM lake.sales.orders ORDER BY id"
    assert facade.lake.duckdb().execute(query).fetchall() == [(1,), (2,)]

    assert facade.tell("DROP", 3, orders.metadata_location) == 204
    with pytest.raises(NoSuchTableError):
        facade.lake.pyiceberg().load_table("sales.orders")
    assert read(facade.owner) == [1, 2]


def test_readers_cannot_write(facade: Facade, orders: Table):
    facade.rest.open_content(facade.lake.name)
    assert facade.tell("CREATE", 1, orders.metadata_location) == 204
    catalog = facade.lake.pyiceberg()

    with pytest.raises(BadRequestError, match="Cannot update table on static-facade external catalogs."):
        catalog.load_table("sales.orders").append(rows(9))
    with pytest.raises(BadRequestError, match="Cannot create table on static-facade external catalogs."):
        catalog.create_table("sales.mine", schema=SCHEMA)
    with pytest.raises(BadRequestError, match="Cannot rename table on static-facade external catalogs."):
        catalog.rename_table("sales.orders", "sales.mine")
    with pytest.raises(BadRequestError, match="Cannot drop table on static-facade external catalogs."):
        catalog.purge_table("sales.orders")

    assert read(facade.lake) == [1]
    catalog.drop_table("sales.orders")
    assert read(facade.owner) == [1]
