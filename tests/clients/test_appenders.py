"""PyIceberg: sixteen appenders at one table, each as patient as clients are."""

import multiprocessing
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lake import Lake
from rows import SCHEMA, ids, rows
from server import Server

PROCESSES = 4
THREADS = 4
APPENDS = 50
ALL = PROCESSES * THREADS * APPENDS
COMMIT = re.compile(r'method=POST path="[^"]*/tables/orders" status=(\d+)')


# Most of the time goes into PyIceberg's manifests, sixteen at a time on however few cores there are.
@pytest.mark.timeout(1200)
def test_what_sixteen_appenders_append_is_there_exactly_once(file_lake: Lake, server: Server):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    patient = {
        "commit.retry.num-retries": "1000",
        "commit.retry.min-wait-ms": "20",
        "commit.retry.max-wait-ms": "600",
        "commit.retry.total-timeout-ms": "900000",
    }
    catalog.create_table("sales.orders", schema=SCHEMA, properties=patient)
    log_before = server.log.stat().st_size

    context = multiprocessing.get_context("spawn")
    arguments = (file_lake.uri, file_lake.name, file_lake.base)
    processes = [context.Process(target=_append, args=(number, *arguments)) for number in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=1000)

    assert [process.exitcode for process in processes] == [0] * PROCESSES
    seen = file_lake.pyiceberg().load_table("sales.orders")
    assert ids(seen) == list(range(ALL))
    assert len(seen.snapshots()) == ALL
    statuses = _statuses_of_commits(server.log, log_before)
    assert statuses.count(200) == ALL
    assert set(statuses) <= {200, 409}, "a lost race is told as a conflict and as nothing else"
    # Every file is of a version that was current once: the pointer names the last, and the losers' are gone.
    folder = Path(seen.location().removeprefix("file://")) / "metadata"
    files = sorted(file.name for file in folder.glob("*.metadata.json"))
    assert [int(name[:5]) for name in files] == list(range(ALL + 1))
    assert seen.metadata_location.endswith(f"/metadata/{files[-1]}")


def _append(number: int, uri: str, name: str, base: str) -> None:
    lake = Lake(uri, name, base, Path())

    def write(thread: int) -> None:
        table = lake.pyiceberg().load_table("sales.orders")
        first = (number * THREADS + thread) * APPENDS
        for id in range(first, first + APPENDS):
            table.append(rows(id))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(write, range(THREADS)))


def _statuses_of_commits(log: Path, after: int) -> list[int]:
    """Returns the status of each commit that the server logged."""
    logged = log.read_bytes()[after:].decode()
    return [int(status) for status in COMMIT.findall(logged)]
