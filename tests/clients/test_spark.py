"""Spark: SQL through Iceberg's Java client, which other engines on the JVM share."""

import time

import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType

from lake import Lake
from rest import Rest
from rows import ids, rows
from spark import Spark


class Orders:
    """A table of three rows, in a lake that is attached to Spark."""

    def __init__(self, spark: Spark, lake: Lake):
        self._spark = spark
        self.lake = lake
        spark.attach(lake)
        self.sql("CREATE NAMESPACE {lake}.sales")
        self.sql("CREATE TABLE {lake}.sales.orders (id bigint, name string) USING iceberg PARTITIONED BY (bucket(4, id))")
        self.sql("INSERT INTO {lake}.sales.orders VALUES (1, 'a'), (2, 'b'), (3, 'c')")

    def sql(self, statement: str) -> list[tuple]:
        return self._spark.sql(statement.replace("{lake}", self.lake.name))

    def rows(self, clause: str = "") -> list[tuple]:
        return self.sql(f"SELECT * FROM {{lake}}.sales.orders {clause} ORDER BY id")


@pytest.fixture
def orders(spark: Spark, lake: Lake) -> Orders:
    return Orders(spark, lake)


@pytest.fixture
def file_orders(spark: Spark, file_lake: Lake) -> Orders:
    return Orders(spark, file_lake)


def test_rows_are_merged_updated_and_deleted(orders: Orders):
    orders.sql("""
        MERGE INTO {lake}.sales.orders t USING (SELECT 3 AS id, 'merged' AS name UNION ALL SELECT 4, 'new') s ON t.id = s.id
        WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *
    """)
    orders.sql("UPDATE {lake}.sales.orders SET name = 'z' WHERE id = 2")
    orders.sql("DELETE FROM {lake}.sales.orders WHERE id = 1")

    assert orders.rows() == [(2, "z"), (3, "merged"), (4, "new")]
    operations = orders.sql("SELECT operation FROM {lake}.sales.orders.snapshots ORDER BY committed_at")
    assert [operation for (operation,) in operations] == ["append", "overwrite", "overwrite", "overwrite"]


def test_spark_pyiceberg_and_duckdb_read_what_the_others_wrote(orders: Orders):
    lake = orders.lake
    table = lake.pyiceberg().load_table("sales.orders")
    assert ids(table) == [1, 2, 3]
    lake.duckdb().execute("INSERT INTO lake.sales.orders VALUES (4, 'duck')")
    table.refresh()
    table.append(rows(5))

    assert orders.rows("WHERE id > 3") == [(4, "duck"), (5, "name-5")]
    assert lake.duckdb().execute("SELECT count(*) FROM lake.sales.orders").fetchall() == [(5,)]


def test_tables_are_created_and_replaced_with_their_rows(orders: Orders):
    orders.sql("CREATE TABLE {lake}.sales.squares USING iceberg AS SELECT id, id * id AS square FROM range(4)")
    assert orders.sql("SELECT * FROM {lake}.sales.squares ORDER BY id") == [(0, 0), (1, 1), (2, 4), (3, 9)]

    orders.sql("REPLACE TABLE {lake}.sales.squares USING iceberg AS SELECT id FROM range(2)")
    assert orders.sql("SELECT * FROM {lake}.sales.squares ORDER BY id") == [(0,), (1,)]

    orders.sql("""
        CREATE OR REPLACE TABLE {lake}.sales.squares USING iceberg
        TBLPROPERTIES ('format-version' = '3') AS SELECT 'one' AS name
    """)
    assert orders.sql("SELECT * FROM {lake}.sales.squares") == [("one",)]
    table = orders.lake.pyiceberg().load_table("sales.squares")
    assert table.format_version == 3
    assert len(table.snapshots()) == 3


def test_columns_partitions_and_properties_change_under_old_rows(file_orders: Orders):
    for change in (
        "ADD COLUMN price double",
        "RENAME COLUMN name TO label",
        "ADD PARTITION FIELD truncate(1, label)",
        "DROP PARTITION FIELD bucket(4, id)",
        "WRITE ORDERED BY id",
        "SET TBLPROPERTIES ('team' = 'eu')",
    ):
        file_orders.sql(f"ALTER TABLE {{lake}}.sales.orders {change}")
    file_orders.sql("INSERT INTO {lake}.sales.orders VALUES (4, 'd', 4.5)")

    assert file_orders.rows() == [(1, "a", None), (2, "b", None), (3, "c", None), (4, "d", 4.5)]
    table = file_orders.lake.pyiceberg().load_table("sales.orders")
    assert [field.name for field in table.spec().fields] == ["label_trunc_1"]
    assert table.sort_order().fields[0].source_id == 1
    assert table.properties["team"] == "eu"


def test_history_branches_and_tags(file_orders: Orders):
    file_orders.sql("ALTER TABLE {lake}.sales.orders CREATE TAG launch")
    file_orders.sql("ALTER TABLE {lake}.sales.orders CREATE BRANCH audit")
    file_orders.sql("INSERT INTO {lake}.sales.orders.branch_audit VALUES (4, 'd')")
    assert len(file_orders.rows()) == 3
    assert len(file_orders.rows("VERSION AS OF 'audit'")) == 4

    file_orders.sql("CALL {lake}.system.fast_forward('sales.orders', 'main', 'audit')")
    assert len(file_orders.rows()) == 4
    assert len(file_orders.rows("VERSION AS OF 'launch'")) == 3
    file_orders.sql("ALTER TABLE {lake}.sales.orders DROP BRANCH audit")
    assert set(file_orders.lake.pyiceberg().load_table("sales.orders").refs()) == {"main", "launch"}


def test_maintenance_keeps_the_rows(file_orders: Orders):
    for id in range(4, 8):
        file_orders.sql(f"INSERT INTO {{lake}}.sales.orders VALUES ({id}, 'x')")
    before = file_orders.rows()

    file_orders.sql("""
        CALL {lake}.system.rewrite_data_files(table => 'sales.orders', options => map('rewrite-all', 'true'))
    """)
    file_orders.sql("CALL {lake}.system.rewrite_manifests('sales.orders')")
    file_orders.sql("""
        CALL {lake}.system.expire_snapshots(
            table => 'sales.orders', older_than => TIMESTAMP '2099-01-01 00:00:00', retain_last => 1)
    """)

    assert file_orders.rows() == before
    assert len(file_orders.lake.pyiceberg().load_table("sales.orders").snapshots()) == 1


def test_namespaces_and_tables_are_listed_renamed_and_dropped(file_orders: Orders):
    sql = file_orders.sql
    sql("CREATE NAMESPACE IF NOT EXISTS {lake}.sales")
    sql("CREATE NAMESPACE {lake}.sales.eu")
    sql("ALTER NAMESPACE {lake}.sales SET PROPERTIES ('team' = 'eu')")
    sql("ALTER TABLE {lake}.sales.orders RENAME TO sales.eu.archive")

    assert sql("SHOW NAMESPACES IN {lake}") == [("sales",)]
    assert sql("SHOW NAMESPACES IN {lake}.sales") == [("sales.eu",)]
    assert sql("SHOW TABLES IN {lake}.sales") == []
    assert sql("SELECT count(*) FROM {lake}.sales.eu.archive") == [(3,)]
    with pytest.raises(Exception, match="not empty"):
        sql("DROP NAMESPACE {lake}.sales.eu")

    sql("DROP TABLE {lake}.sales.eu.archive")
    sql("DROP NAMESPACE {lake}.sales.eu")
    sql("DROP NAMESPACE {lake}.sales")
    assert sql("SHOW NAMESPACES IN {lake}") == []


def test_names_with_spaces_dots_and_other_scripts_survive(file_orders: Orders):
    for namespace in ("with space", "with.dot", "größe"):
        table = f"{{lake}}.`{namespace}`.`tábla 1`"
        file_orders.sql(f"CREATE NAMESPACE {{lake}}.`{namespace}`")
        file_orders.sql(f"CREATE TABLE {table} (id bigint) USING iceberg")
        file_orders.sql(f"INSERT INTO {table} VALUES (1)")

        assert file_orders.sql(f"SELECT * FROM {table}") == [(1,)]
        assert file_orders.lake.pyiceberg().list_tables((namespace,)) == [(namespace, "tábla 1")]


def test_required_columns_and_identifiers_are_kept(file_orders: Orders):
    file_orders.sql("CREATE TABLE {lake}.sales.keyed (id bigint NOT NULL, name string) USING iceberg")
    file_orders.sql("ALTER TABLE {lake}.sales.keyed SET IDENTIFIER FIELDS id")

    schema = file_orders.lake.pyiceberg().load_table("sales.keyed").schema()

    assert schema == Schema(
        NestedField(1, "id", LongType(), required=True),
        NestedField(2, "name", StringType(), required=False),
        identifier_field_ids=[1],
    )


def test_scans_and_commits_are_reported(spark: Spark, lake: Lake, rest: Rest):
    # Reports are taken from those who may read and write the data.
    rest.open_content(lake.name)
    orders = Orders(spark, lake)
    assert orders.rows("WHERE id = 2") == [(2, "b")]

    path = f"/api/management/v1/catalogs/{orders.lake.name}/metrics-reports?namespace=sales&table=orders"
    deadline = time.monotonic() + 60
    # Spark sends them beside its work.
    while {report["kind"] for report in rest.get(path)["reports"]} != {"scan", "commit"}:
        assert time.monotonic() < deadline, "nothing was reported"
        time.sleep(0.1)

    reports = rest.get(path)["reports"]
    commit = next(report["report"] for report in reports if report["kind"] == "commit")
    scan = next(report["report"] for report in reports if report["kind"] == "scan")
    assert commit["operation"] == "append"
    assert commit["metrics"]["added-records"]["value"] == 3
    assert scan["snapshot-id"] == commit["snapshot-id"]
    assert scan["projected-field-names"] == ["id", "name"]
