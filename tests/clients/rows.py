"""The rows that the client tests write, and how they read them back."""

import pyarrow as pa
from pyiceberg.table import Table

SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.string())])
ALL_IDS = [1, 2, 3]


def rows(*ids: int) -> pa.Table:
    return pa.table({"id": list(ids), "name": [f"name-{id}" for id in ids]}, schema=SCHEMA)


def ids(table: Table, **scan: object) -> list[int]:
    """Returns the sorted ids of a scan."""
    return sorted(table.scan(**scan).to_arrow()["id"].to_pylist())
