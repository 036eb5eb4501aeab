"""Spark: the procedures that keep tables small and fast, and many writers at once."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from spark_tables import Sheet

WRITERS = 3
APPENDS = 4
ALL_BUT_ONE = {"older_than": "TIMESTAMP '2099-01-01 00:00:00'", "retain_last": 1}


def test_files_manifests_and_snapshots_become_few(sheet: Sheet):
    sheet.create(**{"write.delete.mode": "merge-on-read"})
    for id in (1, 2):
        # Two rows in one file, so that the file stays when one of them goes.
        sheet.sql(f"INSERT INTO {{t}} VALUES (1, 'x'), (1, 'y'), ({id}, 'y')")
    sheet.sql("DELETE FROM {t} WHERE name = 'x'")
    before = sheet.rows()
    assert sheet.sql("SELECT count(*) > 0 FROM {t}.delete_files") == [(True,)]

    sheet.call("rewrite_data_files", options="map('rewrite-all', 'true', 'remove-dangling-deletes', 'true')")
    sheet.call("rewrite_position_delete_files", options="map('rewrite-all', 'true')")
    sheet.call("rewrite_manifests")
    assert sheet.sql("SELECT count(*) FROM {t}.data_files") == [(3,)]
    assert sheet.sql("SELECT count(*) FROM {t}.delete_files") == [(0,)]
    sheet.call("expire_snapshots", **ALL_BUT_ONE)

    assert sheet.rows() == before
    assert len(sheet.metadata()["snapshots"]) == 1


def test_snapshots_that_are_tagged_do_not_expire(sheet: Sheet):
    sheet.create()
    sheet.sql("ALTER TABLE {t} CREATE TAG launch")
    for id in (4, 5):
        sheet.sql(f"INSERT INTO {{t}} VALUES ({id}, 'x')")

    sheet.call("expire_snapshots", **ALL_BUT_ONE)

    assert len(sheet.metadata()["snapshots"]) == 2
    assert sheet.ids("VERSION AS OF 'launch'") == [1, 2, 3]
    assert sheet.ids() == [1, 2, 3, 4, 5]


def test_orphans_are_removed_and_nothing_else(sheet: Sheet):
    sheet.create()
    orphan = Path(sheet.metadata()["location"].removeprefix("file://")) / "data" / "orphan.parquet"
    orphan.write_bytes(b"nobody's")
    # What is younger than three days may be a writer's, whose commit is to come.
    week_ago = time.time() - 7 * 24 * 60 * 60
    os.utime(orphan, (week_ago, week_ago))

    removed = sheet.call("remove_orphan_files")

    assert [name.removeprefix("file:").replace("//", "") for (name,) in removed] == [str(orphan)]
    assert not orphan.exists()
    assert sheet.ids() == [1, 2, 3]


def test_statistics_are_kept_with_their_snapshot(sheet: Sheet):
    sheet.create()
    sheet.call("compute_table_stats")
    sheet.call("compute_partition_stats")

    table = sheet.metadata()
    (statistics,) = table["statistics"]
    assert statistics["snapshot-id"] == table["current-snapshot-id"]
    (partitions,) = table["partition-statistics"]
    assert partitions["snapshot-id"] == table["current-snapshot-id"]
    sheet.sql("INSERT INTO {t} VALUES (4, 'd')")
    sheet.call("expire_snapshots", **ALL_BUT_ONE)
    table = sheet.metadata()
    assert not table.get("statistics")
    assert not table.get("partition-statistics")


def test_a_table_is_registered_under_another_name_after_it_was_dropped(sheet: Sheet):
    sheet.create()
    ((file,),) = sheet.sql("SELECT file FROM {t}.metadata_log_entries ORDER BY timestamp DESC LIMIT 1")
    sheet.sql("DROP TABLE {t}")

    sheet.sql(f"CALL {{lake}}.system.register_table('sales.again', '{file}')")

    assert sheet.sql("SELECT count(*) FROM {lake}.sales.again") == [(3,)]


def test_appends_of_many_writers_at_once_all_land(sheet: Sheet):
    sheet.create(**{"commit.retry.num-retries": "50", "commit.retry.min-wait-ms": "5", "commit.retry.max-wait-ms": "50"})

    def write(writer: int) -> None:
        for append in range(APPENDS):
            sheet.sql(f"INSERT INTO {{t}} VALUES ({100 * writer + append}, 'w{writer}')")

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(1, WRITERS + 1)))

    written = [100 * writer + append for writer in range(1, WRITERS + 1) for append in range(APPENDS)]
    assert sheet.ids() == [1, 2, 3, *written]
    table = sheet.metadata()
    assert len(table["snapshots"]) == table["last-sequence-number"] == 1 + WRITERS * APPENDS
