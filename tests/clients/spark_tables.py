"""A lake that is attached to Spark, and one table in it."""

from contextlib import AbstractContextManager
from typing import Any

from lake import Lake
from rest import Rest
from spark import Spark

ROWS = "(1, 'a'), (2, 'b'), (3, 'c')"


class Sheet:
    """An empty lake with a namespace `sales`. In a statement, `{lake}` is its name and `{t}` that of `sales.orders`."""

    def __init__(self, spark: Spark, lake: Lake, rest: Rest):
        self.lake = lake
        self._spark = spark
        self._rest = rest
        spark.attach(lake)
        self.sql("CREATE NAMESPACE {lake}.sales")

    def sql(self, statement: str) -> list[tuple]:
        return self._spark.sql(statement.replace("{t}", "{lake}.sales.orders").replace("{lake}", self.lake.name))

    def create(self, **properties: str) -> None:
        """Makes the table, with three rows in three files."""
        listed = ", ".join(f"'{key}' = '{value}'" for key, value in properties.items())
        clause = f"TBLPROPERTIES ({listed})" if listed else ""
        self.sql(f"CREATE TABLE {{t}} (id bigint, name string) USING iceberg PARTITIONED BY (id) {clause}")
        self.sql(f"INSERT INTO {{t}} VALUES {ROWS}")

    def rows(self, clause: str = "") -> list[tuple]:
        return self.sql(f"SELECT id, name FROM {{t}} {clause} ORDER BY id, name")

    def ids(self, clause: str = "") -> list[int]:
        return [id for id, _ in self.rows(clause)]

    def metadata(self) -> dict[str, Any]:
        """The table's metadata, as the server tells it."""
        return self._rest.load_table(self.lake.name, "sales", "orders")["metadata"]

    def operations(self) -> list[str]:
        return [snapshot["summary"]["operation"] for snapshot in self.metadata()["snapshots"]]

    def call(self, procedure: str, **arguments: str | int) -> list[tuple]:
        """Calls one of Iceberg's procedures on the table."""
        given = ", ".join(f"{key} => {value}" for key, value in {"table": "'sales.orders'", **arguments}.items())
        return self.sql(f"CALL {{lake}}.system.{procedure}({given})")

    def overwrite_partitions(self, values: str) -> None:
        """Replaces the rows of those partitions that the values are in."""
        frame = self._spark.query(f"SELECT CAST(col1 AS bigint) AS id, col2 AS name FROM VALUES {values}")
        frame.writeTo(f"{self.lake.name}.sales.orders").overwritePartitions()

    def setting(self, key: str, value: str) -> AbstractContextManager[None]:
        """Has the session do otherwise for a while."""
        return self._spark.setting(key, value)
