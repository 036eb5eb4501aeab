"""DuckDB: SQL through the catalog, on local files and on S3."""

import duckdb
import pytest

from lake import Lake


@pytest.fixture
def db(lake: Lake) -> duckdb.DuckDBPyConnection:
    connection = lake.duckdb()
    connection.execute("CREATE SCHEMA lake.sales")
    connection.execute("CREATE TABLE lake.sales.orders (id BIGINT, name VARCHAR)")
    connection.execute("INSERT INTO lake.sales.orders VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    return connection


def _orders(connection: duckdb.DuckDBPyConnection, clause: str = "") -> list[tuple]:
    return connection.execute(f"SELECT * FROM lake.sales.orders {clause} ORDER BY id").fetchall()


def test_inserted_rows_are_read_by_another_connection(db: duckdb.DuckDBPyConnection, lake: Lake):
    assert _orders(lake.duckdb()) == [(1, "a"), (2, "b"), (3, "c")]


def test_rows_are_updated_deleted_and_merged(db: duckdb.DuckDBPyConnection, lake: Lake):
    db.execute("UPDATE lake.sales.orders SET name = 'z' WHERE id = 2")
    db.execute("DELETE FROM lake.sales.orders WHERE id = 1")
    db.execute("""
        MERGE INTO lake.sales.orders USING (VALUES (3, 'merged'), (4, 'new')) AS source(id, name)
        ON orders.id = source.id
        WHEN MATCHED THEN UPDATE SET name = source.name
        WHEN NOT MATCHED THEN INSERT VALUES (source.id, source.name)
    """)

    assert _orders(lake.duckdb()) == [(2, "z"), (3, "merged"), (4, "new")]


def test_columns_and_tables_are_altered(db: duckdb.DuckDBPyConnection, lake: Lake):
    db.execute("ALTER TABLE lake.sales.orders ADD COLUMN size INTEGER")
    db.execute("ALTER TABLE lake.sales.orders RENAME COLUMN name TO label")
    db.execute("INSERT INTO lake.sales.orders VALUES (4, 'd', 40)")
    assert _orders(lake.duckdb()) == [(1, "a", None), (2, "b", None), (3, "c", None), (4, "d", 40)]

    db.execute("ALTER TABLE lake.sales.orders DROP COLUMN label")
    db.execute("ALTER TABLE lake.sales.orders RENAME TO archive")
    rows = lake.duckdb().execute("SELECT * FROM lake.sales.archive ORDER BY id").fetchall()
    assert rows == [(1, None), (2, None), (3, None), (4, 40)]


def test_an_earlier_version_is_read_by_its_snapshot(db: duckdb.DuckDBPyConnection, lake: Lake):
    db.execute("DELETE FROM lake.sales.orders WHERE id > 1")
    query = "SELECT snapshot_id FROM iceberg_snapshots(lake.sales.orders) ORDER BY sequence_number"
    (first,), (second,) = db.execute(query).fetchall()

    connection = lake.duckdb()

    assert _orders(connection, f"AT (VERSION => {first})") == [(1, "a"), (2, "b"), (3, "c")]
    assert _orders(connection, f"AT (VERSION => {second})") == [(1, "a")]


def test_a_transaction_over_two_tables_lands_whole_or_not_at_all(db: duckdb.DuckDBPyConnection, lake: Lake):
    db.execute("CREATE TABLE lake.sales.totals (orders BIGINT)")
    db.execute("INSERT INTO lake.sales.totals VALUES (3)")

    db.execute("BEGIN")
    db.execute("INSERT INTO lake.sales.orders VALUES (4, 'd')")
    db.execute("INSERT INTO lake.sales.totals VALUES (4)")
    db.execute("COMMIT")
    db.execute("BEGIN")
    db.execute("INSERT INTO lake.sales.orders VALUES (5, 'e')")
    db.execute("INSERT INTO lake.sales.totals VALUES (5)")
    db.execute("ROLLBACK")

    connection = lake.duckdb()
    assert len(_orders(connection)) == 4
    assert connection.execute("SELECT * FROM lake.sales.totals ORDER BY 1").fetchall() == [(3,), (4,)]


def test_a_transaction_that_lost_a_race_on_one_table_changes_neither(db: duckdb.DuckDBPyConnection, lake: Lake):
    db.execute("CREATE TABLE lake.sales.totals (orders BIGINT)")
    db.execute("INSERT INTO lake.sales.totals VALUES (3)")
    other = lake.duckdb()
    assert len(_orders(other)) == 3

    db.execute("BEGIN")
    db.execute("INSERT INTO lake.sales.totals VALUES (4)")
    db.execute("UPDATE lake.sales.orders SET name = 'mine' WHERE id = 1")
    other.execute("UPDATE lake.sales.orders SET name = 'theirs' WHERE id = 1")
    with pytest.raises(duckdb.Error):
        db.execute("COMMIT")

    connection = lake.duckdb()
    assert _orders(connection) == [(1, "theirs"), (2, "b"), (3, "c")]
    assert connection.execute("SELECT * FROM lake.sales.totals").fetchall() == [(3,)]


def test_a_table_is_created_with_its_rows_in_one_statement(s3_lake: Lake):
    # Not on local files: there DuckDB expects the folder of the manifests to exist before the table does.
    connection = s3_lake.duckdb()
    connection.execute("CREATE SCHEMA lake.sales")
    connection.execute("CREATE TABLE lake.sales.squares AS SELECT i AS id, i * i AS square FROM range(4) t(i)")

    read = s3_lake.duckdb().execute("SELECT * FROM lake.sales.squares ORDER BY id").fetchall()

    assert read == [(0, 0), (1, 1), (2, 4), (3, 9)]


def test_partitioned_rows_are_written_and_filtered(db: duckdb.DuckDBPyConnection, lake: Lake):
    db.execute("CREATE TABLE lake.sales.visits (id BIGINT, day DATE) PARTITIONED BY (day)")
    db.execute("INSERT INTO lake.sales.visits SELECT i, DATE '2024-01-01' + (i % 3)::INTEGER FROM range(9) t(i)")

    query = "SELECT id FROM lake.sales.visits WHERE day = DATE '2024-01-02' ORDER BY id"

    assert lake.duckdb().execute(query).fetchall() == [(1,), (4,), (7,)]


def test_tables_of_format_version_3_hold_deletion_vectors(db: duckdb.DuckDBPyConnection, lake: Lake):
    db.execute("CREATE TABLE lake.sales.v3 (id BIGINT, name VARCHAR) WITH ('format-version' = '3')")
    db.execute("INSERT INTO lake.sales.v3 VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    db.execute("DELETE FROM lake.sales.v3 WHERE id = 2")
    db.execute("UPDATE lake.sales.v3 SET name = 'z' WHERE id = 3")

    connection = lake.duckdb()

    assert connection.execute("SELECT * FROM lake.sales.v3 ORDER BY id").fetchall() == [(1, "a"), (3, "z")]
    assert lake.pyiceberg().load_table("sales.v3").format_version == 3


def test_tables_and_schemas_are_listed_and_dropped(db: duckdb.DuckDBPyConnection, lake: Lake):
    listed = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'lake'"
    assert lake.duckdb().execute(listed).fetchall() == [("sales", "orders")]
    with pytest.raises(duckdb.Error, match="(?i)already exists"):
        db.execute("CREATE TABLE lake.sales.orders (id BIGINT)")

    db.execute("DROP TABLE lake.sales.orders")
    db.execute("DROP SCHEMA lake.sales")

    assert lake.duckdb().execute(listed).fetchall() == []
    assert lake.pyiceberg().list_namespaces() == []
