"""PyIceberg: several writers at one table."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import CommitFailedException, NamespaceAlreadyExistsError, TableAlreadyExistsError
from pyiceberg.types import StringType

from lake import Lake
from rows import SCHEMA, ids, rows

WRITERS = 4
APPENDS = 5
ROUNDS = 3


def test_of_two_appends_on_one_base_the_later_is_retried_and_both_land(lake: Lake, caplog: pytest.LogCaptureFixture):
    first_client = lake.pyiceberg()
    first_client.create_namespace("sales")
    first = first_client.create_table("sales.orders", schema=SCHEMA)
    second = lake.pyiceberg().load_table("sales.orders")

    first.append(rows(1))
    with caplog.at_level(logging.WARNING, logger="pyiceberg.table"):
        second.append(rows(2))

    assert "Commit failed due to a concurrent update, retrying (1/" in caplog.text
    seen = lake.pyiceberg().load_table("sales.orders")
    assert ids(seen) == [1, 2]
    earlier, later = seen.snapshots()
    assert later.parent_snapshot_id == earlier.snapshot_id


def test_appends_from_many_clients_at_once_land_exactly_once(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    patient = {"commit.retry.num-retries": "100", "commit.retry.min-wait-ms": "5", "commit.retry.max-wait-ms": "50"}
    catalog.create_table("sales.orders", schema=SCHEMA, properties=patient)

    def write(writer: int) -> None:
        table = file_lake.pyiceberg().load_table("sales.orders")
        for append in range(APPENDS):
            table.append(rows(writer * APPENDS + append))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))

    seen = file_lake.pyiceberg().load_table("sales.orders")
    assert ids(seen) == list(range(WRITERS * APPENDS))
    assert len(seen.snapshots()) == WRITERS * APPENDS


def test_of_those_who_create_one_namespace_or_table_at_once_one_does_and_the_others_hear_of_it(file_lake: Lake):
    for number in range(ROUNDS):
        name = f"n{number}"
        made = _race(file_lake, lambda catalog: catalog.create_namespace(name), NamespaceAlreadyExistsError)
        assert made == 1

        made = _race(file_lake, lambda catalog: catalog.create_table((name, "t"), SCHEMA), TableAlreadyExistsError)
        assert made == 1

        staging = file_lake.pyiceberg().create_table_transaction
        staged = [staging((name, "staged"), SCHEMA) for _ in range(WRITERS)]
        made = _race(file_lake, lambda _: staged.pop().commit_transaction(), CommitFailedException)
        assert made == 1


def _race(lake: Lake, create: Callable[[RestCatalog], object], loss: type[Exception]) -> int:
    """Creates something through several clients at once, and returns how many of them did not lose."""
    start = threading.Barrier(WRITERS)
    catalogs = [lake.pyiceberg() for _ in range(WRITERS)]

    def attempt(catalog: RestCatalog) -> bool:
        start.wait(timeout=60)
        try:
            create(catalog)
        except loss:
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as pool:
        return sum(pool.map(attempt, catalogs))


def test_a_schema_change_on_an_old_base_is_refused(file_lake: Lake):
    first_client = file_lake.pyiceberg()
    first_client.create_namespace("sales")
    first = first_client.create_table("sales.orders", schema=SCHEMA)
    second = file_lake.pyiceberg().load_table("sales.orders")

    with first.update_schema() as update:
        update.add_column("city", StringType())
    with pytest.raises(CommitFailedException):
        with second.update_schema() as update:
            update.add_column("country", StringType())

    assert file_lake.pyiceberg().load_table("sales.orders").schema().column_names == ["id", "name", "city"]


def test_a_commit_to_a_dropped_and_recreated_table_is_refused(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    stale = catalog.create_table("sales.orders", schema=SCHEMA)
    catalog.drop_table("sales.orders")
    catalog.create_table("sales.orders", schema=SCHEMA).append(rows(1))

    with pytest.raises(CommitFailedException):
        stale.transaction().set_properties(owner="ann").commit_transaction()

    seen = file_lake.pyiceberg().load_table("sales.orders")
    assert ids(seen) == [1]
    assert "owner" not in seen.properties
