"""Views: PyIceberg and Spark make, read, replace and drop them, and see each other's."""

import pytest
from pyiceberg.exceptions import NoSuchViewError, TableAlreadyExistsError, ViewAlreadyExistsError
from pyiceberg.view.metadata import SQLViewRepresentation, ViewRepresentation, ViewVersion

from lake import Lake
from polaris_cli import PolarisCli
from rest import Rest
from rows import SCHEMA, rows
from spark import Spark

QUERY = "SELECT id, name FROM orders WHERE id > 1"


def version(sql: str = QUERY) -> ViewVersion:
    query = SQLViewRepresentation(type="sql", sql=sql, dialect="spark")
    return ViewVersion(
        schema_id=0,
        summary={"made-by": "a test"},
        representations=[ViewRepresentation(root=query)],
        default_namespace=("sales",),
    )


def test_a_view_made_by_one_client_is_read_by_another(lake: Lake):
    catalog = lake.pyiceberg()
    catalog.create_namespace("sales")

    made = catalog.create_view("sales.recent", SCHEMA, version(), properties={"comment": "new ones"})

    read = lake.pyiceberg().load_view("sales.recent")
    assert read.metadata == made.metadata
    assert read.location() == f"{lake.base}/sales/recent"
    assert read.properties == {"comment": "new ones"}
    assert [field.name for field in read.schema().fields] == ["id", "name"]
    assert read.current_version().representations[0].root.sql == QUERY
    assert read.current_version().summary == {"made-by": "a test"}
    assert [entry.version_id for entry in read.history()] == [1]


def test_views_are_listed_and_found_and_dropped(lake: Lake):
    catalog = lake.pyiceberg()
    catalog.create_namespace("sales")
    catalog.create_table("sales.orders", schema=SCHEMA)
    for name in ("b", "a"):
        catalog.create_view(f"sales.{name}", SCHEMA, version())

    assert catalog.list_views("sales") == [("sales", "a"), ("sales", "b")]
    assert catalog.list_tables("sales") == [("sales", "orders")]
    assert catalog.view_exists("sales.a") and not catalog.view_exists("sales.orders")
    assert not catalog.table_exists("sales.a")

    catalog.drop_view("sales.a")

    assert catalog.list_views("sales") == [("sales", "b")]
    with pytest.raises(NoSuchViewError):
        catalog.drop_view("sales.a")
    with pytest.raises(NoSuchViewError):
        catalog.load_view("sales.a")


def test_tables_and_views_share_their_names(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    catalog.create_table("sales.orders", schema=SCHEMA)
    catalog.create_view("sales.recent", SCHEMA, version())

    with pytest.raises(ViewAlreadyExistsError):
        catalog.create_view("sales.recent", SCHEMA, version())
    with pytest.raises(ViewAlreadyExistsError, match="Table with same name already exists: sales.orders"):
        catalog.create_view("sales.orders", SCHEMA, version())
    with pytest.raises(TableAlreadyExistsError, match="View with same name already exists: sales.recent"):
        catalog.create_table("sales.recent", schema=SCHEMA)


def test_a_dropped_view_is_registered_again(lake: Lake, rest: Rest):
    catalog = lake.pyiceberg()
    catalog.create_namespace("sales")
    made = catalog.create_view("sales.recent", SCHEMA, version())
    location = rest.get(view_path(lake, "recent"))["metadata-location"]
    catalog.drop_view("sales.recent")

    registered = catalog.register_view("sales.back", location)

    assert registered.metadata == made.metadata
    assert lake.pyiceberg().load_view("sales.back").metadata == made.metadata


def test_spark_reads_replaces_renames_and_drops_views(spark: Spark, lake: Lake):
    catalog = lake.pyiceberg()
    catalog.create_namespace("sales")
    catalog.create_table("sales.orders", schema=SCHEMA).append(rows(1, 2, 3))
    spark.attach(lake)

    def sql(statement: str) -> list[tuple]:
        return spark.sql(statement.replace("{sales}", f"{lake.name}.sales"))

    sql("CREATE VIEW {sales}.recent AS SELECT id FROM {sales}.orders WHERE id > 1")
    assert sql("SELECT * FROM {sales}.recent ORDER BY id") == [(2,), (3,)]
    assert [row[1] for row in sql("SHOW VIEWS IN {sales}")] == ["recent"]
    assert catalog.list_views("sales") == [("sales", "recent")]

    sql("CREATE OR REPLACE VIEW {sales}.recent AS SELECT id, name FROM {sales}.orders WHERE id > 2")
    assert sql("SELECT * FROM {sales}.recent") == [(3, "name-3")]
    assert [entry.version_id for entry in catalog.load_view("sales.recent").history()] == [1, 2]

    sql("ALTER VIEW {sales}.recent SET TBLPROPERTIES ('team' = 'eu')")
    assert catalog.load_view("sales.recent").properties["team"] == "eu"

    sql("ALTER VIEW {sales}.recent RENAME TO {sales}.latest")
    assert catalog.list_views("sales") == [("sales", "latest")]

    sql("DROP VIEW {sales}.latest")
    assert catalog.list_views("sales") == []


def test_spark_reads_a_view_that_pyiceberg_made(spark: Spark, file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    catalog.create_table("sales.orders", schema=SCHEMA).append(rows(1, 2))
    catalog.create_view("sales.recent", SCHEMA, version())
    spark.attach(file_lake)

    assert spark.sql(f"SELECT * FROM {file_lake.name}.sales.recent") == [(2, "name-2")]


def test_the_command_line_of_polaris_lists_shows_and_deletes_views(cli: PolarisCli, file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    made = catalog.create_view("sales.recent", SCHEMA, version())
    place = ["--catalog", file_lake.name, "--namespace", "sales"]

    assert cli.show("views", "list", *place) == {"namespace": ["sales"], "name": "recent"}
    shown = cli.show("views", "get", "recent", *place)
    assert shown["metadata"]["view-uuid"] == made.metadata.view_uuid
    assert made.location() in cli.text("views", "summarize", "recent", *place)

    cli.text("views", "delete", "recent", *place)

    assert catalog.list_views("sales") == []


def view_path(lake: Lake, name: str) -> str:
    return f"/api/catalog/v1/{lake.name}/namespaces/sales/views/{name}"
