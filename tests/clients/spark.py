"""Spark with Iceberg's own Java client: one session, in which each lake is a catalog of its name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from alone import alone
from lake import Lake
from server import CLIENT_ID, CLIENT_SECRET

ICEBERG = "1.10.1"
# Spark fetches these from Maven Central, once.
PACKAGES = (
    f"org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:{ICEBERG}",
    f"org.apache.iceberg:iceberg-aws-bundle:{ICEBERG}",
)
SETTINGS = {
    "spark.jars.packages": ",".join(PACKAGES),
    "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.log.level": "ERROR",
    "spark.sql.shuffle.partitions": "1",
    "spark.ui.enabled": "false",
}


class Spark:
    """A Spark session that lakes are attached to."""

    def __init__(self, session: SparkSession):
        self._session = session

    def attach(self, lake: Lake) -> None:
        """Makes a lake's catalog known to the session, under the lake's name."""
        settings = {
            "": "org.apache.iceberg.spark.SparkCatalog",
            ".type": "rest",
            ".uri": f"{lake.uri}/api/catalog",
            ".warehouse": lake.name,
            ".credential": f"{CLIENT_ID}:{CLIENT_SECRET}",
            ".scope": "PRINCIPAL_ROLE:ALL",
            # What it has read it would read again from memory, whatever others wrote meanwhile.
            ".cache-enabled": "false",
        }
        if lake.store:
            settings |= {
                ".io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
                ".client.region": "us-east-1",
                ".s3.endpoint": lake.store.endpoint,
                ".s3.access-key-id": lake.store.access_key,
                ".s3.secret-access-key": lake.store.secret_key,
                ".s3.path-style-access": "true",
            }
        self._configure(lake, settings)

    def attach_as_user(self, lake: Lake, token: str | None = None) -> None:
        """Makes a lake's catalog known to the session as its users would: with no keys, and nothing about the store.

        With keys that Iceberg knows nothing of, and a token got earlier, if there is one.
        """
        settings = {
            "": "org.apache.iceberg.spark.SparkCatalog",
            ".type": "rest",
            ".uri": f"{lake.uri}/api/catalog",
            ".warehouse": lake.name,
            ".credential": f"{CLIENT_ID}:{CLIENT_SECRET}",
            ".client_id": CLIENT_ID,
            ".client_secret": CLIENT_SECRET,
            ".scope": "PRINCIPAL_ROLE:ALL",
            ".rest.auth.oauth2.scope": "PRINCIPAL_ROLE:ALL",
            ".header.X-Iceberg-Access-Delegation": "vended-credentials",
            ".cache-enabled": "false",
        }
        if token:
            settings |= {".token": token, ".oauth2.token": token}
        self._configure(lake, settings)

    def sql(self, statement: str) -> list[tuple]:
        return [tuple(row) for row in self._session.sql(statement).collect()]

    def query(self, statement: str) -> DataFrame:
        """Returns the rows of a query, to be written somewhere."""
        return self._session.sql(statement)

    @contextmanager
    def setting(self, key: str, value: str) -> Iterator[None]:
        """Has the session do otherwise for a while."""
        self._session.conf.set(key, value)
        try:
            yield
        finally:
            self._session.conf.unset(key)

    def frame(self, table: str) -> DataFrame:
        """Returns a table's rows as they are now, to be read later and more than once."""
        return self._session.table(table)

    def java_table(self, name: str) -> Any:
        """Returns Iceberg's own handle of a table."""
        java = self._session._jvm.org.apache.iceberg.spark.Spark3Util
        return java.loadIcebergTable(self._session._jsparkSession, name)

    def java_drop(self, lake: Lake, namespace: str, table: str, purge: bool) -> bool:
        """Has Iceberg's own client drop a table, and returns what it says."""
        catalog = self._session._jsparkSession.sessionState().catalogManager().catalog(lake.name).icebergCatalog()
        identifier = self._session._jvm.org.apache.iceberg.catalog.TableIdentifier
        return catalog.dropTable(identifier.parse(f"{namespace}.{table}"), purge)

    @staticmethod
    def write_file(table: Any, path: str, body: bytes) -> None:
        """Writes a file by a table's own access to its store."""
        stream = table.io().newOutputFile(path).createOrOverwrite()
        stream.write(bytearray(body))
        stream.close()

    def _configure(self, lake: Lake, settings: dict[str, str]) -> None:
        for key, value in settings.items():
            self._session.conf.set(f"spark.sql.catalog.{lake.name}{key}", value)


@contextmanager
def running(directory: Path) -> Iterator[Spark]:
    ivy = os.environ.get("MERAK_TEST_IVY") or str(directory / "ivy")
    builder = SparkSession.builder.master("local[2]").config("spark.jars.ivy", ivy)
    builder = builder.config("spark.sql.warehouse.dir", str(directory / "unused"))
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    # It puts what it fetches into a folder that is everybody's.
    with alone("ivy"):
        session = builder.getOrCreate()
    yield Spark(session)
    session.stop()
