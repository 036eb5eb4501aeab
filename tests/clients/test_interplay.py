"""PyIceberg and DuckDB at the same tables: each reads what the other wrote."""

import pyarrow as pa
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import BucketTransform
from pyiceberg.types import DoubleType, LongType, NestedField, StringType

from lake import Lake
from rows import SCHEMA, ids, rows


def test_duckdb_reads_what_pyiceberg_wrote_under_changing_schemas(lake: Lake):
    catalog = lake.pyiceberg()
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", schema=SCHEMA)
    table.append(rows(1, 2))
    with table.update_schema() as update:
        update.add_column("price", DoubleType())
        update.rename_column("name", "label")
    table.append(pa.table({"id": [3], "label": ["three"], "price": [3.5]}))
    table.delete("id = 2")

    read = lake.duckdb().execute("SELECT id, label, price FROM lake.sales.orders ORDER BY id").fetchall()

    assert read == [(1, "name-1", None), (3, "three", 3.5)]


def test_duckdb_reads_what_pyiceberg_partitioned(lake: Lake):
    catalog = lake.pyiceberg()
    catalog.create_namespace("sales")
    schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "name", StringType()))
    spec = PartitionSpec(PartitionField(source_id=1, field_id=1000, transform=BucketTransform(4), name="id_bucket"))
    table = catalog.create_table("sales.orders", schema=schema, partition_spec=spec)
    table.append(rows(*range(20)))
    with table.update_spec() as update:
        update.remove_field("id_bucket")
        update.add_identity("name")
    table.append(rows(20, 21))

    connection = lake.duckdb()

    assert connection.execute("SELECT count(*), sum(id) FROM lake.sales.orders").fetchall() == [(22, 231)]
    assert connection.execute("SELECT name FROM lake.sales.orders WHERE id = 7").fetchall() == [("name-7",)]


def test_pyiceberg_reads_what_duckdb_wrote_updated_and_deleted(lake: Lake):
    connection = lake.duckdb()
    connection.execute("CREATE SCHEMA lake.sales")
    connection.execute("CREATE TABLE lake.sales.orders (id BIGINT, name VARCHAR)")
    connection.execute("INSERT INTO lake.sales.orders VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    connection.execute("UPDATE lake.sales.orders SET name = 'z' WHERE id = 2")
    connection.execute("DELETE FROM lake.sales.orders WHERE id = 1")

    table = lake.pyiceberg().load_table("sales.orders")

    read = sorted(table.scan().to_arrow().to_pylist(), key=lambda row: row["id"])
    assert read == [{"id": 2, "name": "z"}, {"id": 3, "name": "c"}]
    first = table.history()[0].snapshot_id
    assert ids(table, snapshot_id=first) == [1, 2, 3]


def test_both_write_to_one_table_in_turn(lake: Lake):
    catalog = lake.pyiceberg()
    catalog.create_namespace("sales")
    catalog.create_table("sales.orders", schema=SCHEMA)
    for turn in range(3):
        lake.pyiceberg().load_table("sales.orders").append(rows(turn * 10))
        lake.duckdb().execute(f"INSERT INTO lake.sales.orders VALUES ({turn * 10 + 1}, 'duck')")

    table = lake.pyiceberg().load_table("sales.orders")

    assert ids(table) == [0, 1, 10, 11, 20, 21]
    assert len(table.snapshots()) == 6
    assert lake.duckdb().execute("SELECT count(*) FROM lake.sales.orders").fetchall() == [(6,)]
