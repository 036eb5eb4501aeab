"""PyIceberg: history, branches and tags, on local files and on S3."""

import pytest
from pyiceberg.table import Table

from lake import Lake
from rows import ALL_IDS, SCHEMA, ids, rows


def _with_two_snapshots(lake: Lake) -> Table:
    catalog = lake.pyiceberg()
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", schema=SCHEMA)
    table.append(rows(1))
    table.append(rows(2, 3))
    return table


def test_every_snapshot_can_be_read_by_its_id(lake: Lake):
    _with_two_snapshots(lake)

    table = lake.pyiceberg().load_table("sales.orders")

    first, second = (entry.snapshot_id for entry in table.history())
    assert ids(table, snapshot_id=first) == [1]
    assert ids(table, snapshot_id=second) == ALL_IDS
    assert table.current_snapshot().parent_snapshot_id == first
    assert [snapshot.sequence_number for snapshot in table.snapshots()] == [1, 2]


def test_a_tag_keeps_its_snapshot_while_the_table_goes_on(lake: Lake):
    table = _with_two_snapshots(lake)
    first = table.history()[0].snapshot_id
    table.manage_snapshots().create_tag(first, "launch").commit()
    table.append(rows(4))

    seen = lake.pyiceberg().load_table("sales.orders")

    assert ids(seen, snapshot_id=seen.snapshot_by_name("launch").snapshot_id) == [1]
    assert ids(seen) == [1, 2, 3, 4]
    seen.manage_snapshots().remove_tag("launch").commit()
    assert "launch" not in lake.pyiceberg().load_table("sales.orders").refs()


def test_rows_on_a_branch_stay_off_main(lake: Lake):
    table = _with_two_snapshots(lake)
    table.manage_snapshots().create_branch(table.current_snapshot().snapshot_id, "audit").commit()
    table.append(rows(4), branch="audit")

    seen = lake.pyiceberg().load_table("sales.orders")

    assert ids(seen) == ALL_IDS
    assert sorted(seen.scan().use_ref("audit").to_arrow()["id"].to_pylist()) == [1, 2, 3, 4]
    seen.manage_snapshots().remove_branch("audit").commit()
    assert set(lake.pyiceberg().load_table("sales.orders").refs()) == {"main"}


def test_a_rollback_moves_main_and_keeps_the_history(file_lake: Lake):
    table = _with_two_snapshots(file_lake)
    first, second = (entry.snapshot_id for entry in table.history())

    table.manage_snapshots().rollback_to_snapshot(first).commit()

    seen = file_lake.pyiceberg().load_table("sales.orders")
    assert ids(seen) == [1]
    assert ids(seen, snapshot_id=second) == ALL_IDS
    assert [entry.snapshot_id for entry in seen.history()] == [first, second, first]


def test_an_expired_snapshot_is_gone_and_the_current_one_is_not(file_lake: Lake):
    table = _with_two_snapshots(file_lake)
    first, second = (entry.snapshot_id for entry in table.history())

    table.maintenance.expire_snapshots().by_id(first).commit()

    seen = file_lake.pyiceberg().load_table("sales.orders")
    assert [snapshot.snapshot_id for snapshot in seen.snapshots()] == [second]
    assert ids(seen) == ALL_IDS
    with pytest.raises(ValueError, match="[Ss]napshot"):
        seen.scan(snapshot_id=first).to_arrow()
