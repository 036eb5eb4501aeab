"""Spark: rows that change, in each way to write deletes and each table format."""

import re

import pytest

from spark_tables import Sheet


@pytest.mark.parametrize(
    ("version", "mode"), [("2", "copy-on-write"), ("2", "merge-on-read"), ("3", "merge-on-read")]
)
def test_rows_are_merged_updated_deleted_and_overwritten(sheet: Sheet, version: str, mode: str):
    modes = {f"write.{verb}.mode": mode for verb in ("delete", "update", "merge")}
    # One partition, so that a file holds more than the row that goes.
    sheet.sql("CREATE TABLE {t} (id bigint, name string) USING iceberg TBLPROPERTIES (%s)" % _listed(version, modes))
    sheet.sql("INSERT INTO {t} SELECT id, 'old' FROM range(1, 9)")

    sheet.sql("DELETE FROM {t} WHERE id = 1")
    sheet.sql("UPDATE {t} SET name = 'updated' WHERE id = 2")
    sheet.sql("""
        MERGE INTO {t} t USING (SELECT explode(array(3, 4, 9)) AS id, 'merged' AS name) s ON t.id = s.id
        WHEN MATCHED AND s.id = 4 THEN DELETE
        WHEN MATCHED THEN UPDATE SET name = s.name
        WHEN NOT MATCHED THEN INSERT *
    """)

    assert sheet.rows() == [(2, "updated"), (3, "merged"), *((id, "old") for id in range(5, 9)), (9, "merged")]
    deletes = {format for (format,) in sheet.sql("SELECT file_format FROM {t}.all_delete_files")}
    assert deletes == (set() if mode == "copy-on-write" else {"PARQUET" if version == "2" else "PUFFIN"})
    table = sheet.metadata()
    assert table["format-version"] == int(version)
    assert table["last-sequence-number"] == len(table["snapshots"]) == 4

    sheet.sql("INSERT OVERWRITE {t} VALUES (20, 'all')")
    assert sheet.rows() == [(20, "all")]


def test_rows_of_format_3_keep_their_ids(sheet: Sheet):
    sheet.create(**{"format-version": "3", "write.update.mode": "merge-on-read"})
    lineage = "SELECT id, _row_id, _last_updated_sequence_number FROM {t} ORDER BY id"
    before = sheet.sql(lineage)
    assert sorted(row for _, row, _ in before) == [0, 1, 2]

    sheet.sql("UPDATE {t} SET name = 'z' WHERE id = 2")
    sheet.sql("INSERT INTO {t} VALUES (4, 'd')")

    after = sheet.sql(lineage)
    assert [row for _, row, _ in after[:3]] == [row for _, row, _ in before]
    assert [sequence for _, _, sequence in after] == [1, 2, 1, 3]
    ids = [row for _, row, _ in after]
    assert len(set(ids)) == 4
    assert sheet.metadata()["next-row-id"] > max(ids)


def test_a_table_goes_from_format_1_to_2_to_3_with_its_rows(sheet: Sheet):
    sheet.create(**{"format-version": "1"})
    assert sheet.metadata()["format-version"] == 1

    for version in (2, 3):
        sheet.sql(f"ALTER TABLE {{t}} SET TBLPROPERTIES ('format-version' = '{version}')")
        assert sheet.metadata()["format-version"] == version
        sheet.sql(f"INSERT INTO {{t}} VALUES ({version * 10}, 'v{version}')")

    assert sheet.ids() == [1, 2, 3, 20, 30]
    with pytest.raises(Exception, match=re.escape("Cannot downgrade v3 table to v2")):
        sheet.sql("ALTER TABLE {t} SET TBLPROPERTIES ('format-version' = '2')")


def test_partitions_are_overwritten_one_by_one(sheet: Sheet):
    sheet.create()
    sheet.overwrite_partitions("(2, 'new'), (4, 'd')")

    assert sheet.rows() == [(1, "a"), (2, "new"), (3, "c"), (4, "d")]
    assert sheet.operations() == ["append", "overwrite"]


def test_what_a_failed_select_would_have_made_is_not_there(sheet: Sheet):
    sheet.create()
    fails = "AS SELECT id, CAST(raise_error('no more') AS string) AS name FROM range(3)"

    with pytest.raises(Exception, match="no more"):
        sheet.sql(f"CREATE TABLE {{lake}}.sales.other USING iceberg {fails}")
    with pytest.raises(Exception, match="no more"):
        sheet.sql(f"CREATE OR REPLACE TABLE {{t}} USING iceberg {fails}")

    assert sheet.sql("SHOW TABLES IN {lake}.sales") == [("sales", "orders", False)]
    assert sheet.ids() == [1, 2, 3]


def test_a_replaced_table_is_another_with_the_old_ones_history(sheet: Sheet):
    sheet.create()
    uuid = sheet.metadata()["table-uuid"]
    sheet.sql("ALTER TABLE {t} CREATE TAG before")

    sheet.sql("CREATE OR REPLACE TABLE {t} USING iceberg PARTITIONED BY (truncate(1, name)) AS SELECT 'x' AS name, 7 AS n")

    assert sheet.sql("SELECT * FROM {t}") == [("x", 7)]
    assert sheet.ids("VERSION AS OF 'before'") == [1, 2, 3]
    table = sheet.metadata()
    assert table["table-uuid"] == uuid
    assert len(table["schemas"]) == len(table["partition-specs"]) == 2


def _listed(version: str, modes: dict[str, str]) -> str:
    return ", ".join(f"'{key}' = '{value}'" for key, value in {"format-version": version, **modes}.items())
