"""PyIceberg: the life of a table, from its first row to its drop, on local files and on S3."""

import pytest
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import ForbiddenError, NoSuchTableError, TableAlreadyExistsError

from lake import Lake
from rows import ALL_IDS, SCHEMA, ids, rows
from server import CLIENT_ID, CLIENT_SECRET


def test_three_settings_lead_to_the_first_row(file_lake: Lake):
    settings = {
        "type": "rest",
        "uri": f"{file_lake.uri}/api/catalog",
        "warehouse": file_lake.name,
        "credential": f"{CLIENT_ID}:{CLIENT_SECRET}",
        "scope": "PRINCIPAL_ROLE:ALL",
        "header.X-Iceberg-Access-Delegation": "none",
    }
    catalog = load_catalog("first", **settings)
    catalog.create_namespace("sales")
    catalog.create_table("sales.orders", schema=SCHEMA).append(rows(1))

    assert load_catalog("second", **settings).load_table("sales.orders").scan().to_arrow() == rows(1)


def test_rows_written_by_one_client_are_read_by_another(lake: Lake):
    catalog = lake.pyiceberg()
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", schema=SCHEMA)
    assert table.location() == f"{lake.base}/sales/orders"

    table.append(rows(1, 2))
    table.append(rows(3))

    read = lake.pyiceberg().load_table("sales.orders")
    assert ids(read) == ALL_IDS
    assert read.metadata == table.metadata
    assert read.metadata_location == table.metadata_location


def test_overwrite_and_delete_replace_rows(lake: Lake):
    catalog = lake.pyiceberg()
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", schema=SCHEMA)
    table.append(rows(1, 2, 3))

    table.overwrite(rows(4, 5), overwrite_filter="id < 3")
    assert ids(lake.pyiceberg().load_table("sales.orders")) == [3, 4, 5]

    table.delete("id = 4")
    assert ids(lake.pyiceberg().load_table("sales.orders")) == [3, 5]

    table.overwrite(rows(9))
    assert ids(lake.pyiceberg().load_table("sales.orders")) == [9]


def test_a_staged_table_appears_with_its_rows_at_the_commit(lake: Lake):
    catalog = lake.pyiceberg()
    catalog.create_namespace("sales")

    with catalog.create_table_transaction("sales.orders", schema=SCHEMA) as transaction:
        transaction.set_properties(owner="ann")
        transaction.append(rows(1, 2))
        assert not lake.pyiceberg().table_exists("sales.orders")

    table = lake.pyiceberg().load_table("sales.orders")
    assert ids(table) == [1, 2]
    assert table.properties["owner"] == "ann"


def test_a_staged_table_that_someone_else_created_meanwhile_is_refused(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    transaction = catalog.create_table_transaction("sales.orders", schema=SCHEMA)
    catalog.create_table("sales.orders", schema=SCHEMA).append(rows(1))

    with pytest.raises(Exception, match="already exists"):
        transaction.commit_transaction()

    assert ids(file_lake.pyiceberg().load_table("sales.orders")) == [1]


def test_a_dropped_table_comes_back_when_its_metadata_file_is_registered(lake: Lake):
    catalog = lake.pyiceberg()
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", schema=SCHEMA)
    table.append(rows(1, 2))
    catalog.drop_table("sales.orders")

    registered = catalog.register_table("sales.archive", table.metadata_location)

    assert registered.metadata.table_uuid == table.metadata.table_uuid
    assert ids(lake.pyiceberg().load_table("sales.archive")) == [1, 2]
    registered.append(rows(3))
    assert ids(lake.pyiceberg().load_table("sales.archive")) == ALL_IDS


def test_a_renamed_table_keeps_its_rows_and_its_identity(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    catalog.create_namespace("archive")
    table = catalog.create_table("sales.orders", schema=SCHEMA)
    table.append(rows(1))

    catalog.rename_table("sales.orders", "archive.orders_2024")

    renamed = file_lake.pyiceberg().load_table("archive.orders_2024")
    assert renamed.metadata.table_uuid == table.metadata.table_uuid
    assert ids(renamed) == [1]
    assert not catalog.table_exists("sales.orders")
    renamed.append(rows(2))
    assert ids(file_lake.pyiceberg().load_table("archive.orders_2024")) == [1, 2]


def test_a_rename_onto_an_existing_table_is_refused(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    catalog.create_table("sales.a", schema=SCHEMA)
    catalog.create_table("sales.b", schema=SCHEMA)

    with pytest.raises(TableAlreadyExistsError):
        catalog.rename_table("sales.a", "sales.b")
    with pytest.raises(NoSuchTableError):
        catalog.rename_table("sales.absent", "sales.c")
    assert sorted(catalog.list_tables("sales")) == [("sales", "a"), ("sales", "b")]


def test_tables_are_listed_found_and_dropped(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    for name in ("a", "b", "c"):
        catalog.create_table(f"sales.{name}", schema=SCHEMA)
    with pytest.raises(TableAlreadyExistsError):
        catalog.create_table("sales.a", schema=SCHEMA)

    catalog.drop_table("sales.b")

    assert sorted(file_lake.pyiceberg().list_tables("sales")) == [("sales", "a"), ("sales", "c")]
    assert catalog.table_exists("sales.a")
    assert not catalog.table_exists("sales.b")
    with pytest.raises(NoSuchTableError):
        catalog.load_table("sales.b")
    with pytest.raises(NoSuchTableError):
        catalog.drop_table("sales.b")


def test_a_purge_is_refused_unless_it_was_allowed(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    catalog.create_table("sales.orders", schema=SCHEMA).append(rows(1))

    with pytest.raises(ForbiddenError):
        catalog.purge_table("sales.orders")

    assert ids(file_lake.pyiceberg().load_table("sales.orders")) == [1]


def test_table_properties_are_set_and_removed(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", schema=SCHEMA, properties={"owner": "ann", "team": "eu"})

    with table.transaction() as transaction:
        transaction.set_properties(owner="bea", colour="blue")
        transaction.remove_properties("team")

    properties = file_lake.pyiceberg().load_table("sales.orders").properties
    assert properties["owner"] == "bea"
    assert properties["colour"] == "blue"
    assert "team" not in properties
