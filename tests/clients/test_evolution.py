"""PyIceberg: schemas and partition specs that change under rows already written, and format versions."""

import pyarrow as pa
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform
from pyiceberg.types import (
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
)

from lake import Lake
from rows import SCHEMA, ids, rows


def test_columns_are_added_renamed_and_dropped_under_old_rows(lake: Lake):
    catalog = lake.pyiceberg()
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", schema=SCHEMA)
    table.append(rows(1))

    with table.update_schema() as update:
        update.add_column("price", DoubleType(), doc="in euro")
        update.rename_column("name", "label")
    table.append(pa.table({"id": [2], "label": ["two"], "price": [2.5]}))
    with table.update_schema() as update:
        update.delete_column("label")

    seen = lake.pyiceberg().load_table("sales.orders")
    assert sorted(seen.scan().to_arrow().to_pylist(), key=lambda row: row["id"]) == [
        {"id": 1, "price": None},
        {"id": 2, "price": 2.5},
    ]
    first, second = (entry.snapshot_id for entry in seen.history())
    assert seen.scan(snapshot_id=first).to_arrow().column_names == ["id", "name"]
    assert seen.scan(snapshot_id=second).to_arrow().column_names == ["id", "label", "price"]
    assert seen.schema().find_field("price").doc == "in euro"
    assert len(seen.schemas()) == 3


def test_types_widen_and_field_ids_stay(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    narrow = Schema(
        NestedField(1, "id", IntegerType(), required=True),
        NestedField(2, "price", FloatType(), required=False),
        NestedField(3, "buyer", StructType(NestedField(4, "name", StringType(), required=True)), required=False),
        identifier_field_ids=[1],
    )
    table = catalog.create_table("sales.orders", schema=narrow)

    with table.update_schema() as update:
        update.update_column("id", field_type=LongType())
        update.update_column("price", field_type=DoubleType())
        update.make_column_optional(("buyer", "name"))
        update.add_column(("buyer", "city"), StringType())
        update.move_first("price")

    schema = file_lake.pyiceberg().load_table("sales.orders").schema()
    assert [(field.field_id, field.name, field.field_type) for field in schema.fields[:2]] == [
        (2, "price", DoubleType()),
        (1, "id", LongType()),
    ]
    assert schema.find_field("buyer.city").field_id == 5
    assert not schema.find_field("buyer.name").required
    assert schema.identifier_field_ids == [1]


def test_a_partition_spec_changes_and_old_files_keep_theirs(lake: Lake):
    catalog = lake.pyiceberg()
    catalog.create_namespace("sales")
    schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "name", StringType()))
    by_name = PartitionSpec(PartitionField(source_id=2, field_id=1000, transform=IdentityTransform(), name="name"))
    table = catalog.create_table("sales.orders", schema=schema, partition_spec=by_name)
    table.append(rows(1, 2))

    with table.update_spec() as update:
        update.remove_field("name")
        update.add_field("id", BucketTransform(4), "id_bucket")
    table.append(rows(3, 4))

    seen = lake.pyiceberg().load_table("sales.orders")
    assert ids(seen) == [1, 2, 3, 4]
    assert [field.name for field in seen.spec().fields] == ["id_bucket"]
    assert seen.spec().fields[0].field_id == 1001
    assert sorted({task.file.spec_id for task in seen.scan().plan_files()}) == sorted({0, seen.spec().spec_id})
    assert ids(seen, row_filter="name == 'name-2'") == [2]


def test_partitions_and_sort_orders_given_at_creation_are_kept(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "at", TimestampType()))
    table = catalog.create_table(
        "sales.orders",
        schema=schema,
        partition_spec=PartitionSpec(
            PartitionField(source_id=2, field_id=1000, transform=DayTransform(), name="at_day")
        ),
        sort_order=SortOrder(SortField(source_id=1, transform=IdentityTransform())),
    )

    seen = file_lake.pyiceberg().load_table("sales.orders")

    assert seen.spec() == table.spec()
    assert seen.sort_order().fields[0].source_id == 1
    assert seen.sort_order().order_id == 1


@pytest.mark.parametrize("version", [1, 2])
def test_tables_of_format_version(file_lake: Lake, version: int):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", schema=SCHEMA, properties={"format-version": str(version)})
    table.append(rows(1))
    table.append(rows(2))
    table.delete("id = 1")

    seen = file_lake.pyiceberg().load_table("sales.orders")

    assert seen.format_version == version
    assert ids(seen) == [2]
    assert "format-version" not in seen.properties


def test_a_table_of_format_version_3_keeps_what_only_version_3_has(file_lake: Lake):
    # PyIceberg makes such tables, but does not write rows to them yet; DuckDB's tests do.
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", schema=SCHEMA, properties={"format-version": "3"})

    with table.update_schema() as update:
        update.add_column("size", IntegerType(), default_value=7, required=True)

    seen = file_lake.pyiceberg().load_table("sales.orders")
    assert seen.format_version == 3
    assert seen.metadata.next_row_id == 0
    size = seen.schema().find_field("size")
    assert (size.initial_default, size.write_default) == (7, 7)


def test_a_table_upgrades_from_version_1_to_2_with_its_rows(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", schema=SCHEMA, properties={"format-version": "1"})
    table.append(rows(1))

    with table.transaction() as transaction:
        transaction.upgrade_table_version(2)
    table.append(rows(2))

    seen = file_lake.pyiceberg().load_table("sales.orders")
    assert seen.format_version == 2
    assert ids(seen) == [1, 2]
    assert seen.last_sequence_number == 1
