"""Generic tables: the published client of Polaris makes, reads and drops them, and so does its command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from apache_polaris.sdk.catalog import ApiClient, ApiException, Configuration
from apache_polaris.sdk.catalog.api.generic_table_api import GenericTableAPI
from apache_polaris.sdk.catalog.models import (
    CreateGenericTableRequest,
    GenericTable,
    LoadGenericTableResponse,
    StorageAccessConfig,
)
from pyiceberg.exceptions import NamespaceNotEmptyError, NoSuchTableError, TableAlreadyExistsError

from lake import Lake
from polaris_cli import PolarisCli
from rest import Rest
from rows import SCHEMA
from s3_places import S3Place
from s3_reach import Reach
from vending import NAMESPACE, VENDED, s3_client, s3_lake


class GenericTables:
    """The generic tables of a namespace, by the published client."""

    def __init__(self, rest: Rest, lake: Lake, namespace: str):
        configuration = Configuration(host=f"{rest.uri}/api/catalog", access_token=rest.token)
        self._api = GenericTableAPI(ApiClient(configuration))
        self._at = {"prefix": lake.name, "namespace": namespace}

    def create(self, name: str, delegation: str | None = None, **fields: object) -> LoadGenericTableResponse:
        request = CreateGenericTableRequest(name=name, **fields)
        return self._api.create_generic_table(
            **self._at, create_generic_table_request=request, polaris_generic_table_access_delegation=delegation
        )

    def load(self, name: str, delegation: str | None = None) -> LoadGenericTableResponse:
        return self._api.load_generic_table(
            **self._at, generic_table=name, polaris_generic_table_access_delegation=delegation
        )

    def drop(self, name: str) -> None:
        self._api.drop_generic_table(**self._at, generic_table=name)

    def names(self, **page: object) -> tuple[list[str], str | None]:
        """Returns the names of a page, and the token of the next one."""
        listed = self._api.list_generic_tables(**self._at, **page)
        return [identifier.name for identifier in listed.identifiers], listed.next_page_token


@pytest.fixture
def on_s3(rest: Rest, seaweedfs: S3Place, extensions: Path) -> Iterator[Lake]:
    lake = s3_lake(rest, seaweedfs, extensions)
    rest.create_namespace(lake.name, NAMESPACE)
    yield lake
    lake.close()


def test_a_generic_table_is_read_as_it_was_made(lake: Lake, rest: Rest):
    lake.pyiceberg().create_namespace("sales")
    tables = GenericTables(rest, lake, "sales")
    fields = {
        "format": "delta",
        "base_location": f"{lake.base}/sales/events",
        "doc": "what happened",
        "properties": {"owner": "ana"},
    }

    made = tables.create("events", **fields)

    assert made.table == GenericTable(name="events", **fields)
    assert made.storage_access_configs is None
    assert tables.load("events") == made
    assert tables.create("plain", format="csv").table == GenericTable(name="plain", format="csv", properties={})


def test_generic_tables_are_listed_in_pages_and_dropped(file_lake: Lake, rest: Rest):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    catalog.create_table("sales.orders", schema=SCHEMA)
    tables = GenericTables(rest, file_lake, "sales")
    for name in ("b", "a", "c"):
        tables.create(name, format="delta")

    assert tables.names() == (["a", "b", "c"], None)
    first, token = tables.names(page_token="", page_size=2)
    assert first == ["a", "b"]
    assert tables.names(page_token=token, page_size=2) == (["c"], None)
    assert catalog.list_tables("sales") == [("sales", "orders")]

    tables.drop("a")

    assert tables.names() == (["b", "c"], None)
    for refused in (tables.load, tables.drop):
        with pytest.raises(ApiException) as raised:
            refused("a")
        assert raised.value.status == 404
        assert json.loads(raised.value.body)["error"]["message"] == "Generic table does not exist: sales.a"


def test_tables_and_generic_tables_share_their_names_and_nothing_else(file_lake: Lake, rest: Rest):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    catalog.create_table("sales.orders", schema=SCHEMA)
    tables = GenericTables(rest, file_lake, "sales")
    tables.create("events", format="delta")

    with pytest.raises(ApiException) as raised:
        tables.create("orders", format="delta")
    assert raised.value.status == 409
    with pytest.raises(TableAlreadyExistsError, match="Generic table with same name already exists: sales.events"):
        catalog.create_table("sales.events", schema=SCHEMA)
    with pytest.raises(NoSuchTableError):
        catalog.load_table("sales.events")
    assert not catalog.table_exists("sales.events")
    catalog.drop_table("sales.orders")
    with pytest.raises(NamespaceNotEmptyError):
        catalog.drop_namespace("sales")
    tables.drop("events")
    catalog.drop_namespace("sales")


def test_a_generic_table_keeps_out_of_the_place_of_a_table(lake: Lake, rest: Rest):
    catalog = lake.pyiceberg()
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", schema=SCHEMA)
    tables = GenericTables(rest, lake, "sales")

    for place in (f"{table.location()}/inside", f"{lake.base}/sales"):
        with pytest.raises(ApiException) as raised:
            tables.create("events", format="delta", base_location=place)
        assert raised.value.status == 403

    assert tables.names() == ([], None)


def test_credentials_reach_the_generic_table_and_nothing_beside_it(on_s3: Lake, rest: Rest, seaweedfs: S3Place):
    location = f"{on_s3.base}/{NAMESPACE}/events"
    made = GenericTables(rest, on_s3, NAMESPACE).create(
        "events", format="delta", base_location=location, delegation=VENDED
    )
    reach = reach_of(made, seaweedfs)
    reach.assert_reads_inside()
    reach.assert_writes_inside()
    reach.assert_refuses_outside()

    grant = {"type": "table", "namespace": [NAMESPACE], "tableName": "events", "privilege": "TABLE_READ_DATA"}
    reader = rest.create_principal(f"reader-{on_s3.name}", on_s3.name, grant)
    loaded = GenericTables(reader, on_s3, NAMESPACE).load("events", delegation=VENDED)

    assert loaded.table == made.table
    reach = reach_of(loaded, seaweedfs)
    reach.assert_reads_inside()
    reach.assert_refuses_writes_inside()


def test_the_command_line_of_polaris_lists_shows_and_deletes_them(cli: PolarisCli, file_lake: Lake, rest: Rest):
    file_lake.pyiceberg().create_namespace("sales")
    tables = GenericTables(rest, file_lake, "sales")
    location = f"{file_lake.base}/sales/events"
    tables.create("events", format="delta", base_location=location, doc="what happened")
    place = ["--catalog", file_lake.name, "--namespace", "sales"]

    assert cli.show("generic-tables", "list", *place) == {"namespace": ["sales"], "name": "events"}
    shown = cli.show("generic-tables", "get", "events", *place)
    assert (shown["table"]["format"], shown["table"]["base-location"]) == ("delta", location)

    assert "completed" in cli.text("generic-tables", "delete", "events", *place)

    assert cli.text("generic-tables", "list", *place) == ""
    assert cli.refuse("generic-tables", "get", "events", *place) == "NoSuchTableException"
    assert cli.refuse("generic-tables", "list", *place[:2], "--namespace", "nope") == "NoSuchNamespaceException"


def config_of(answer: LoadGenericTableResponse) -> StorageAccessConfig:
    """Returns what an answer tells of the way to the files: one set, for the place of the table."""
    (config,) = answer.storage_access_configs
    assert config.prefix == answer.table.base_location
    assert config.config["s3.client.region"] == config.config["client.region"]
    return config


def reach_of(answer: LoadGenericTableResponse, place: S3Place) -> Reach:
    """Tries what an answer gives."""
    folder = answer.table.base_location.split("/", 3)[3].rstrip("/")
    return Reach(s3_client(place, config_of(answer).config), place.client(), place.bucket, folder)
