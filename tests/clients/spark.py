"""Spark with Iceberg's own Java client: one session, in which each lake is a catalog of its name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

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
        for key, value in settings.items():
            self._session.conf.set(f"spark.sql.catalog.{lake.name}{key}", value)

    def sql(self, statement: str) -> list[tuple]:
        return [tuple(row) for row in self._session.sql(statement).collect()]


@contextmanager
def running(directory: Path) -> Iterator[Spark]:
    ivy = os.environ.get("MERAK_TEST_IVY") or str(directory / "ivy")
    builder = SparkSession.builder.master("local[2]").config("spark.jars.ivy", ivy)
    builder = builder.config("spark.sql.warehouse.dir", str(directory / "unused"))
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    yield Spark(session)
    session.stop()
