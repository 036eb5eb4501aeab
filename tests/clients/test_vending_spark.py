"""Vended credentials in Spark, with the configuration of a real user: no keys, no region, no endpoint."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from lake import Lake
from rest import Rest
from rows import ids
from s3_places import S3Place
from server import Server
from spark import Spark
from vending import NAMESPACE, load, s3_client, s3_lake, vended

# The emulator takes what AWS would not: there it is 900 at least.
LIFETIME_S = 15
REMEMBERED_S = 3
# How much longer than its first credentials the session lives.
BEYOND_S = 2
SHORT_LIVED = {
    'polaris.features."STORAGE_CREDENTIAL_DURATION_SECONDS"': str(LIFETIME_S),
    'polaris.features."STORAGE_CREDENTIAL_CACHE_DURATION_SECONDS"': str(REMEMBERED_S),
}


@dataclass
class Orders:
    """An empty table of a catalog that Spark knows by its name."""

    spark: Spark
    lake: Lake

    def sql(self, statement: str) -> list[tuple]:
        return self.spark.sql(statement.replace("{lake}", self.lake.name).replace("{orders}", self.name))

    @property
    def name(self) -> str:
        return f"{self.lake.name}.{NAMESPACE}.orders"

    def create(self) -> None:
        self.sql(f"CREATE NAMESPACE IF NOT EXISTS {{lake}}.{NAMESPACE}")
        self.sql("CREATE TABLE {orders} (id bigint, name string) USING iceberg")

    def rows(self) -> list[tuple]:
        return self.sql("SELECT * FROM {orders} ORDER BY id")


@pytest.fixture
def lake(rest: Rest, seaweedfs: S3Place, extensions: Path) -> Iterator[Lake]:
    lake = s3_lake(rest, seaweedfs, extensions)
    yield lake
    lake.close()


@pytest.fixture
def orders(spark: Spark, lake: Lake) -> Orders:
    spark.attach_as_user(lake)
    orders = Orders(spark, lake)
    orders.create()
    return orders


def test_spark_works_with_vended_credentials_only(orders: Orders):
    orders.sql("INSERT INTO {orders} VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    orders.sql("""
        MERGE INTO {orders} t USING (SELECT 3 AS id, 'merged' AS name UNION ALL SELECT 4, 'new') s ON t.id = s.id
        WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *
    """)
    orders.sql("DELETE FROM {orders} WHERE id = 1")
    orders.sql("UPDATE {orders} SET name = 'z' WHERE id = 2")
    assert orders.rows() == [(2, "z"), (3, "merged"), (4, "new")]

    # Staged: the credentials come before the table does.
    orders.sql(f"CREATE TABLE {{lake}}.{NAMESPACE}.squares USING iceberg AS SELECT id, id * id AS square FROM range(4)")
    assert ids(orders.lake.pyiceberg().load_table((NAMESPACE, "squares"))) == [0, 1, 2, 3]

    orders.sql("DROP TABLE {orders}")
    assert orders.sql(f"SHOW TABLES IN {{lake}}.{NAMESPACE}") == [(NAMESPACE, "squares", False)]


def test_spark_works_with_a_token_got_earlier(spark: Spark, lake: Lake, rest: Rest):
    spark.attach_as_user(lake, rest.token)
    orders = Orders(spark, lake)
    orders.create()

    orders.sql("INSERT INTO {orders} VALUES (1, 'a')")

    assert orders.rows() == [(1, "a")]


def test_spark_purges_a_table_with_vended_credentials_only(orders: Orders, seaweedfs: S3Place):
    orders.sql("INSERT INTO {orders} VALUES (1, 'a')")
    in_folder = {"Bucket": seaweedfs.bucket, "Prefix": f"{orders.lake.name}/{NAMESPACE}/orders/data/"}
    assert seaweedfs.client().list_objects_v2(**in_folder)["KeyCount"] == 1

    # It drops the table first, and deletes the files itself.
    orders.sql("DROP TABLE {orders} PURGE")

    assert seaweedfs.client().list_objects_v2(**in_folder)["KeyCount"] == 0


def test_tables_are_maintained_with_vended_credentials_only(orders: Orders):
    for id in range(4):
        orders.sql(f"INSERT INTO {{orders}} VALUES ({id}, 'x')")
    on_orders = f"table => '{NAMESPACE}.orders'"

    (rewritten,) = orders.sql(f"""
        CALL {{lake}}.system.rewrite_data_files({on_orders}, options => map('rewrite-all', 'true'))
    """)
    assert rewritten[:2] == (4, 1)
    orders.sql(f"CALL {{lake}}.system.rewrite_manifests({on_orders})")
    (expired,) = orders.sql(f"""
        CALL {{lake}}.system.expire_snapshots(
            {on_orders}, older_than => TIMESTAMP '2099-01-01 00:00:00', retain_last => 1)
    """)
    assert expired[0] == 4, "the data files that were rewritten are deleted"
    # Lists the table's folder by the store's own lists.
    orphans = orders.sql(f"CALL {{lake}}.system.remove_orphan_files({on_orders}, prefix_listing => true)")
    assert orphans == []

    assert orders.rows() == [(id, "x") for id in range(4)]


def test_a_session_outlives_its_credentials(
    spark: Spark, make_server: Callable[..., Server], new_store: Callable, trusting: S3Place, extensions: Path
):
    environment = trusting.server_environment()
    server = make_server(new_store(), "short", environment=environment, properties=SHORT_LIVED).start()
    rest = Rest(server.uri)
    lake = s3_lake(rest, trusting, extensions)
    spark.attach_as_user(lake)
    orders = Orders(spark, lake)
    orders.create()
    orders.sql("INSERT INTO {orders} VALUES (0, 'first')")
    # What these hold on to was loaded once, with the credentials of that time.
    frame = spark.frame(orders.name)
    table = spark.java_table(orders.name)
    assert len(frame.collect()) == 1
    first = vended(load(rest, lake, "orders"))
    expires = int(first["s3.session-token-expires-at-ms"]) / 1000
    assert expires - time.time() <= LIFETIME_S + 1
    fetched = _fetches(server)

    inserted = 1
    while time.time() < expires + BEYOND_S:
        orders.sql(f"INSERT INTO {{orders}} VALUES ({inserted}, 'again')")
        assert len(frame.collect()) == 1
        inserted += 1

    with pytest.raises(ClientError, match="ExpiredToken|InvalidAccessKeyId"):
        s3_client(trusting, first).list_objects_v2(Bucket=trusting.bucket, Prefix=f"{lake.name}/{NAMESPACE}/orders/")
    assert frame.collect() == [(0, "first")]
    spark.write_file(table, f"{table.location()}/data/by-an-old-handle.txt", b"written")
    assert [id for id, _ in orders.rows()] == list(range(inserted))
    assert _fetches(server) > fetched
    now = vended(load(rest, lake, "orders"))
    assert now["s3.access-key-id"] != first["s3.access-key-id"]
    server.stop()


def _fetches(server: Server) -> int:
    """Returns how often the table's credentials were fetched again, as the access log has it."""
    log = server.log.read_text()
    return len(re.findall(r'method=GET path="[^"]*/tables/orders/credentials" status=200', log))
