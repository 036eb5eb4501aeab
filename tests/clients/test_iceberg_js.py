"""iceberg-js: the protocol as a client of another language speaks it, beside those of Java, Python and C++."""

import pytest

from iceberg_js import IcebergJs
from lake import Lake
from rest import Rest
from rows import ids, rows

SCHEMA = {
    "type": "struct",
    "fields": [
        {"id": 1, "name": "id", "type": "long", "required": False},
        {"id": 2, "name": "name", "type": "string", "required": False},
    ],
}
SALES = {"namespace": ["sales"]}
ORDERS = {"namespace": ["sales"], "name": "orders"}


@pytest.fixture
def client(file_lake: Lake, rest: Rest) -> IcebergJs:
    return IcebergJs(file_lake, rest.token)


def test_namespaces_of_any_depth_are_made_listed_and_dropped(client: IcebergJs):
    deep = {"namespace": ["sales", "größe & more", "a.b"]}
    client.value("createNamespace", SALES, {"properties": {"owner": "team"}})
    client.values(("createNamespace", {"namespace": deep["namespace"][:2]}), ("createNamespace", deep))

    listed, below, properties, there, gone = client.values(
        ("listNamespaces",),
        ("listNamespaces", {"namespace": deep["namespace"][:2]}),
        ("loadNamespaceMetadata", SALES),
        ("namespaceExists", deep),
        ("namespaceExists", {"namespace": ["sales", "none"]}),
    )

    assert listed == [SALES]
    assert below == [deep]
    assert properties["properties"]["owner"] == "team"
    assert (there, gone) == (True, False)
    refused = client.error("dropNamespace", SALES)
    assert (refused["status"], refused["type"]) == (409, "NamespaceNotEmptyException")
    client.values(("dropNamespace", deep), ("dropNamespace", {"namespace": deep["namespace"][:2]}))
    client.value("dropNamespace", SALES)
    assert client.value("listNamespaces") == []


def test_a_table_is_made_changed_and_dropped(client: IcebergJs, file_lake: Lake):
    client.value("createNamespace", SALES)
    spec = {"spec-id": 0, "fields": [{"source-id": 1, "field-id": 1000, "name": "id_bucket", "transform": "bucket[4]"}]}
    asked = {"name": "orders", "schema": SCHEMA, "partition-spec": spec, "properties": {"owner": "team"}}
    made = client.value("createTable", SALES, asked)
    assert made["partition-specs"][0]["fields"][0]["transform"] == "bucket[4]"
    assert made["properties"]["owner"] == "team"

    widened = {"type": "struct", "fields": [*SCHEMA["fields"], {"id": 3, "name": "at", "type": "date", "required": False}]}
    changed = client.value(
        "updateTable",
        ORDERS,
        {
            "requirements": [{"type": "assert-current-schema-id", "current-schema-id": 0}],
            "updates": [
                {"action": "add-schema", "schema": widened},
                {"action": "set-current-schema", "schema-id": -1},
                {"action": "set-properties", "updates": {"owner": "others"}},
            ],
        },
    )

    assert changed["metadata"]["current-schema-id"] == 1
    assert changed["metadata"]["properties"]["owner"] == "others"
    seen = file_lake.pyiceberg().load_table("sales.orders")
    assert seen.metadata_location == changed["metadata-location"]
    assert [field.name for field in seen.schema().fields] == ["id", "name", "at"]
    tables, there = client.values(("listTables", SALES), ("tableExists", ORDERS))
    assert (tables, there) == ([ORDERS], True)
    assert client.values(("dropTable", ORDERS), ("tableExists", ORDERS), ("listTables", SALES)) == [None, False, []]


def test_it_loads_what_python_wrote(client: IcebergJs, file_lake: Lake):
    client.value("createNamespace", SALES)
    client.value("createTable", SALES, {"name": "orders", "schema": SCHEMA})
    table = file_lake.pyiceberg().load_table("sales.orders")
    table.append(rows(1, 2, 3))

    loaded = client.value("loadTable", ORDERS)

    # Of a number of 64 bits JavaScript keeps 53.
    snapshot = table.current_snapshot()
    assert float(loaded["refs"]["main"]["snapshot-id"]) == float(snapshot.snapshot_id)
    assert loaded["snapshots"][0]["summary"]["added-records"] == "3"
    assert ids(file_lake.pyiceberg().load_table("sales.orders")) == [1, 2, 3]


def test_what_is_there_is_kept_and_a_refusal_is_told_as_its_kind(client: IcebergJs):
    client.value("createNamespace", SALES)
    client.value("createTable", SALES, {"name": "orders", "schema": SCHEMA})
    made = client.value("loadTable", ORDERS)

    again = client.error("createTable", SALES, {"name": "orders", "schema": SCHEMA})
    assert (again["status"], again["code"], again["type"]) == (409, 409, "AlreadyExistsException")
    kept = client.values(
        ("createTableIfNotExists", SALES, {"name": "orders", "schema": SCHEMA}), ("createNamespaceIfNotExists", SALES)
    )
    assert kept == [made, None]

    missing = client.error("loadTable", {"namespace": ["sales"], "name": "none"})
    assert (missing["status"], missing["type"]) == (404, "NoSuchTableException")
    stale = {"type": "assert-table-uuid", "uuid": "00000000-0000-4000-8000-000000000000"}
    conflict = client.error("updateTable", ORDERS, {"requirements": [stale], "updates": []})
    assert (conflict["status"], conflict["type"]) == (409, "CommitFailedException")


def test_a_wrong_token_is_refused(file_lake: Lake, rest: Rest):
    refused = IcebergJs(file_lake, rest.token[:-4]).error("listNamespaces")

    assert (refused["status"], refused["code"]) == (401, 401)
