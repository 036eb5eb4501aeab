"""A table that is dropped with purge loses its files, and no other table does, whatever happens to the server."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.typedef import Record
from pyiceberg.types import LongType, NestedField

from lake import Lake
from rest import Rest
from server import Server
from spark import Spark

FILES = 10_000
SNAPSHOTS = 4
KILLS = 10
SHARED = 7
DONE_WITHIN_S = 60
PURGE = {"polaris.config.drop-with-purge.enabled": "true"}
# So that a killed server's work is taken up again at once, and no attempt is the last.
SETTINGS = {
    'polaris.features."POLARIS_TASK_TIMEOUT_MILLIS"': "1000",
    'polaris.features."DROP_WITH_PURGE_ENABLED"': "true",
    "merak.tasks.poll-interval": "PT0.05S",
    "merak.tasks.max-attempts": "1000",
}
LONG = Schema(NestedField(1, "id", LongType(), required=False))


def test_a_purge_outlives_kills_and_deletes_exactly_the_tables_files(
    make_server: Callable[..., Server], new_store: Callable, extensions: Path, tmp_path: Path
):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    server = make_server(new_store(), "purge", properties=SETTINGS).start()
    rest = Rest(server.uri)
    base = f"file://{tmp_path}/warehouse"
    rest.create_file_catalog("purge", base)
    rest.open_content("purge")
    catalog = Lake(server.uri, "purge", base, extensions).pyiceberg()
    catalog.create_namespace("db")
    doomed, folder = _make_table(catalog, "t", FILES)
    neighbours = [_make_table(catalog, name, 20) for name in ("t1", "other")]
    # As `add_files` does: the files of one table in another.
    shared = sorted(folder.glob("data/*"))[:: FILES // SHARED][:SHARED]
    _append(neighbours[0][0], shared)
    stray = folder / "data" / "of-nobody.parquet"
    stray.touch()
    kept = {stray, *shared}.union(*(_files(folder) for _, folder in neighbours))
    total = len(_files(folder))
    assert total > FILES + 2 * SNAPSHOTS

    catalog.purge_table("db.t")
    killed = []
    for left in sorted((chance.randrange(total // 20, total) for _ in range(KILLS)), reverse=True):
        _wait(lambda left=left: _count(folder) <= left)
        server.kill()
        killed.append(_count(folder))
        server.start()
    rest = Rest(server.uri)
    _wait(lambda: _task(rest)["state"] in ("done", "failed"))

    task = _task(rest)
    print(f"killed with so many files left: {killed} of {total}; {task}")
    assert task["state"] == "done", task
    assert _files(folder) == {stray, *shared}
    assert _files(tmp_path / "warehouse") == kept
    assert any(0 < left < total for left in killed), "no kill met the purge at work"
    assert not catalog.table_exists("db.t")
    for table, _ in neighbours:
        assert len(list(table.refresh().inspect.files()["file_path"])) >= 20
    server.stop()


@pytest.mark.replicas
def test_a_purge_is_taken_over_from_a_killed_replica(
    make_server: Callable[..., Server], new_store: Callable, extensions: Path, tmp_path: Path
):
    store = new_store()
    doomed, survivor = (make_server(store, label, properties=SETTINGS).start() for label in ("doomed", "survivor"))
    rest = Rest(doomed.uri)
    base = f"file://{tmp_path}/warehouse"
    rest.create_file_catalog("purge", base)
    rest.open_content("purge")
    catalog = Lake(doomed.uri, "purge", base, extensions).pyiceberg()
    catalog.create_namespace("db")
    _, folder = _make_table(catalog, "t", FILES)

    catalog.purge_table("db.t")
    doomed.kill()

    rest = Rest(survivor.uri)
    _wait(lambda: _task(rest)["state"] == "done")
    assert not folder.exists()
    survivor.stop()


def test_a_table_of_spark_is_purged_with_its_delete_files(
    spark: Spark, make_server: Callable[..., Server], new_store: Callable, extensions: Path, tmp_path: Path
):
    server = make_server(new_store(), "purge-spark", properties=SETTINGS).start()
    rest = Rest(server.uri)
    lake = Lake(server.uri, "purge", f"file://{tmp_path}/warehouse", extensions)
    rest.create_file_catalog(lake.name, lake.base)
    rest.open_content(lake.name)
    spark.attach(lake)
    spark.sql("CREATE NAMESPACE purge.db")
    spark.sql("CREATE TABLE purge.db.t (id bigint) TBLPROPERTIES ('write.delete.mode' = 'merge-on-read')")
    spark.sql("INSERT INTO purge.db.t SELECT /*+ COALESCE(1) */ id FROM range(10)")
    spark.sql("DELETE FROM purge.db.t WHERE id = 3")
    folder = _folder(lake.pyiceberg().load_table("db.t"))
    assert list(folder.glob("data/*-deletes.parquet"))

    # As Spark's own PURGE does from Iceberg 1.11 on, with `rest-catalog-purge`; before, it deletes the files itself.
    assert spark.java_drop(lake, "db", "t", purge=True)

    _wait(lambda: _task(rest)["state"] == "done")
    # What is left are the checksums that Hadoop writes beside local files, which no metadata names.
    assert [file for file in _files(folder) if file.suffix != ".crc"] == []
    server.stop()


def _make_table(catalog: RestCatalog, name: str, files: int) -> tuple[Table, Path]:
    """Makes a table with so many files, which are empty, in a few snapshots."""
    table = catalog.create_table(f"db.{name}", schema=LONG)
    folder = _folder(table)
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    for snapshot in range(SNAPSHOTS):
        made = [data / f"{snapshot}-{number:05}.parquet" for number in range(files // SNAPSHOTS)]
        for file in made:
            file.touch()
        _append(table, made)
    return table, folder


def _append(table: Table, files: list[Path]) -> None:
    """Commits a snapshot that names these files, whatever is in them."""
    with table.transaction() as transaction, transaction.update_snapshot().fast_append() as append:
        for file in files:
            named = DataFile.from_args(
                content=DataFileContent.DATA,
                file_path=f"file://{file}",
                file_format=FileFormat.PARQUET,
                partition=Record(),
                record_count=1,
                file_size_in_bytes=1,
                column_sizes={},
                value_counts={},
                null_value_counts={},
                nan_value_counts={},
                lower_bounds={},
                upper_bounds={},
                key_metadata=None,
                split_offsets=None,
                equality_ids=None,
                sort_order_id=None,
            )
            named.spec_id = table.metadata.default_spec_id
            append.append_data_file(named)


def _folder(table: Table) -> Path:
    return Path(unquote(urlsplit(table.location()).path))


def _files(folder: Path) -> set[Path]:
    return {Path(parent) / name for parent, _, names in os.walk(folder) for name in names}


def _count(folder: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(folder))


def _task(rest: Rest) -> dict:
    (task,) = rest.get("/api/management/v1/catalogs/purge/tasks")["tasks"]
    return task


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DONE_WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline, "the purge does not go on"
        time.sleep(0.002)
