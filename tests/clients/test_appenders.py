"""Spark: sixteen appenders at one table, each as patient as clients are."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lake import Lake
from rows import ids
from server import Server
from spark import Spark

APPENDERS = 16
APPENDS = 50
ALL = APPENDERS * APPENDS
COMMIT = re.compile(r'method=POST path="[^"]*/tables/orders" status=(\d+)')
PATIENCE = {
    "commit.retry.num-retries": "1000",
    "commit.retry.min-wait-ms": "250",
    "commit.retry.max-wait-ms": "4000",
    "commit.retry.total-timeout-ms": "900000",
}


# Most of the time goes into Spark's jobs and Iceberg's manifests, sixteen at a time on however few cores there are.
@pytest.mark.timeout(900)
def test_what_sixteen_appenders_append_is_there_exactly_once(spark: Spark, file_lake: Lake, server: Server):
    spark.attach(file_lake)
    table = f"{file_lake.name}.sales.orders"
    spark.sql(f"CREATE NAMESPACE {file_lake.name}.sales")
    properties = ", ".join(f"'{key}' = '{value}'" for key, value in PATIENCE.items())
    spark.sql(f"CREATE TABLE {table} (id bigint, name string) USING iceberg TBLPROPERTIES ({properties})")
    log_before = server.log.stat().st_size

    def append(appender: int) -> None:
        for id in range(appender * APPENDS, (appender + 1) * APPENDS):
            spark.sql(f"INSERT INTO {table} VALUES ({id}, 'name-{id}')")

    # To compile each statement would take longer than all the rest.
    with (
        spark.setting("spark.sql.codegen.wholeStage", "false"),
        spark.setting("spark.sql.codegen.factoryMode", "NO_CODEGEN"),
        ThreadPoolExecutor(APPENDERS) as pool,
    ):
        list(pool.map(append, range(APPENDERS)))

    seen = file_lake.pyiceberg().load_table("sales.orders")
    assert ids(seen) == list(range(ALL))
    assert len(seen.snapshots()) == ALL
    statuses = _statuses_of_commits(server.log, log_before)
    assert statuses.count(200) == ALL
    assert set(statuses) <= {200, 409}, "a lost race is told as a conflict and as nothing else"
    assert 409 in statuses, "nobody ever lost a race, so that nothing was shown"
    # Every file is of a version that was current once: the pointer names the last, and the losers' are gone.
    folder = Path(seen.location().removeprefix("file://")) / "metadata"
    files = sorted(file.name for file in folder.glob("*.metadata.json"))
    assert [int(name[:5]) for name in files] == list(range(ALL + 1))
    assert seen.metadata_location.endswith(f"/metadata/{files[-1]}")


def _statuses_of_commits(log: Path, after: int) -> list[int]:
    """Returns the status of each commit that the server logged."""
    logged = log.read_bytes()[after:].decode()
    return [int(status) for status in COMMIT.findall(logged)]
