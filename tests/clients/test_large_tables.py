"""A table of 5,000 snapshots and 2,000 columns, and how much memory the server takes for it."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rest import Rest, table_path

SNAPSHOTS = 5_000
COLUMNS = 2_000
AT_ONCE = 16
ROUNDS = 3
# The cache of metadata (merak.metadata.cache-max-bytes), and what sixteen requests work with.
MAX_MIB = 320


def test_a_large_table_is_served_within_bounds(make_server: Any, new_store: Any, tmp_path: Path):
    server = make_server(new_store(), "large").start()
    rest = Rest(server.uri)
    base = f"file://{tmp_path}/warehouse"
    rest.create_file_catalog("large", base)
    rest.open_content("large")
    rest.create_namespace("large", "ns")
    metadata = _register(rest)
    path = table_path("large", "ns", "t")

    def work(number: int) -> int:
        session = Rest(server.uri, rest.token)
        for _ in range(ROUNDS):
            assert len(session.get(path)["metadata"]["snapshots"]) >= SNAPSHOTS
            refs = session.send("GET", path, params={"snapshots": "refs"})
            assert len(refs.json()["metadata"]["snapshots"]) == 1
            listed = session.get("/api/catalog/v1/large/namespaces/ns/tables")
            assert [identifier["name"] for identifier in listed["identifiers"]] == ["t"]
            update = {"action": "set-properties", "updates": {f"key-{number}": "value"}}
            assert session.commit("large", "ns", "t", [], [update]).status_code == 200
        return len(refs.content)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        size_of_refs = max(pool.map(work, range(AT_ONCE)))

    everything = len(json.dumps(metadata))
    assert size_of_refs < everything - 0.9 * len(json.dumps(metadata["snapshots"]))
    assert server.peak_memory_mib() < MAX_MIB
    assert len(rest.get(path)["metadata"]["properties"]) >= AT_ONCE


def _register(rest: Rest) -> dict[str, Any]:
    """Makes the table of a metadata file, as one that was migrated comes to be. Returns the metadata."""
    columns = [
        {"id": id, "name": f"column_{id}", "required": False, "type": "string"} for id in range(1, COLUMNS + 1)
    ]
    body = {"name": "seed", "schema": {"type": "struct", "fields": columns}}
    seed = rest.post("/api/catalog/v1/large/namespaces/ns/tables", body)
    metadata = seed["metadata"]
    home = metadata["location"]
    metadata["snapshots"] = [_snapshot(home, id) for id in range(1, SNAPSHOTS + 1)]
    metadata["snapshot-log"] = [
        {"snapshot-id": id, "timestamp-ms": 1_755_000_000_000 + id} for id in range(1, SNAPSHOTS + 1)
    ]
    metadata["refs"] = {"main": {"snapshot-id": SNAPSHOTS, "type": "branch"}}
    metadata["current-snapshot-id"] = metadata["last-sequence-number"] = SNAPSHOTS
    file = Path(home.removeprefix("file://")) / "metadata" / "00001-large.metadata.json"
    file.write_text(json.dumps(metadata))
    assert rest.send("DELETE", table_path("large", "ns", "seed")).status_code == 204
    rest.post(
        "/api/catalog/v1/large/namespaces/ns/register", {"name": "t", "metadata-location": f"file://{file}"}
    )
    return metadata


def _snapshot(home: str, id: int) -> dict[str, Any]:
    parent = {"parent-snapshot-id": id - 1} if id > 1 else {}
    return {
        "snapshot-id": id,
        **parent,
        "sequence-number": id,
        "timestamp-ms": 1_755_000_000_000 + id,
        "manifest-list": f"{home}/metadata/snap-{id}.avro",
        "summary": {"operation": "append", "added-records": "1000", "total-records": str(1000 * id)},
        "schema-id": 0,
    }
