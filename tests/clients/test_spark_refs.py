"""Spark: branches, tags, and going back."""

import pytest

from spark_tables import Sheet


def test_a_branch_is_written_merged_and_removed(sheet: Sheet):
    sheet.create()
    sheet.sql("ALTER TABLE {t} CREATE BRANCH audit RETAIN 7 DAYS WITH SNAPSHOT RETENTION 2 SNAPSHOTS 3 DAYS")
    sheet.sql("INSERT INTO {t}.branch_audit VALUES (4, 'd')")
    sheet.sql("UPDATE {t}.branch_audit SET name = 'z' WHERE id = 1")
    sheet.sql("DELETE FROM {t}.branch_audit WHERE id = 2")

    assert sheet.ids() == [1, 2, 3]
    assert sheet.rows("VERSION AS OF 'audit'") == [(1, "z"), (3, "c"), (4, "d")]
    day_ms = 24 * 60 * 60 * 1000
    audit = sheet.metadata()["refs"]["audit"]
    assert audit.pop("snapshot-id")
    assert audit == {
        "type": "branch",
        "max-ref-age-ms": 7 * day_ms,
        "min-snapshots-to-keep": 2,
        "max-snapshot-age-ms": 3 * day_ms,
    }

    sheet.call("fast_forward", branch="'main'", to="'audit'")
    assert sheet.rows() == [(1, "z"), (3, "c"), (4, "d")]
    sheet.sql("ALTER TABLE {t} DROP BRANCH audit")
    assert set(sheet.metadata()["refs"]) == {"main"}


def test_branches_that_went_apart_are_not_fast_forwarded(sheet: Sheet):
    sheet.create()
    sheet.sql("ALTER TABLE {t} CREATE BRANCH audit")
    sheet.sql("INSERT INTO {t}.branch_audit VALUES (4, 'd')")
    sheet.sql("INSERT INTO {t} VALUES (5, 'e')")

    with pytest.raises(Exception, match="main is not an ancestor of audit"):
        sheet.call("fast_forward", branch="'main'", to="'audit'")

    assert sheet.ids() == [1, 2, 3, 5]


def test_tags_stay_where_they_are_until_they_are_replaced(sheet: Sheet):
    sheet.create()
    sheet.sql("ALTER TABLE {t} CREATE TAG launch RETAIN 30 DAYS")
    sheet.sql("INSERT INTO {t} VALUES (4, 'd')")
    assert sheet.ids("VERSION AS OF 'launch'") == [1, 2, 3]
    with pytest.raises(Exception, match="launch"):
        sheet.sql("ALTER TABLE {t} CREATE TAG launch")

    sheet.sql("ALTER TABLE {t} REPLACE TAG launch")

    assert sheet.ids("VERSION AS OF 'launch'") == [1, 2, 3, 4]
    sheet.sql("ALTER TABLE {t} DROP TAG launch")
    assert sheet.sql("SELECT name FROM {t}.refs") == [("main",)]


def test_staged_rows_are_published_by_picking_their_snapshot(sheet: Sheet):
    sheet.create(**{"write.wap.enabled": "true"})
    with sheet.setting("spark.wap.id", "review-1"):
        sheet.sql("INSERT INTO {t} VALUES (4, 'd')")
    assert sheet.ids() == [1, 2, 3]
    sheet.sql("INSERT INTO {t} VALUES (5, 'e')")
    ((staged,),) = sheet.sql("SELECT snapshot_id FROM {t}.snapshots WHERE summary['wap.id'] = 'review-1'")

    sheet.call("cherrypick_snapshot", snapshot_id=staged)

    assert sheet.ids() == [1, 2, 3, 4, 5]
    with pytest.raises(Exception, match="review-1"):
        sheet.call("publish_changes", wap_id="'review-1'")


def test_a_branch_for_all_writes_of_a_session_takes_them(sheet: Sheet):
    sheet.create(**{"write.wap.enabled": "true"})
    with sheet.setting("spark.wap.branch", "night"):
        sheet.sql("INSERT INTO {t} VALUES (4, 'd')")
        sheet.sql("DELETE FROM {t} WHERE id = 1")
        assert sheet.ids() == [2, 3, 4]

    assert sheet.ids() == [1, 2, 3]
    assert set(sheet.metadata()["refs"]) == {"main", "night"}


def test_a_table_goes_back_to_what_it_was(sheet: Sheet):
    sheet.create()
    ((first, at),) = sheet.sql("SELECT snapshot_id, committed_at FROM {t}.snapshots")
    sheet.sql("INSERT INTO {t} VALUES (4, 'd')")
    second = sheet.metadata()["current-snapshot-id"]

    sheet.call("rollback_to_snapshot", snapshot_id=first)
    assert sheet.ids() == [1, 2, 3]
    sheet.call("set_current_snapshot", snapshot_id=second)
    assert sheet.ids() == [1, 2, 3, 4]
    assert sheet.ids(f"TIMESTAMP AS OF '{at}'") == [1, 2, 3]
    ((later,),) = sheet.sql(f"SELECT committed_at FROM {{t}}.snapshots WHERE snapshot_id = {second}")
    sheet.call("rollback_to_timestamp", timestamp=f"TIMESTAMP '{later}'")
    assert sheet.ids() == [1, 2, 3]

    history = sheet.sql("SELECT snapshot_id FROM {t}.history ORDER BY made_current_at")
    assert [snapshot for (snapshot,) in history] == [first, second, first, second, first]
